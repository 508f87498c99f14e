"""Renders tokens as HTML, with the markup of kramdown's HTML converter."""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from msgspec import Struct, field

from syndicator.kramdown import highlight
from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.escaping import attributes, escape, escape_text, reference
from syndicator.kramdown.grammar import ENTITIES, VOID_ELEMENTS
from syndicator.kramdown.heading_ids import ascii_id, heading_text
from syndicator.kramdown.limits import check_html
from syndicator.kramdown.typography import QUOTES

#: Placeholders for the table of contents and the footnotes. Markdown-it has replaced the NULs of
#: the text, so that a text can't contain one.
CONTENTS = "\0contents\0"
FOOTNOTES = "\0footnotes\0"

_LEXER_STEPS = 40  #: steps to highlight code of any length
_NAMED_PER_STEP = 64  #: characters of an id or a name, which the HTML repeats
_WRITTEN_PER_STEP = 128  #: characters of HTML, counted for each element around them
_LANGUAGE = re.compile(r"\blanguage-(\S+)")
_NO_TOC = re.compile(r"\bno_toc\b")
_CJK_BREAK = re.compile(
    r"(?<=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])\n(?=[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])"
)


class HtmlOutput(Struct):
    """Data collected while one text is rendered, for the footnotes and the table of contents."""

    note_repeats: dict[str, int] = field(default_factory=dict)  #: references after the first
    note_order: list[str] = field(default_factory=list)  #: names by first reference
    note_numbers: dict[str, int] = field(default_factory=dict)  #: index in `note_order`
    headings: list[tuple[int, str, list[Token]]] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    contents_list: Token | None = None  #: the list that the table of contents replaces
    notes_placed: bool = False


class Html(RendererHTML):
    """One method for each type of token.

    The state of a text is in `env`, so threads can share an instance.
    """

    def render(self, tokens: Sequence[Token], options: Any, env: Any) -> str:
        """Render tokens. Raises MarkdownLimitError if the HTML is too long."""
        html = super().render(tokens, options, env)
        if len(html) > _WRITTEN_PER_STEP:
            check_html(len(html))
            _doc(env).spend(len(html) // _WRITTEN_PER_STEP)
        return html

    def _inner(self, token: Token, options: Any, env: Any) -> str:
        return self.render(token.children or (), options, env)

    def _element(self, tag: str, token: Token, options: Any, env: Any) -> str:
        return f"<{tag}{attributes(token.attrs)}>{self._inner(token, options, env)}</{tag}>"

    def blank(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "\n"

    def mark(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return ""

    def paragraph(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if token.hidden:
            return self._inner(token, options, env)
        spans = children(children(token)[0]) if token.children else []
        if (
            len(spans) == 1
            and spans[0].type == "image"
            and "standalone" in spans[0].meta.get("refs", ())
        ):
            return self._figure(token, spans[0])
        return self._element("p", token, options, env) + "\n"

    def _figure(self, token: Token, image: Token) -> str:
        outer, inner = dict(token.attrs), dict(image.attrs)
        for key in ("class", "id"):
            if key in inner and key not in outer:
                outer[key] = inner.pop(key)
        caption = f"<figcaption>{image.attrs['alt']}</figcaption>"
        return f"<figure{attributes(outer)}>\n<img{attributes(inner)} />\n{caption}\n</figure>\n"

    def heading(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        doc, out = _doc(env), _out(env)
        level = int(token.tag[1])
        if doc.options.auto_ids and "id" not in token.attrs:
            raw = heading_text(token) if doc.options.gfm else children(token)[0].content
            token.attrs["id"] = doc.options.auto_id_prefix + ascii_id(raw, out.ids)
        doc.spend(len(str(token.attrs.get("id", ""))) // _NAMED_PER_STEP)
        if (
            "id" in token.attrs
            and level in doc.options.toc_levels
            and not _NO_TOC.search(_css(token))
        ):
            out.headings.append((level, str(token.attrs["id"]), children(token)))
        tag = f"h{min(max(level + doc.options.header_offset, 1), 6)}"
        return self._element(tag, token, options, env) + "\n"

    def blockquote(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self._container(tokens[idx], options, env)

    def _container(self, token: Token, options: Any, env: Any) -> str:
        inner = self._inner(token, options, env)
        return f"<{token.tag}{attributes(token.attrs)}>\n{inner}</{token.tag}>\n"

    def items(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token, out = tokens[idx], _out(env)
        refs = token.meta["ial"].refs if "ial" in token.meta else ()
        if "toc" in refs and out.contents_list is None:
            out.contents_list = token
            return CONTENTS
        if "footnotes" in refs and not out.notes_placed:
            out.notes_placed = True
            return FOOTNOTES
        return self._container(token, options, env)

    dl = blockquote
    table = blockquote
    rows = blockquote
    row = blockquote

    def item(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        start = "" if not token.children or token.children[0].hidden else "\n"
        inner = self._inner(token, options, env)
        return f"<{token.tag}{attributes(token.attrs)}>{start}{inner}</{token.tag}>\n"

    def dt(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self._element("dt", tokens[idx], options, env) + "\n"

    def cell(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if token.info:
            style = token.attrs.get("style")
            token.attrs["style"] = (f"{style}; " if style else "") + f"text-align: {token.info}"
        inner = self._inner(token, options, env) or reference(
            "\N{NO-BREAK SPACE}", _doc(env).options.entity_output
        )
        return f"<{token.tag}{attributes(token.attrs)}>{inner}</{token.tag}>\n"

    def hr(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<hr{attributes(tokens[idx].attrs)} />\n"

    def math_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if not _doc(env).options.math:
            token.attrs["class"] = f"{_css(token)} kdmath".lstrip()
            return f"<div{attributes(token.attrs)}>$$\n{token.content}\n$$</div>\n"
        shown = f"\\[{escape_text(token.content)}\\]\n"
        return f"<div{attributes(token.attrs)}>{shown}</div>\n" if token.attrs else shown

    def math_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        if not _doc(env).options.math:
            token.attrs["class"] = f"{_css(token)} kdmath".lstrip()
            return f"<span{attributes(token.attrs)}>${token.content}$</span>"
        if token.attrs:
            return f"<span{attributes(token.attrs)}>${token.content}$</span>"
        return f"\\({escape_text(token.content)}\\)"

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token, doc = tokens[idx], _doc(env)
        attrs, language = _language(token)
        highlighting = doc.options.block_code
        code = None
        if doc.options.syntax_highlighter == "rouge":
            name = token.info or language or highlighting.default_lang
            code = highlight.highlighted(token.content, name, highlighting, doc.highlighted)
            doc.highlighted += len(token.content)
            doc.spend(_LEXER_STEPS if language or token.info else 0)
        if code is not None:
            attrs["class"] = _highlighted_css(attrs, language or highlighting.default_lang)
            block = highlight.block_html(code, highlighting)
            return f"<div{attributes(attrs)}>{block}\n</div>\n"
        css = attributes({"class": f"language-{language}"}) if language else ""
        text = escape_text(token.content).removesuffix("\n")
        return f"<pre{attributes(attrs)}><code{css}>{text}\n</code></pre>\n"

    fence = code_block

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token, doc = tokens[idx], _doc(env)
        attrs, language = _language(token)
        highlighting = doc.options.span_code
        code = None
        if doc.options.syntax_highlighter == "rouge":
            doc.spend(_LEXER_STEPS if language else 0)
            name = language or highlighting.default_lang
            code = highlight.highlighted(token.content, name, highlighting, doc.highlighted)
            doc.highlighted += len(token.content) if language else 0
        if code is None:
            return f"<code{attributes(token.attrs)}>{escape_text(token.content)}</code>"
        attrs["class"] = _highlighted_css(attrs, language or highlighting.default_lang)
        return f"<code{attributes(attrs)}>{code}</code>"

    def html(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        inner, tag = self._inner(token, options, env), token.tag
        content = token.meta["content"]
        end = "\n" if token.block and token.meta.get("outer") else ""
        start = f"<{tag}{attributes(token.attrs)}"
        if token.block and token.meta["closed"] and content == "raw":
            return f"{start} />{end}"
        if inner and token.block and content == "block":
            return f"{start}>\n{inner.removesuffix(chr(10))}\n</{tag}>{end}"
        if not inner and tag in VOID_ELEMENTS:
            return f"{start} />{end}"
        return f"{start}>{inner}</{tag}>{end}"

    def html_comment(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        return token.content + ("\n" if token.block else "")

    raw = html_comment

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        shown = escape(tokens[idx].content)
        return _CJK_BREAK.sub("", shown) if _doc(env).options.remove_line_breaks_for_cjk else shown

    def em(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self._element(tokens[idx].tag, tokens[idx], options, env)

    strong = link = em

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<img{attributes(tokens[idx].attrs)} />"

    def hardbreak(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<br />"

    def entity(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        output = _doc(env).options.entity_output
        if output == "as_char" and token.content and token.content not in "<>&":
            return token.content
        if output in ("as_char", "as_input") or not token.content:
            return token.markup
        return reference(token.content, output)

    def quote(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        doc = _doc(env).options
        name = doc.smart_quotes[list(QUOTES).index(tokens[idx].info)]
        point = int(name) if name.isdigit() else ENTITIES.get(name, 0)
        return reference(chr(point), doc.entity_output) if point else tokens[idx].content

    def symbol(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        output = _doc(env).options.entity_output
        return "".join(
            reference(char, output) if ord(char) > 127 else escape(char)
            for char in tokens[idx].content
        )

    def abbreviation(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        known = _doc(env).abbreviations[token.content]
        attrs = dict(known.mark.attrs) | ({"title": known.title} if known.title else {})
        return f"<abbr{attributes(attrs)}>{token.content}</abbr>"

    def footnote_ref(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        doc, out = _doc(env), _out(env)
        name = tokens[idx].content
        repeats = out.note_repeats.get(name)
        out.note_repeats[name] = 0 if repeats is None else repeats + 1
        if repeats is None:
            out.note_numbers[name] = len(out.note_order)
            out.note_order.append(name)
        number = doc.options.footnote_nr + out.note_numbers[name]
        name = doc.options.footnote_prefix + name
        doc.spend(1 + len(name) // _NAMED_PER_STEP)
        suffix = "" if repeats is None else f":{repeats + 1}"
        return (
            f'<sup id="fnref:{name}{suffix}" role="doc-noteref">'
            f'<a href="#fn:{name}" class="footnote" rel="footnote">{number}</a></sup>'
        )


def _doc(env: Any) -> MarkdownDocument:
    doc: MarkdownDocument = env["document"]
    return doc


def _out(env: Any) -> HtmlOutput:
    out: HtmlOutput = env["output"]
    return out


def _css(token: Token) -> str:
    return str(token.attrs.get("class", ""))


def _language(token: Token) -> tuple[dict[str, Any], str | None]:
    """The attributes of code without the class for its language, and that language."""
    attrs = dict(token.attrs)
    language = _LANGUAGE.search(_css(token))
    if not language:
        return attrs, None
    rest = _LANGUAGE.sub("", _css(token), count=1).strip()
    del attrs["class"]
    return attrs | ({"class": rest} if rest else {}), language[1]


def _highlighted_css(attrs: dict[str, Any], language: str) -> str:
    css = f"{attrs.get('class', '')} highlighter-rouge".lstrip()
    other = re.match(r"language-\S+", css)
    return f"language-{language}" + (css[other.end() :] if other else f" {css}")
