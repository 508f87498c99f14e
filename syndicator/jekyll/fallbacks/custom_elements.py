"""Replaces custom elements, which a script of the page fills.

The parser knows them as CUSTOM, with their name in an attribute (see `renamed`).
"""

import re
from collections.abc import Callable, Mapping

from syndicator.jekyll.fallbacks import media
from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import Open, Output
from syndicator.jekyll.fallbacks.regular_html import Token, attributes_of
from syndicator.jekyll.fallbacks.renamed import REAL_NAME, UNCLOSED

#: The player of a video, by a part of the element's name, as in <lite-youtube> and <amp-vimeo>.
_PLAYERS = {
    "youtube": "https://www.youtube.com/embed/",
    "vimeo": "https://player.vimeo.com/video/",
    "dailymotion": "https://www.dailymotion.com/embed/video/",
}
#: The video's id, in the attributes of lite-youtube-embed, lite-vimeo-embed and AMP.
_VIDEO_IDS = ("videoid", "video-id", "data-videoid", "data-video-id")
_VIDEO_ID = re.compile(r"[\w-]{1,64}", re.ASCII)

#: Elements of AMP that are one of HTML under another name (https://amp.dev/documentation).
_SAME_IN_AMP: Mapping[str, tuple[str, Callable[[Output, Token, str], Open]]] = {
    "amp-anim": ("img", media.image),
    "amp-audio": ("audio", media.source),
    "amp-iframe": ("iframe", media.frame),
    "amp-img": ("img", media.image),
    "amp-video": ("video", media.source),
}
_ADDRESSES = ("src", "data-src", "url", "href")

#: Characters of a name that a note has.
MAX_NAME = 100


def custom(out: Output, token: Token, _name: str) -> Open:
    """Write what the element would show, and its content.

    The content stays in any case: it is the rest of the post if the element is not closed.
    """
    attributes = attributes_of(token)
    name = attributes.pop(REAL_NAME, "").lower()
    if name in _SAME_IN_AMP:
        element, start = _SAME_IN_AMP[name]
        return start(out, token._replace(text=f"<{element}{token.attributes}>"), element)
    if name == "mjx-container":
        return _formula(out)
    address = _player(name, attributes) or (attributes.get("src") if name == "frame" else None)
    if address:
        media.write_frame(out, attributes, address, f"<{name}")
        return Open("")
    return _filled_by_script(out, name, attributes)


def _player(name: str, attributes: Mapping[str, str]) -> str | None:
    player = next((address for part, address in _PLAYERS.items() if part in name), None)
    video = next((attributes[key] for key in _VIDEO_IDS if key in attributes), "")
    return f"{player}{video}" if player and _VIDEO_ID.fullmatch(video) else None


def _formula(out: Output) -> Open:
    """MathJax's formula: a drawing, or letters of a font, beside the same in MathML."""
    formulas, outer = out.formulas, out.in_mathjax
    out.in_mathjax = True

    def end() -> None:
        out.in_mathjax = outer
        if out.formulas == formulas:
            out.lose(LossKind.CUSTOM, "<mjx-container", "mjx-container")

    return Open("", end)


def _filled_by_script(out: Output, name: str, attributes: Mapping[str, str]) -> Open:
    """Any other: its content; without one, what its address names, else a loss."""
    address = next((attributes[key] for key in _ADDRESSES if attributes.get(key)), "")
    if address and UNCLOSED in attributes:
        out.write(media.embedded(out, attributes, address, f"<{name}"))
        return Open("")
    begin, shown = len(out.written), out.shown
    out.written.append("")

    def end() -> None:
        if out.shown != shown or attributes.get("aria-hidden") == "true":
            return
        if address:
            out.written[begin] = media.embedded(out, attributes, address, f"<{name}")
        else:
            out.lose(LossKind.CUSTOM, f"<{name}", name[:MAX_NAME])

    return Open("", end)
