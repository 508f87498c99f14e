"""Other posts, each looked up once while the Liquid of one post is rendered."""

from collections.abc import Iterable
from datetime import datetime

from syndicator.liquid.limits import Meter
from syndicator.model.content import Post, PostHead
from syndicator.model.lookups import SitePosts

#: Steps for a look-up, which may go through all posts.
_STEPS = 10


class SeenPosts:
    """The `model.lookups.SitePosts` of one rendering. A template may repeat a look-up in a loop.

    New look-ups are counted. They raise LiquidLimitError.
    """

    def __init__(self, posts: SitePosts, meter: Meter) -> None:
        self._posts = posts
        self._meter = meter
        self._found: dict[str, PostHead | None] = {}
        self._newest: dict[int, tuple[PostHead, ...]] = {}
        self._neighbours: dict[tuple[str, bool], PostHead | None] = {}

    @property
    def now(self) -> datetime:
        return self._posts.now

    def find(self, name: str) -> PostHead | None:
        if name not in self._found:
            self._meter.spend(_STEPS)
            self._found[name] = self._posts.find(name)
        return self._found[name]

    def newest(self, limit: int) -> Iterable[PostHead]:
        if limit not in self._newest:
            self._newest[limit] = tuple(self._posts.newest(limit))
        return self._newest[limit]

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        key = head.path, newer
        if key not in self._neighbours:
            self._meter.spend(_STEPS)
            self._neighbours[key] = self._posts.neighbour(head, newer=newer)
        return self._neighbours[key]

    def read(self, head: PostHead) -> Post | None:
        return self._posts.read(head)
