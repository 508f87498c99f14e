"""Removes scripts from HTML, and leaves a link where one shows a gist."""

import re
from html import escape, unescape
from urllib.parse import unquote

from syndicator.jekyll.fallbacks.losses import Loss, LossKind

#: A start tag, with its attributes; or an end tag, with what is shown instead of the script.
_TAG = re.compile(
    r"<script\b([^<>]*)>|</script\s*>(?=(\s*<noscript\b[^<>]*>(?!\s*</noscript))?)", re.IGNORECASE
)
_GIST = re.compile(
    r"\ssrc\s*=[\s\"']*(?:https?:)?//gist\.github\.com/([\w./-]{1,100}?)\.js"
    r"(?:\?file=([\w.%+-]{1,200}))?(?=[\"'\s]|\Z)",
    re.IGNORECASE,
)

# Data for search engines and formulas; widgets that only style a quotation beside them.
_SHOWS_NOTHING = re.compile(
    r"\stype\s*=[\s\"']*(?:application/(?:ld\+)?json|text/x-mathjax-config|importmap)"
    r"|\ssrc\s*=[\s\"']*(?:https?:)?//(?:platform\.(?:twitter|x|instagram)\.com/"
    r"|(?:www\.)?(?:instagram|tiktok)\.com/(?:static/)?embed|embed\.reddit\.com/"
    r"|(?:static|cpwebassets|production-assets)\.codepen\.io/|[\w.-]*mathjax|[\w./@-]*katex)",
    re.IGNORECASE,
)


def without_scripts(html: str) -> tuple[str, tuple[Loss, ...]]:
    """The HTML with gists as links, and the scripts that may have shown something.

    Not those that are followed by <noscript>, which the feed shows. The sanitiser removes the
    scripts themselves.
    """
    lost: list[str] = []
    counted = False  # the script that is open

    def replaced(tag: re.Match[str]) -> str:
        nonlocal counted
        attributes, instead = tag.groups()
        if attributes is None:
            if counted and instead:
                lost.pop()
            counted = False
            return tag[0]
        gist = _GIST.search(attributes)
        counted = not gist and not _SHOWS_NOTHING.search(attributes)
        if counted:
            lost.append(tag[0])
        return _link(gist[1], unquote(unescape(gist[2] or ""))) if gist else tag[0]

    html = _TAG.sub(replaced, html)
    return html, (Loss(LossKind.SCRIPT, len(lost), lost[0]),) if lost else ()


def _link(gist: str, file: str) -> str:
    """A link to the gist, and to one of its files, as GitHub names its place in the page."""
    place = f"#file-{re.sub(r'[^a-z0-9]+', '-', file.lower())}" if file else ""
    name = f"{file} (gist {gist})" if file else f"gist {gist}"
    return f'<a href="https://gist.github.com/{gist}{place}">{escape(name)}</a>'
