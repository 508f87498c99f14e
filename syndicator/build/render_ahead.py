"""Has worker processes render posts before their feeds are built."""

from collections.abc import Collection, Iterable
from datetime import datetime

from syndicator.build.post_tools import IndexedPost, RenderedPost, RenderRequest, render_posts
from syndicator.build.post_workers import PostWorkers
from syndicator.build.processes import Pending
from syndicator.store.sql import batches

#: Posts in one request. While this process holds the interpreter lock, a worker's next request may
#: wait for 5 ms (sys.getswitchinterval), so each should be work for much longer.
_CHUNK = 8

#: Posts under way from which no further feed's are begun.
_ENOUGH = 128


class RenderAhead:
    """Posts that worker processes render, until they are taken. Each post is begun once."""

    def __init__(self, workers: PostWorkers) -> None:
        self._workers = workers
        self._begun: dict[str, tuple[Pending[list[RenderedPost]], int]] = {}

    @property
    def wants_more(self) -> bool:
        """Whether to begin the posts of another feed. Those of one feed are begun together."""
        return self._workers.renders and len(self._begun) < _ENOUGH

    @property
    def is_begun(self) -> bool:
        """Whether posts are under way."""
        return bool(self._begun)

    def begin(
        self,
        posts: Iterable[IndexedPost],
        allowed: Collection[str] | None,
        now: datetime,
        until: datetime,
    ) -> None:
        """Begin posts, if workers render. `allowed`, `now` and `until` as in a RenderRequest."""
        new = [post for post in posts if post.path not in self._begun]
        if not self._workers.start_to_render(len(new)):
            return
        for chunk in batches(new, _CHUNK):
            request = RenderRequest(tuple(chunk), allowed, now, until)
            pending = self._workers.submit(render_posts, request)
            self._begun |= {post.path: (pending, at) for at, post in enumerate(chunk)}

    def take(self, path: str) -> RenderedPost | None:
        """A post that was begun, once it is rendered. None: it was not begun, or is taken."""
        if path not in self._begun:
            return None
        pending, at = self._begun.pop(path)
        return pending.result()[at]
