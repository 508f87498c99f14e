"""The tags that Jekyll adds to Liquid (jekyll/lib/jekyll/tags/)."""

import re
from html import escape
from posixpath import dirname
from typing import TextIO

from liquid import Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import BlockNode
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
from syndicator.liquid.markup_error import LiquidMarkupError
from syndicator.model.content import PostHead
from syndicator.ruby.uris import path_below


class MarkupNode(Node):
    """A tag that evaluates its markup when it is rendered."""

    def __init__(self, token: Token, markup: str) -> None:
        super().__init__(token)
        self.blank = False
        self.markup = markup

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        return self.write(context, buffer)

    def write(self, context: Context, buffer: TextIO) -> int:
        """Write the tag's output. Returns the number of characters."""
        raise NotImplementedError

    def render_markup(self, context: Context, text: str) -> str:
        """Render the Liquid in a part of the markup."""
        if "{{" not in text:
            return text
        out = MeteredOutput(context.run.meter)
        render_nodes(context.env.parse_nodes(text), context, out)  # type: ignore[attr-defined]
        return out.getvalue()


class MarkupTag(Tag):
    """A tag whose whole markup is the argument of its node."""

    block = False
    node: type[MarkupNode]

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        if stream.current.kind != TOKEN_EXPRESSION:
            hint = "name what it is for, such as a file; until then the tag is left out"
            raise LiquidMarkupError(f"'{token.value}' needs an argument", hint, token=token)
        return self.node(token, stream.current.value)


#: Steps to read a file of the site and its front matter.
_STEPS_PER_FILE = 20
_THEME_INCLUDES = "_includes"


class _Include(MarkupNode):
    def __init__(self, token: Token, markup: str) -> None:
        super().__init__(token, markup)
        self.file, self.parameters = file_and_parameters(markup, token)

    def folder(self, context: Context) -> str:
        return str(context.run.site.config.get("includes_dir") or "_includes")

    def text_of(self, path: str, file: str, context: Context) -> str | None:
        """The include of the site, else that of its theme, whose folder is always the same.

        jekyll/lib/jekyll/theme.rb, `includes_path`
        """
        files = context.run.files
        text = files.text(path)
        return files.theme_text(f"{_THEME_INCLUDES}/{file.lstrip('/')}") if text is None else text

    def hint(self, context: Context) -> str:
        """What to do about a missing file."""
        if context.run.files.has_theme:
            return "add the file to the site: the theme in source.theme does not have it either"
        config = context.run.site.config
        theme = config.get("remote_theme") or config.get("theme")
        if isinstance(theme, str) and theme:
            return f"if it is the theme's, set source.theme to the folder of {theme[:100]}"
        return "add the file to the site; if it is a theme's, set source.theme to its folder"

    def write(self, context: Context, buffer: TextIO) -> int:
        context.run.meter.spend(20)
        file = self.render_markup(context, self.file).strip()
        path = "/".join(filter(None, (self.folder(context).strip("/"), file.lstrip("/"))))
        if not is_file_name(file):
            hint = "write a path below the folder of includes: letters, digits and -_./+~#@()"
            message = f"'{file}' can't be included: invalid file name"
            context.run.report(message, self.token, hint)
            return 0
        text = self.text_of(path, file, context)
        if text is None:
            hint = self.hint(context)
            context.run.report(f"the include '{path}' does not exist", self.token, hint)
            return 0
        context.run.origins.setdefault(text, (path, 1))
        nodes = context.env.parse_nodes(text)  # type: ignore[attr-defined]
        with context.extend(self.scope(context, self.parameters)):
            render_nodes(nodes, context, buffer)
        return 1

    def scope(self, context: Context, parsed: Parameters | None) -> dict[str, object]:
        return {} if parsed is None else {"include": parameters(parsed, context)}


class _IncludeRelative(_Include):
    def folder(self, context: Context) -> str:
        return dirname(context.run.post.head.path)

    def text_of(self, path: str, file: str, context: Context) -> str | None:
        return context.run.files.text(path)

    def hint(self, context: Context) -> str:
        return "add the file to the folder of the post"


class IncludeTag(MarkupTag):
    name = "include"
    node = _Include


class IncludeCachedTag(IncludeTag):
    name = "include_cached"


class IncludeRelativeTag(IncludeTag):
    name = "include_relative"
    node = _IncludeRelative


def _post_path(post: PostHead, context: Context) -> str:
    """The post's path with `baseurl`, without the path of the site's `url` (url_filters.rb)."""
    return path_below(post.url, context.run.site.url)


class _PostUrl(MarkupNode):
    def write(self, context: Context, buffer: TextIO) -> int:
        name = self.markup.strip().removeprefix("/")
        post = context.run.find_post(name)
        if post is None:
            hint = "check the name of its file, including the date"
            context.run.report(f"no published post is named '{name}'", self.token, hint)
            return 0
        return buffer.write(_post_path(post, context))


class PostUrlTag(MarkupTag):
    name = "post_url"
    node = _PostUrl


class _Link(MarkupNode):
    def write(self, context: Context, buffer: TextIO) -> int:
        path = self.render_markup(context, self.markup).strip().removeprefix("/")
        post = context.run.find_post(path)
        address = _post_path(post, context) if post else self.address_of_file(path, context)
        if address is None:
            message = f"'{path}' can't be linked: it is not a published post or a file of the site"
            context.run.report(message, self.token, "check the path, from the site's root")
            return 0
        return buffer.write(address)

    def address_of_file(self, path: str, context: Context) -> str | None:
        run = context.run
        if path not in run.addresses:
            run.meter.spend(_STEPS_PER_FILE)
            run.addresses[path] = run.markup.address_of_file(path, run.files, run.today)
        return run.addresses[path]


class LinkTag(MarkupTag):
    name = "link"
    node = _Link


_HIGHLIGHT = re.compile(r'([a-zA-Z0-9.+#_-]+)((?:\s+\w+(?:=(?:\w+|"(?:[0-9]+\s)*[0-9]+"))?)*)')
_EDGES = re.compile(r"\A[\n\r]+|[\n\r]+\Z")


class _HighlightNode(Node):
    """Code in Jekyll's markup, without the line numbers of `linenos`.

    They are a column of text, and would stand in the entry's text.
    """

    def __init__(self, token: Token, language: str, block: BlockNode) -> None:
        super().__init__(token)
        self.blank = False
        self.language = language
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
        css_class = f"language-{escape(self.language.replace('+', '-'))}"
        return buffer.write(
            f'<figure class="highlight"><pre><code class="{css_class}" '
            f'data-lang="{escape(self.language)}">{shown}</code></pre></figure>'
        )


class HighlightTag(Tag):
    name = "highlight"
    end = "endhighlight"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        markup = (
            stream.eat(TOKEN_EXPRESSION).value if stream.current.kind == TOKEN_EXPRESSION else ""
        )
        arguments = _HIGHLIGHT.fullmatch(markup.strip()) if len(markup) < 1000 else None
        if arguments is None:
            message = f"'highlight' needs a language, not '{markup[:80]}'"
            hint = "write {% highlight ruby %}, or a code block; until then the code is text"
            raise LiquidMarkupError(message, hint, token=token)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _HighlightNode(token, arguments.group(1).lower(), block)


TAGS = (IncludeTag, IncludeCachedTag, IncludeRelativeTag, PostUrlTag, LinkTag, HighlightTag)
