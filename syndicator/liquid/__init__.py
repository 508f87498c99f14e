"""Renders the Liquid in a post as Jekyll does."""

from collections.abc import Mapping

from liquid import BoundTemplate, Node
from liquid.ast import IllegalNode
from liquid.builtin.content import ContentNode
from liquid.exceptions import LiquidError, LiquidInterrupt, ResourceLimitError
from liquid.token import TOKEN_CONTENT
from msgspec import Struct, field

from syndicator.liquid.context import Context, Markup, RenderState
from syndicator.liquid.drops import SiteDrop, page
from syndicator.liquid.environment import JekyllEnvironment
from syndicator.liquid.lax import BLANK
from syndicator.liquid.limits import MeteredOutput
from syndicator.liquid.tokens import tokenize
from syndicator.model.content import Post, PostHead, Problem
from syndicator.model.lookups import SiteFiles, SitePosts, SiteSettings

#: The version of Jekyll that this package follows.
JEKYLL = {"version": "4.3.1", "environment": "production"}


class LiquidResult(Struct, frozen=True, kw_only=True):
    """A text after Liquid was rendered."""

    text: str
    problems: tuple[Problem, ...] = ()
    uses_posts: bool = False  #: True: the Liquid reads other posts, not by their names alone
    #: The posts that it links to by name; None: no published post has it.
    named_posts: Mapping[str, PostHead | None] = field(default_factory=dict)
    uses_day: bool = False  #: True: the Liquid reads the date of the build


class Liquid:
    """Renders Liquid for the posts of one site. Not thread-safe.

    Hostile Liquid can't raise an error, run for long, or read a file outside of the site. A mistake
    becomes a problem, and the text around it stays.
    """

    def __init__(
        self, *, site: SiteSettings, files: SiteFiles, posts: SitePosts, markup: Markup
    ) -> None:
        self._site = site
        self._files = files
        self._posts = posts
        self._markup = markup
        self._environment = JekyllEnvironment()

    def render(self, text: str, *, post: Post, first_line: int) -> LiquidResult:
        """Render the Liquid in a text. `first_line`: the line of the file where the text begins."""
        run = RenderState(
            site=self._site,
            files=self._files,
            site_posts=self._posts,
            markup=self._markup,
            post=post,
            first_line=first_line,
        )
        self._environment.run = run
        rendered = _render(text, self._environment, run)
        self._environment.run = None
        return LiquidResult(
            text=rendered,
            problems=tuple(run.problems),
            uses_posts=run.uses_posts,
            named_posts=run.named_posts,
            uses_day=run.uses_day,
        )


def _render(text: str, environment: JekyllEnvironment, run: RenderState) -> str:
    try:
        nodes = environment.parse_nodes(text)
    except (ResourceLimitError, RecursionError) as error:
        run.report(_message(error), None, "simplify it: the post is rendered without its Liquid")
        return plain_text(text)
    values = {
        "site": SiteDrop(run),
        "page": page(run.post, run),
        "jekyll": JEKYLL,
        "layout": None,
        BLANK: object(),
    }
    context = Context(BoundTemplate(environment, nodes), globals=values, run=run)
    return "".join(_render_nodes(nodes, context, run))


def _render_nodes(nodes: list[Node], context: Context, run: RenderState) -> list[str]:
    """Render each node. After a limit is met, only the text between the Liquid is kept."""
    pieces: list[str] = []
    limit_met = False
    for node in nodes:
        if isinstance(node, ContentNode):
            pieces.append(node.text)
            continue
        if limit_met or isinstance(node, IllegalNode):
            continue
        out = MeteredOutput(run.meter)
        try:
            node.render(context, out)
        except (ResourceLimitError, RecursionError) as error:
            limit_met = True
            hint = "simplify it: this tag and all Liquid after it are left out"
            run.report(_message(error), node.token, hint)
            continue
        except LiquidInterrupt:
            pass  # a `break` outside of a loop has no effect
        except LiquidError as error:
            context.env.error(error, token=node.token)
        except Exception as error:  # a library may fail on an unexpected value; render the rest
            hint = "write it in another way; until then this tag is left out"
            message = f"can't be rendered: {type(error).__name__}: {error}"
            run.report(message, node.token, hint)
        pieces.append(out.getvalue())
    return pieces


def plain_text(text: str) -> str:
    """The text without its Liquid."""
    return "".join(
        token.value
        for token in tokenize(text, _ignore_error, repair=_keep_markup)
        if token.kind == TOKEN_CONTENT
    )


def _ignore_error(_: LiquidError) -> None:
    """Mistakes in Liquid that is left out are not reported."""


def _keep_markup(_tag: str, markup: str) -> str:
    return markup


def _message(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the Liquid is nested too deeply"
    return str(error.args[0]) if error.args else type(error).__name__
