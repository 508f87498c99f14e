"""The tags Jekyll adds to Liquid (jekyll/lib/jekyll/tags/)."""

import re
from html import escape
from posixpath import dirname
from typing import TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import BlockNode
from liquid.exceptions import LiquidSyntaxError
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from syndicator.liquid.context import Context
from syndicator.liquid.includes import (
    Parameters,
    file_and_parameters,
    is_file_name,
    parameters,
    render_nodes,
)
from syndicator.liquid.limits import MeteredOutput
from syndicator.liquid.pages import address_of_file
from syndicator.model.content import PostHead
from syndicator.ruby.uris import path_below


class _Line(Node):
    """A tag that prints what its markup means at the time."""

    def __init__(self, token: Token, markup: str) -> None:
        super().__init__(token)
        self.blank = False
        self.markup = markup

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        return self.write(context, buffer)

    def write(self, context: Context, buffer: TextIO) -> int:
        raise NotImplementedError

    def filled(self, context: Context, text: str) -> str:
        """The text with the Liquid in it rendered."""
        if "{{" not in text:
            return text
        out = MeteredOutput(context.run.meter)
        render_nodes(context.env.parse_nodes(text), context, out)  # type: ignore[attr-defined]
        return out.getvalue()


class _LineTag(Tag):
    block = False
    node: type[_Line]

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        if stream.current.kind != TOKEN_EXPRESSION:
            raise LiquidSyntaxError(f"'{token.value}' needs a name", token=token)
        return self.node(token, stream.current.value)


class _Include(_Line):
    def __init__(self, token: Token, markup: str) -> None:
        super().__init__(token, markup)
        self.file, self.parameters = file_and_parameters(markup, token)

    def folder(self, context: Context) -> str:
        return str(context.run.site.config.get("includes_dir") or "_includes")

    def write(self, context: Context, buffer: TextIO) -> int:
        context.run.meter.spend(20)
        file = self.filled(context, self.file).strip()
        path = "/".join(filter(None, (self.folder(context).strip("/"), file.lstrip("/"))))
        if not is_file_name(file):
            context.run.report(f"'{file}' can't be included: it is not a file's name", self.token)
            return 0
        text = context.run.files.text(path)
        if text is None:
            context.run.report(
                f"the include '{path}' is not there", self.token, "a theme's includes are not read"
            )
            return 0
        context.run.places.setdefault(text, (path, 1))
        nodes = context.env.parse_nodes(text)  # type: ignore[attr-defined]
        with context.extend(self.scope(context, self.parameters)):
            render_nodes(nodes, context, buffer)
        return 1

    def scope(self, context: Context, given: Parameters | None) -> dict[str, object]:
        return {} if given is None else {"include": parameters(given, context)}


class _IncludeRelative(_Include):
    def folder(self, context: Context) -> str:
        return dirname(context.run.post.head.path)


class IncludeTag(_LineTag):
    name = "include"
    node = _Include


class IncludeCachedTag(IncludeTag):
    name = "include_cached"


class IncludeRelativeTag(IncludeTag):
    name = "include_relative"
    node = _IncludeRelative


def _path(post: PostHead, context: Context) -> str:
    """With the base path, and without what else the site's address may have of one (filters/url_filters.rb)."""
    return path_below(post.url, context.run.site.url)


class _PostUrl(_Line):
    def write(self, context: Context, buffer: TextIO) -> int:
        name = self.markup.strip().removeprefix("/")
        found = context.run.posts.find(name)
        if found is None:
            context.run.report(
                f"the post '{name}' is not there", self.token, "check its file's name, date and all"
            )
            return 0
        return buffer.write(_path(found, context))


class PostUrlTag(_LineTag):
    name = "post_url"
    node = _PostUrl


class _Link(_Line):
    def write(self, context: Context, buffer: TextIO) -> int:
        path = self.filled(context, self.markup).strip().removeprefix("/")
        found = context.run.posts.find(path)
        address = (
            _path(found, context)
            if found
            else address_of_file(path, context.run.site, context.run.files)
        )
        if address is None:
            context.run.report(f"'{path}' is not there to be linked", self.token)
            return 0
        return buffer.write(address)


class LinkTag(_LineTag):
    name = "link"
    node = _Link


_HIGHLIGHT = re.compile(r'([a-zA-Z0-9.+#_-]+)((?:\s+\w+(?:=(?:\w+|"(?:[0-9]+\s)*[0-9]+"))?)*)')
_EDGES = re.compile(r"\A[\n\r]+|[\n\r]+\Z")


class _HighlightNode(Node):
    def __init__(self, token: Token, language: str, linenos: bool, block: BlockNode) -> None:
        super().__init__(token)
        self.blank = False
        self.language = language
        self.linenos = linenos
        self.block = block
        self.block.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        out = MeteredOutput(context.run.meter)
        self.block.render(context, out)
        code = _EDGES.sub("", out.getvalue())
        run = context.run
        enabled = run.site.highlighter in ("rouge", "pygments")
        highlighted = (
            run.markup.highlight(code, self.language, run.highlighted) if enabled else None
        )
        shown = highlighted or escape(code, quote=False)
        run.highlighted += len(code)
        if self.linenos and enabled:
            shown = _numbered(shown, code.count("\n") + 1)
        classes = f'class="language-{escape(self.language.replace("+", "-"))}" data-lang="{escape(self.language)}"'
        return buffer.write(
            f'<figure class="highlight"><pre><code {classes}>{shown}</code></pre></figure>'
        )


def _numbered(code: str, lines: int) -> str:
    """As Rouge's table: numbers in one cell, code in the other."""
    numbers = "".join(f"{number}\n" for number in range(1, lines + 1))
    return (
        '<table class="rouge-table"><tbody><tr>'
        f'<td class="gutter gl"><pre class="lineno">{numbers}</pre></td><td class="code"><pre>{code}\n</pre></td>'
        "</tr></tbody></table>"
    )


class HighlightTag(Tag):
    name = "highlight"
    end = "endhighlight"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        markup = (
            stream.eat(TOKEN_EXPRESSION).value if stream.current.kind == TOKEN_EXPRESSION else ""
        )
        found = _HIGHLIGHT.fullmatch(markup.strip()) if len(markup) < 1000 else None
        if found is None:
            raise LiquidSyntaxError(
                f"'highlight' needs a language, and has '{markup[:80]}'", token=token
            )
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _HighlightNode(token, found.group(1).lower(), "linenos" in found.group(2), block)


TAGS = (IncludeTag, IncludeCachedTag, IncludeRelativeTag, PostUrlTag, LinkTag, HighlightTag)
