"""Liquid as Jekyll runs it over the text of a post."""

from dataclasses import dataclass

from liquid import BoundTemplate, Node
from liquid.ast import IllegalNode
from liquid.builtin.content import ContentNode
from liquid.exceptions import LiquidError, LiquidInterrupt, ResourceLimitError
from liquid.token import TOKEN_CONTENT

from syndicator.liquid.context import Context, Markup, RenderState
from syndicator.liquid.drops import SiteDrop, page
from syndicator.liquid.environment import JekyllEnvironment
from syndicator.liquid.lax import BLANK
from syndicator.liquid.limits import MeteredOutput
from syndicator.liquid.tokens import tokenize
from syndicator.model.content import Post, Problem
from syndicator.model.lookups import SiteFiles, SitePosts, SiteSettings

#: The Jekyll whose behaviour this package follows.
JEKYLL = {"version": "4.3.1", "environment": "production"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LiquidResult:
    """What Liquid made of a text."""

    text: str
    problems: tuple[Problem, ...] = ()
    uses_posts: bool = False  #: True: other posts were asked for


class Liquid:
    """Renders Liquid for the posts of one site. Not for two threads at once.

    Nothing it is given can stop it, take it long or lead it out of the site: what is wrong is a problem,
    and the text around it stays.
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
        """The text with its Liquid done. `first_line` is the line of the post's file that it begins on."""
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
        return LiquidResult(text=rendered, problems=tuple(run.problems), uses_posts=run.uses_posts)


def _render(text: str, environment: JekyllEnvironment, run: RenderState) -> str:
    try:
        nodes = environment.parse_nodes(text)
    except (ResourceLimitError, RecursionError) as error:
        run.report(_said(error), None, "all Liquid in it is left out")
        return plain_text(text)
    values = {
        "site": SiteDrop(run),
        "page": page(run.post, run),
        "jekyll": JEKYLL,
        "layout": None,
        BLANK: object(),
    }
    context = Context(BoundTemplate(environment, nodes), globals=values, run=run)
    return "".join(_pieces(nodes, context, run))


def _pieces(nodes: list[Node], context: Context, run: RenderState) -> list[str]:
    """Each node's text. After a limit is met only the plain text between the Liquid is left."""
    pieces: list[str] = []
    spent = False
    for node in nodes:
        if isinstance(node, ContentNode):
            pieces.append(node.text)
            continue
        if spent or isinstance(node, IllegalNode):
            continue
        out = MeteredOutput(run.meter)
        try:
            node.render(context, out)
        except (ResourceLimitError, RecursionError) as error:
            spent = True
            run.report(_said(error), node.token, "it and the Liquid after it are left out")
            continue
        except LiquidInterrupt:
            pass  # a break outside of a loop ends nothing here
        except LiquidError as error:
            context.env.error(error, token=node.token)
        except Exception as error:  # a value that a library did not expect must not stop the post
            run.report(f"can't be rendered: {type(error).__name__}: {error}", node.token)
        pieces.append(out.getvalue())
    return pieces


def plain_text(text: str) -> str:
    """The text between the Liquid, which is left out."""
    return "".join(
        token.value
        for token in tokenize(text, _ignore, mend=_unread)
        if token.kind == TOKEN_CONTENT
    )


def _ignore(_: LiquidError) -> None:
    """What is wrong with Liquid that is left out needs no telling."""


def _unread(_tag: str, markup: str) -> str:
    return markup


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the Liquid is nested too deep"
    return str(error.args[0]) if error.args else type(error).__name__
