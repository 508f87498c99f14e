"""Paths of the site's pages and other files in its URLs (jekyll/lib/jekyll/page.rb)."""

import re
from posixpath import splitext

from syndicator.model.lookups import SiteFiles, SiteSettings
from syndicator.ruby.uris import join_address

_PERMALINK = re.compile(r"^permalink:[ \t]*([\"']?)(.{1,2000}?)\1[ \t]*$", re.MULTILINE)
_PAGES = (".md", ".markdown", ".mkdown", ".mkdn", ".mkd", ".html", ".htm")


def address_of_file(path: str, site: SiteSettings, files: SiteFiles) -> str | None:
    """The path of a file in URLs, with the base path; None for a post or a file that is missing."""
    if "_posts" in path.split("/") or files.size(path) is None:
        return None
    stem, suffix = splitext(path)
    text = files.text(path) if suffix.lower() in _PAGES else None
    if text is None or not text.startswith("---"):
        return join_address("", site.baseurl, f"/{path}")
    head = text[3:].partition("\n---")[0]
    permalink = _PERMALINK.search(head)
    path = f"/{permalink[2].lstrip('/')}" if permalink else _default_address(stem, site)
    return join_address("", site.baseurl, path)


def _default_address(stem: str, site: SiteSettings) -> str:
    style = str(site.config.get("permalink") or "")
    if stem == "index" or stem.endswith("/index"):
        return f"/{stem.removesuffix('index')}"
    return f"/{stem}/" if style == "pretty" or style.endswith("/") else f"/{stem}.html"
