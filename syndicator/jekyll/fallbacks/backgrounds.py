"""Shows a picture that is the background of an element without a text."""

import re
from collections.abc import Mapping

from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import Open, Output
from syndicator.jekyll.fallbacks.regular_html import Token, attributes_of, start_tag

#: Elements whose background the author may have written as a picture.
_BOXES = frozenset(
    "a article aside div figure footer header li main nav p section span td th".split()
)
_MAY_APPLY = re.compile(
    r' style="[^"]*background| data-[\w-]*(?:bg|background)[\w-]*="', re.IGNORECASE
)
_STYLE = re.compile(r"background(?:-image)?\s*:[^;]{0,200}?url\(\s*[\"']?([^\"')]+)", re.IGNORECASE)
#: lazysizes' unveilhooks, vanilla-lazyload, lozad, WP Rocket
_NAME = re.compile(r"data-(?:.*-)?(?:bg|background)(?:-image|-src)?(?:-hidpi)?")
_URL = re.compile(r"\s*url\(\s*[\"']?([^\"')]+)[\"']?\s*\)\s*\Z", re.IGNORECASE)
_PICTURE_FILE = re.compile(
    r"[^\s?#]+\.(?:png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]\S*)?\Z", re.IGNORECASE
)


def with_background(out: Output, token: Token, name: str, element: Open) -> Open:
    """The element, which is open, with its background as a picture if it shows nothing else.

    An embedded background is a pattern or a placeholder, and is left out.
    """
    if element.skipped or name not in _BOXES or not _MAY_APPLY.search(token.attributes):
        return element
    attributes = attributes_of(token)
    address = _address(attributes)
    if address is None:
        return element
    begin, shown, on_end = len(out.written), out.shown, element.on_end
    out.written.append("")

    def end() -> None:
        if on_end:
            on_end()
        if out.shown != shown:
            out.lose(LossKind.BACKGROUND, address[:100])
            return
        alternative = attributes.get("aria-label") or attributes.get("title", "")
        out.written[begin] = start_tag("img", {"src": address, "alt": alternative})
        out.media += 1

    return Open(element.end, end)


def _address(attributes: Mapping[str, str]) -> str | None:
    """The address of the background, which a script may set. None: it has none of the web."""
    values = [attributes[name] for name in attributes if _NAME.fullmatch(name)]
    lazy = (url[1] if (url := _URL.match(value)) else value for value in values)
    files = (value.strip() for value in lazy)
    found = next((value for value in files if _PICTURE_FILE.match(value)), None)
    if found is None and (style := _STYLE.search(attributes.get("style", ""))):
        found = style[1].strip()
    return found if found and not found.lower().startswith(("data:", "blob:", "file:")) else None
