"""The state and the variables while the Liquid of one post is rendered."""

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

from liquid import Node, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.utils import ReadOnlyChainMap
from msgspec import Struct, field

from syndicator.liquid.limits import Meter, MeteredOutput
from syndicator.liquid.seen_posts import SeenPosts
from syndicator.liquid.values import undefined_to_none
from syndicator.model.content import Post, PostHead, Problem
from syndicator.model.lookups import SiteFiles, SitePosts, SiteSettings

_MAX_PROBLEMS = 20  #: of one post; later problems are not reported
_MAX_MESSAGE = 300  #: characters of a message or a hint, which may quote the post


class Markup(Struct, frozen=True, kw_only=True):
    """The functions that convert text to HTML, and know addresses, for filters and tags.

    Liquid itself has no Markdown parser, and knows no permalinks.
    """

    markdown: Callable[[str], str]
    smartify: Callable[[str], str]  #: typographic quotes, dashes and ellipses in a line of text
    #: The HTML of code. Arguments: code, language, and the characters of code highlighted before in
    #: the same post. None: the code is shown without highlighting.
    highlight: Callable[[str, str, int], str | None]
    #: The excerpt of another post: its Markdown as HTML, without its Liquid.
    excerpt: Callable[[Post], str]
    #: The path in URLs of a file that is not a post; None: it is not published. The last argument
    #: is called if it depends on the date of the build.
    address_of_file: Callable[[str, SiteFiles, Callable[[], datetime]], str | None]


class RenderState(Struct, kw_only=True, dict=True):
    """The rendering of one post: its inputs, its counters and its problems."""

    site: SiteSettings
    files: SiteFiles
    site_posts: SitePosts
    markup: Markup
    post: Post
    first_line: int
    meter: Meter = field(default_factory=Meter)
    problems: list[Problem] = field(default_factory=list)
    uses_posts: bool = False
    #: The posts that were looked up by name; None: no published post has it.
    named_posts: dict[str, PostHead | None] = field(default_factory=dict)
    uses_day: bool = False
    highlighted: int = 0  #: characters of code highlighted so far
    newlines: dict[str, list[int]] = field(default_factory=dict)  #: positions in each text
    parsed: dict[str, list[Node]] = field(default_factory=dict)  #: by text, for includes in loops
    #: Properties of other posts that were read, by path.
    read_posts: dict[str, Mapping[str, object]] = field(default_factory=dict)
    #: Addresses of files that were looked up, by path. A template may repeat a link in a loop.
    addresses: dict[str, str | None] = field(default_factory=dict)
    #: The path and the first line of each included text.
    origins: dict[str, tuple[str, int]] = field(default_factory=dict)

    @cached_property
    def seen_posts(self) -> SeenPosts:
        return SeenPosts(self.site_posts, self.meter)

    @property
    def zone(self) -> tzinfo:
        return self.site.timezone

    @property
    def posts(self) -> SitePosts:
        """The other posts of the site. Access is recorded in `uses_posts`."""
        self.uses_posts = True
        return self.seen_posts

    def find_post(self, name: str) -> PostHead | None:
        """The published post that `post_url` and `link` mean. Recorded in `named_posts`."""
        self.named_posts[name] = self.seen_posts.find(name)
        return self.named_posts[name]

    def today(self) -> datetime:
        """The beginning of the build's day, used as the current time. Recorded in `uses_day`.

        A build must not change a feed because some seconds have passed.
        """
        self.uses_day = True
        now = self.site_posts.now.astimezone(self.zone)
        return now.replace(hour=0, minute=0, second=0, microsecond=0)

    def report(self, message: str, token: Token | None, hint: str, *, note: bool = False) -> None:
        """Add a problem with the line of its tag, unless it was reported before."""
        if len(self.problems) >= _MAX_PROBLEMS:
            return
        path, line = self.origins.get(
            token.source if token else "", (self.post.head.path, self.first_line)
        )
        if token:
            line += bisect_left(self._newlines(token.source), token.start_index)
        problem = Problem(path=path, line=line, message=_cut(message), hint=_cut(hint), note=note)
        if problem not in self.problems:
            self.problems.append(problem)

    def _newlines(self, source: str) -> list[int]:
        if source not in self.newlines:
            self.newlines[source] = [match.start() for match in re.finditer("\n", source)]
        return self.newlines[source]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 1]}…"


class Context(RenderContext):
    """python-liquid's context with counted work, and with Ruby's behaviour where the two differ."""

    __slots__ = ("run",)

    def __init__(self, *args: Any, run: RenderState, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        # Without python-liquid's `now` and `today`: Ruby lacks them, and feeds must not depend on
        # the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    def get(self, path: list[object], **kwargs: Any) -> object:
        """Look up a variable. A missing one is undefined and prints nothing."""
        self.run.meter.spend(1 + len(path) // 8)
        value = super().get([undefined_to_none(part) for part in path], **kwargs)
        self.run.meter.count_search(value)
        return value

    def assign(self, key: str, val: Any) -> None:
        """Set a variable."""
        self.run.meter.spend()
        self.locals[key] = undefined_to_none(val)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count all rounds of a loop before the first. Raises LiquidLimitError."""
        self.run.meter.spend(length)

    def get_buffer(self, buf: object = None) -> MeteredOutput:
        """The output for a capture or an include."""
        return MeteredOutput(self.run.meter)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """The filter, wrapped: its work is counted, and its errors are reported and return None.

        An unknown filter is reported and returns its value unchanged, as in Jekyll.
        """
        filter_ = self.env.filters.get(name)
        if filter_ is None:
            hint = "correct its name or remove it: the value is used unchanged"
            self.run.report(f"unknown filter '{name}'", token, hint)
            return lambda value, *_, **__: value

        def call(value: object, *args: object, **kwargs: object) -> object:
            self.run.meter.spend(1 + (len(args) + len(kwargs)) // 8)
            arguments = [undefined_to_none(each) for each in (value, *args)]
            for argument in arguments:
                self.run.meter.count_value(argument)
            try:
                result = filter_(self, *arguments, **kwargs)
            except ResourceLimitError:
                raise
            except (
                LiquidError,
                ValueError,
                TypeError,
                ArithmeticError,
                LookupError,
                RecursionError,
            ) as error:
                message = error.message if isinstance(error, LiquidError) else str(error)
                hint = "correct its value or arguments: until then it returns nothing"
                self.run.report(f"filter '{name}': {message}", token, hint)
                return None
            self.run.meter.count_value(result)
            return result

        return call
