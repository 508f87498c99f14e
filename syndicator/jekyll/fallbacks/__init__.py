"""Replaces what a feed can't show by a link, its fallback or its text, before sanitising.

A frame or an object becomes a link, a lazy picture the real one, a drawing its title, a form its
text. What had to go is a `Loss`, for a note to the author. It is pure, and linear in the HTML.
"""

from typing import NamedTuple

from syndicator.jekyll.fallbacks import links
from syndicator.jekyll.fallbacks.elements import start, start_skipped
from syndicator.jekyll.fallbacks.losses import Loss, LossKind
from syndicator.jekyll.fallbacks.output import Open, Output
from syndicator.jekyll.fallbacks.regular_html import VOID, regular, tokens
from syndicator.jekyll.fallbacks.renamed import with_real_names, with_renamed_elements
from syndicator.jekyll.fallbacks.scripts import without_scripts
from syndicator.jekyll.html_parser_limits import parsed_in_linear_time

#: How much longer regular HTML may be. Elements that are never closed are repeated in each
#: paragraph that follows.
MAX_GROWTH = 2
MIN_LENGTH = 64 * 1024


class WithFallbacks(NamedTuple):
    """HTML that a feed can show."""

    html: str
    losses: tuple[Loss, ...]
    escaped: bool  #: True: it would have taken too long to parse, and is shown as text


def with_fallbacks(
    html: str,
    base: str,
    frame_hosts: frozenset[str],
    link_schemes: frozenset[str],
    *,
    untitled_links: bool = True,
) -> WithFallbacks:
    """The HTML with everything replaced that a feed can't show.

    `base` is the page's absolute address, and `frame_hosts` are the players (see `players`). Links
    with other schemes than `link_schemes` are losses. The link to a frame without a title has its
    address as its text, unless `untitled_links` is False. The result is not safe yet.
    """
    html, scripts = without_scripts(html)
    parsable, escaped = parsed_in_linear_time(with_renamed_elements(html))
    if escaped:
        return WithFallbacks(with_real_names(parsable), scripts, escaped=True)
    regular_html = with_real_names(regular(parsable, link_schemes | links.schemes_in(parsable)))
    if len(regular_html) > MAX_GROWTH * len(html) + MIN_LENGTH:
        return WithFallbacks(parsable, (*scripts, Loss(LossKind.UNCLOSED, 1, "")), escaped=False)
    out = Output(base, frame_hosts, link_schemes, untitled_links=untitled_links)
    _replace(regular_html, out)
    out.count_pictures_left_out()
    losses = scripts + tuple(out.losses.values())
    return WithFallbacks("".join(out.written), losses, escaped=False)


def _replace(regular_html: str, out: Output) -> None:
    """Write regular HTML with replacements."""
    open_elements: list[Open] = []
    skipped = 0  # open elements whose content is not written
    for token in tokens(regular_html):
        if token.name is None:
            if out.drawing:
                out.drawing.read(token.text)
            if not skipped:
                out.write_text(token.text)
        elif token.is_end:
            element = open_elements.pop()
            skipped -= element.skipped
            if element.end:
                out.write(element.end)
            if element.on_end:
                element.on_end()
        else:
            element = (start_skipped if skipped else start)(out, token, token.name)
            if token.name not in VOID:
                open_elements.append(element)
                skipped += element.skipped
