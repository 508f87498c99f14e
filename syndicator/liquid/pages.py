"""Where a file of the site that is not a post can be read (jekyll/lib/jekyll/page.rb)."""

import re
from posixpath import splitext

from syndicator.model.lookups import SiteFiles, SiteSettings
from syndicator.ruby.uris import join_address

_PERMALINK = re.compile(r"^permalink:[ \t]*([\"']?)(.{1,2000}?)\1[ \t]*$", re.MULTILINE)
_PAGES = (".md", ".markdown", ".mkdown", ".mkdn", ".mkd", ".html", ".htm")


def address_of_file(path: str, site: SiteSettings, files: SiteFiles) -> str | None:
    """The path of its address, with the base path; None when there is no such file, or it is a post's."""
    if "_posts" in path.split("/") or files.size(path) is None:
        return None
    stem, suffix = splitext(path)
    text = files.text(path) if suffix.lower() in _PAGES else None
    if text is None or not text.startswith("---"):
        return join_address("", site.baseurl, f"/{path}")
    head = text[3:].partition("\n---")[0]
    said = _PERMALINK.search(head)
    return join_address(
        "", site.baseurl, f"/{said[2].lstrip('/')}" if said else _by_style(stem, site)
    )


def _by_style(stem: str, site: SiteSettings) -> str:
    style = str(site.config.get("permalink") or "")
    if stem == "index" or stem.endswith("/index"):
        return f"/{stem.removesuffix('index')}"
    return f"/{stem}/" if style == "pretty" or style.endswith("/") else f"/{stem}.html"
