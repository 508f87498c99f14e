"""Links to the site's files, as links to its pages (jekyll-relative-links, generator.rb).

The plugin rewrites the Markdown, also in code. Here the HTML is rewritten, which has no code that
looks like a link, and includes what Liquid wrote. Links of raw HTML lead nowhere without it.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from html import escape, unescape
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from syndicator.jekyll.pages import below_collections
from syndicator.jekyll.site import Site
from syndicator.model.content import PostHead
from syndicator.model.lookups import SiteFiles
from syndicator.ruby.uris import is_absolute, path_below

#: Files that the links of one post may name; further links stay. Each is looked at in every poll.
MAX_FILES = 500

_TAG = re.compile(r"<(?:a|img)\b[^<>]*>", re.IGNORECASE)
_ADDRESS = re.compile(r'(\s(?:href|src)=")([^"]*)(?=")', re.IGNORECASE)
_PARTS = re.compile(r"([^?#]*)(.*)", re.DOTALL)


def applies_to(path: str, site: Site) -> bool:
    """Whether the links of the post at `path` are rewritten. Only those of Markdown files are."""
    plugins = site.plugins
    return (
        plugins.relative_links
        and path.lower().endswith(tuple(map(str.lower, site.suffixes)))
        and not any(
            fnmatchcase(path, one) or f"{path}/".startswith(one)
            for one in plugins.relative_links_exclude
        )
    )


def with_page_links(html: str, address_of: Callable[[str], str | None]) -> str:
    """HTML whose links and pictures have the address of the file that they name.

    `address_of` gives an address for a relative one; None: it stays.
    """

    def replaced(match: re.Match[str]) -> str:
        address = address_of(unescape(match[2]))
        return match[0] if address is None else match[1] + escape(address)

    return _TAG.sub(lambda tag: _ADDRESS.sub(replaced, tag[0]), html)


def address_from(
    post_path: str,
    site: Site,
    files: SiteFiles,
    find_post: Callable[[str], PostHead | None],
    address_of_file: Callable[[str], str | None],
) -> Callable[[str], str | None]:
    """The `address_of` for `with_page_links`, relative to the folder of a post.

    `find_post` is called for the paths of posts, `address_of_file` for other files.
    """
    found: dict[str, str | None] = {}
    folder = dirname(post_path.removeprefix(f"{site.collections_dir}/"))

    def address_of(address: str) -> str | None:
        if is_absolute(address) or address.startswith(("#", "?", "//")) or not address:
            return None
        parts = _PARTS.fullmatch(address)
        assert parts is not None  # the pattern matches any text
        name = unquote(parts[1])
        path = normpath(join(folder, name) if name[0] != "/" else name.lstrip("/"))
        if path not in found:
            if len(found) >= MAX_FILES:
                return None
            found[path] = address_of_target(path)
        page = found[path]
        return None if page is None else page + parts[2]

    def address_of_target(path: str) -> str | None:
        if "_posts" not in path.split("/"):
            return address_of_file(path)
        path = below_collections(path, site)
        if files.size(path) is None:
            return None
        post = find_post(path)
        return path_below(post.url, site.url) if post is not None and post.path == path else None

    return address_of
