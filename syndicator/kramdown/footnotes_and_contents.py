"""The last step of rendering: footnotes and the table of contents."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.escaping import attributes, escape, reference
from syndicator.kramdown.limits import check_html
from syndicator.kramdown.render import CONTENTS, FOOTNOTES, HtmlOutput

Env = MutableMapping[str, Any]


def insert_notes_and_contents(html: str, md: MarkdownIt, env: Env) -> str:
    """Insert the footnotes and the table of contents into the HTML of a text."""
    out: HtmlOutput = env["output"]
    notes = _footnotes(md, env)
    html = html.replace(FOOTNOTES, notes) if out.notes_placed else html + notes
    if out.contents_list:
        html = html.replace(CONTENTS, _contents(md, env, out.contents_list))
    check_html(len(html))
    return html


def _footnotes(md: MarkdownIt, env: Env) -> str:
    doc: MarkdownDocument = env["document"]
    out: HtmlOutput = env["output"]
    shown: list[str] = []
    length = 0
    for name in out.note_order:  # grows in the loop: a note may refer to further notes
        note = doc.footnotes[name]
        _add_backlinks(note, doc, name, out.note_repeats[name])
        body = md.renderer.render(children(note), md.options, env)
        shown.append(
            f'<li id="fn:{doc.options.footnote_prefix}{name}" role="doc-endnote">\n{body}</li>\n'
        )
        length += len(shown[-1])
        check_html(length)
    if not shown:
        return ""
    start = f' start="{doc.options.footnote_nr}"' if doc.options.footnote_nr != 1 else ""
    return (
        f'<div class="footnotes" role="doc-endnotes">\n<ol{start}>\n{"".join(shown)}</ol>\n</div>\n'
    )


def _add_backlinks(note: Token, doc: MarkdownDocument, name: str, repeats: int) -> None:
    """Add a link back to each reference, to the last paragraph or to a new one."""
    if not doc.options.footnote_backlink:
        return
    paragraph = _last_paragraph(note, doc.options.footnote_backlink_inline)
    no_break = reference("\N{NO-BREAK SPACE}", doc.options.entity_output)
    space = no_break if paragraph else ""
    if paragraph is None:
        paragraph = Token("paragraph", "p", 0, children=[], block=True)
        children(note).append(paragraph)
    arrow = escape(doc.options.footnote_backlink)
    links: list[str] = []
    length = 0
    for number in range(repeats + 1):
        target = f"{doc.options.footnote_prefix}{name}" + (f":{number}" if number else "")
        shown = arrow + (f"<sup>{number + 1}</sup>" if number else "")
        links.append(
            f'{space}<a href="#fnref:{target}" class="reversefootnote" '
            f'role="doc-backlink">{shown}</a>'
        )
        length += len(links[-1])
        check_html(length)
        space = no_break
    children(paragraph).append(Token("raw", "", 0, content="".join(links)))


def _last_paragraph(note: Token, inline: bool) -> Token | None:
    kids = children(note)
    if kids and not inline:
        return kids[-1] if kids[-1].type == "paragraph" else None
    while kids:
        if kids[-1].type in ("paragraph", "heading"):
            return kids[-1]
        kids = kids[-1].children or []
    return None


def _contents(md: MarkdownIt, env: Env, place: Token) -> str:
    """The headings as nested lists, without the links and notes in them."""
    attrs: dict[str, Any] = {**place.attrs, "id": place.attrs.get("id", "markdown-toc")}
    out: HtmlOutput = env["output"]
    html: list[str] = []
    length = 0
    open_levels: list[int] = []
    for level, name, tokens in out.headings:
        nested = bool(open_levels) and level > open_levels[-1]
        while open_levels and level <= open_levels[-1]:
            open_levels.pop()
            html.append(
                f"</li>\n</{place.tag}>\n"
                if open_levels and level <= open_levels[-1]
                else "</li>\n"
            )
        html.append(f"<{place.tag}>\n" if nested else "")
        link = attributes({"href": f"#{name}", "id": f"{attrs['id']}-{name}"})
        html.append(f"<li><a{link}>{md.renderer.render(_plain(tokens), md.options, env)}</a>")
        length += len(html[-1])
        check_html(length)
        open_levels.append(level)
    html.append(f"</li>\n</{place.tag}>\n" * len(open_levels))
    return f"<{place.tag}{attributes(attrs)}>\n{''.join(html)}" if out.headings else ""


def _plain(tokens: Sequence[Token]) -> list[Token]:
    plain: list[Token] = []
    for token in tokens:
        if token.type == "link":
            plain += _plain(token.children or ())
        elif token.type != "footnote_ref":
            plain.append(token.copy(children=_plain(token.children)) if token.children else token)
    return plain
