"""Links of a post in another language than the site's default one (jekyll-polyglot, site.rb).

The plugin builds the whole site once more in a folder for the language, and leads links to pages
into that folder.
"""

import re
from html import escape, unescape

from syndicator.jekyll.site import Site

_TAG = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r'(\shref=")([^"]*)(?=")', re.IGNORECASE)
_FIRST_NAME = re.compile(r"[^/?#]*")


def with_localized_links(html: str, site: Site, folder: str) -> str:
    """HTML whose links stay in a language. `folder`: of its pages, with a leading slash."""

    def replaced(href: re.Match[str]) -> str:
        return href[1] + escape(localized(unescape(href[2]), site, folder))

    return _TAG.sub(lambda tag: _HREF.sub(replaced, tag[0]), html)


def localized(address: str, site: Site, folder: str) -> str:
    """The address below the language's folder, if it is a page or file of the site's root.

    Not one that names a language already, or that the site excludes from localization.
    """
    plugins = site.plugins
    for root in (f"{site.baseurl}/", f"{site.url}{site.baseurl}/"):
        if not address.startswith(root) or address.startswith("//"):
            continue
        below = address[len(root) :]
        name = _FIRST_NAME.match(below)
        has_language = name and name[0].lower() in (one.lower() for one in plugins.languages)
        if has_language or below.startswith(plugins.not_localized):
            break
        return f"{root.removesuffix('/')}{folder}/{below}"
    return address
