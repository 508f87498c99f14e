"""What is at hand while the Liquid of one post runs."""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from liquid import Node, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.utils import ReadOnlyChainMap

from syndicator.liquid.limits import Meter, MeteredOutput
from syndicator.liquid.values import nil
from syndicator.model.content import Post, PostHead, Problem
from syndicator.model.lookups import SiteFiles, SitePosts, SiteSettings

#: What nobody reads further than.
_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Markup:
    """How the site turns text into HTML. Liquid calls it for filters and tags, and knows no Markdown itself."""

    markdown: Callable[[str], str]
    smartify: Callable[[str], str]  #: typographic quotes, dashes and ellipses in a line of text
    #: Code and its language, and how much code of the post was highlighted before; None: shown as it is.
    highlight: Callable[[str, str, int], str | None]


@dataclass(kw_only=True)
class RenderState:
    """One post being rendered: what it may ask, what it has asked, and what was wrong."""

    site: SiteSettings
    files: SiteFiles
    site_posts: SitePosts
    markup: Markup
    post: Post
    first_line: int
    meter: Meter = field(default_factory=Meter)
    problems: list[Problem] = field(default_factory=list)
    uses_posts: bool = False
    highlighted: int = 0  #: characters of code that were coloured
    newlines: dict[str, list[int]] = field(
        default_factory=dict
    )  #: of each text, where its lines end
    parsed: dict[str, list[Node]] = field(
        default_factory=dict
    )  #: texts that were parsed: an include in a loop is one
    #: Where each text being rendered comes from: its path, and the line it begins on.
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        return self.site.timezone

    @property
    def posts(self) -> SitePosts:
        """The site's other posts; asking for them is noted."""
        self.uses_posts = True
        return self.site_posts

    def newest(self) -> datetime | None:
        """What stands for the current time: the newest post's date, since a page must not change with the clock."""
        found: PostHead | None = next(iter(self.posts.newest(1)), None)
        return found.published.astimezone(self.zone) if found else None

    def report(self, message: str, token: Token | None, hint: str | None = None) -> None:
        """Note a problem once, with the line of the tag it stands in."""
        if len(self.problems) >= _PROBLEMS:
            return
        path, line = self.places.get(
            token.source if token else "", (self.post.head.path, self.first_line)
        )
        if token:
            line += bisect_left(self._newlines(token.source), token.start_index)
        problem = Problem(path=path, line=line, message=message, hint=hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def _newlines(self, source: str) -> list[int]:
        if source not in self.newlines:
            self.newlines[source] = [found.start() for found in re.finditer("\n", source)]
        return self.newlines[source]


class Context(RenderContext):
    """python-liquid's context, counted, and with Ruby's ways where they differ."""

    __slots__ = ("run",)

    def __init__(self, *args: Any, run: RenderState, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        # Without python-liquid's `now` and `today`: Ruby has none, and they are the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    def get(self, path: list[object], **kwargs: Any) -> object:
        """Look a variable up. What is not there is undefined, and prints nothing."""
        self.run.meter.spend(1 + len(path) // 8)
        found = super().get([nil(part) for part in path], **kwargs)
        self.run.meter.glance(found)
        return found

    def assign(self, key: str, val: Any) -> None:
        """Set a variable."""
        self.run.meter.spend()
        self.locals[key] = nil(val)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Pay for all rounds of a loop before the first."""
        self.run.meter.spend(length)

    def get_buffer(self, buf: object = None) -> MeteredOutput:
        """Where a capture or an include writes."""
        return MeteredOutput(self.run.meter)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        """A filter that never fails: it counts, reports what is wrong, and then gives nothing.

        A filter that is not known is reported and leaves its value as it is, as in Jekyll.
        """
        found = self.env.filters.get(name)
        if found is None:
            self.run.report(f"unknown filter '{name}'", token, "its value is left as it is")
            return lambda value, *_, **__: value

        def call(value: object, *args: object, **kwargs: object) -> object:
            self.run.meter.spend(1 + (len(args) + len(kwargs)) // 8)
            given = [nil(each) for each in (value, *args)]
            for each in given:
                self.run.meter.weigh(each)
            try:
                result = found(self, *given, **kwargs)
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
                said = error.message if isinstance(error, LiquidError) else str(error)
                self.run.report(f"filter '{name}': {said}", token)
                return None
            self.run.meter.weigh(result)
            return result

        return call
