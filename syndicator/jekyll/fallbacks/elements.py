"""Which elements are replaced, and by what. Each function writes the start of one element."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape

from syndicator.jekyll.fallbacks import media
from syndicator.jekyll.fallbacks.backgrounds import with_background
from syndicator.jekyll.fallbacks.custom_elements import custom
from syndicator.jekyll.fallbacks.links import link
from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import SKIPPED, Drawing, Open, Output, as_it_is
from syndicator.jekyll.fallbacks.regular_html import Token, attributes_of
from syndicator.jekyll.fallbacks.renamed import CUSTOM, NOSCRIPT

# An element that the page doesn't show either. "until-found" is like <details>.
_HIDDEN = re.compile(
    r' hidden="(?!until-found")| style="[^"]*(?<![\w-])display\s*:\s*none', re.IGNORECASE
)
# `rouge-gutter gl` and `gutter gl` in Rouge's tables, `linenos` and `linenodiv` in those of
# Pygments, `lineno` in both.
_LINE_NUMBERS = re.compile(r' class="(?:[^"]* )?(?:(?:rouge-)?gutter|linenodiv|linenos?)[ "]')
_MERMAID = re.compile(r' class="(?:[^"]* )?mermaid[ "]')
#: In a "katex" KaTeX writes a formula as MathML for machines, and again as HTML for the eye.
_KATEX = re.compile(r' class="(?:[^"]* )?katex[ "]')
_KATEX_HTML = re.compile(r' class="(?:[^"]* )?katex-html[ "]')

#: Instead of an element that can't be shown, another one around its content; "" for none.
_INSTEAD = {
    **dict.fromkeys(("form", "fieldset"), "div"),
    "legend": "p",
    **dict.fromkeys(("button", "option", "optgroup", "output", "select", "textarea"), ""),
    "dialog": "div",
    "listing": "pre",
}
_FIELDS = {"select", "textarea"}
#: Inputs that ask for nothing, with the attribute that has their text.
_BUTTONS = {"button": "value", "hidden": "", "image": "alt", "reset": "value", "submit": "value"}

#: Elements that may be in the middle of a drawing's word.
_IN_WORDS = {"a", "b", "code", "em", "i", "span", "strong", "sub", "sup"}

_NUMBERED = {"a", "div", "pre", "span", "td", "th"}
_DIAGRAMS = {"div", "p", "span"}


def start(out: Output, token: Token, name: str) -> Open:
    """Write the start of an element, or of what replaces it."""
    if out.as_text:
        return _start_as_text(out, token, name)
    special = _special(out, token, name) if token.attributes else None
    element = special or _HANDLERS.get(name, as_it_is)(out, token, name)
    return with_background(out, token, name, element) if token.attributes else element


def _special(out: Output, token: Token, name: str) -> Open | None:
    """An element that its attributes make special; None: it is not."""
    if _HIDDEN.search(token.attributes):
        out.lose(LossKind.HIDDEN, f"<{name}")
        return SKIPPED
    if " class=" not in token.attributes:
        return None
    if name in _NUMBERED and _LINE_NUMBERS.search(token.attributes):
        return SKIPPED
    if name in _DIAGRAMS and _MERMAID.search(token.attributes):
        return _diagram(out)
    if _KATEX.search(token.attributes):
        out.has_formula = False
    if out.has_formula and _KATEX_HTML.search(token.attributes):
        return SKIPPED
    return None


def start_skipped(out: Output, _token: Token, name: str) -> Open:
    """An element in one that is not written. Only a drawing's words are read."""
    drawing = out.drawing
    if drawing is None:
        return Open("")
    if name == "title" and not drawing.title:
        drawing.in_title = True
        return Open("", partial(_end_title, drawing))
    if name not in _IN_WORDS:
        drawing.read(" ")
    return Open("")


def _end_title(drawing: Drawing) -> None:
    drawing.in_title = False


def _start_as_text(out: Output, token: Token, name: str) -> Open:
    out.write(escape(token.text, quote=False))
    return Open(f"&lt;/{name}&gt;")


def _diagram(out: Output) -> Open:
    """A diagram's source as a block of code, in which tags are text."""
    out.write('<pre><code class="language-mermaid">')
    begin = len(out.written)
    out.as_text += 1

    def end() -> None:
        out.as_text -= 1
        out.written[begin] = out.written[begin].lstrip("\n")

    return Open("</code></pre>", end)


def _noscript(out: Output, _token: Token, _name: str) -> Open:
    out.twins.enter()
    return Open("", out.twins.leave)


def _skip(out: Output, _token: Token, _name: str) -> Open:
    return SKIPPED


def _formula(out: Output, token: Token, name: str) -> Open:
    out.has_formula = True
    out.formulas += 1
    return as_it_is(out, token, name)


def _drawing(out: Output, token: Token, _name: str) -> Open:
    attributes = attributes_of(token)
    drawing = Drawing(label=escape(attributes.get("aria-label", "")))
    outer, out.drawing = out.drawing, drawing

    def end() -> None:
        out.drawing = outer
        if outer or out.in_mathjax or attributes.get("aria-hidden") == "true":
            return
        out.lose(LossKind.TITLED_DRAWING if drawing.words else LossKind.DRAWING, "<svg")
        if drawing.words:
            out.write_text(drawing.words)

    return Open("", end, skipped=True)


def _canvas(out: Output, token: Token, name: str) -> Open:
    shown = out.media, out.texts

    def end() -> None:
        if (out.media, out.texts) == shown:
            out.lose(LossKind.CANVAS, f"<{name}")

    return Open("", end)


def _form_part(out: Output, _token: Token, name: str) -> Open:
    tag = _INSTEAD[name]
    if name in _FIELDS:
        out.lose(LossKind.FIELD, f"<{name}")
    if tag:
        out.write(f"<{tag}>")
        return Open(f"</{tag}>")
    _stand_apart_from_before(out)
    return Open("", partial(_stand_apart, out))


def _stand_apart_from_before(out: Output) -> None:
    if out.stands_apart or (out.written and out.written[-1][-1:].isalnum()):
        out.write(" ")
        out.stands_apart = False


def _stand_apart(out: Output) -> None:
    out.stands_apart = True


def _input(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    kind = attributes.get("type", "text").lower()
    if kind == "checkbox":
        return as_it_is(out, token, name)
    if kind not in _BUTTONS:
        out.lose(LossKind.FIELD, f"<{name}")
    elif label := attributes.get(_BUTTONS[kind], "").strip():
        _stand_apart_from_before(out)
        out.write_text(escape(label))
        _stand_apart(out)
    return Open("")


def _dialog(out: Output, token: Token, name: str) -> Open:
    if "open" in attributes_of(token):
        return _form_part(out, token, name)
    out.lose(LossKind.HIDDEN, f"<{name}")
    return SKIPPED


_HANDLERS: Mapping[str, Callable[[Output, Token, str], Open]] = {
    **dict.fromkeys(_INSTEAD, _form_part),
    **dict.fromkeys(("object", "applet"), media.object_),
    **dict.fromkeys(("a", "area"), link),
    **dict.fromkeys(("audio", "source", "video"), media.source),
    "canvas": _canvas,
    "dialog": _dialog,
    "embed": media.embed,
    "iframe": media.frame,
    "img": media.image,
    "input": _input,
    "math": _formula,
    "picture": media.picture,
    "svg": _drawing,
    "title": _skip,
    CUSTOM: custom,
    NOSCRIPT: _noscript,
}
