"""The worker processes of one run. They start when there is enough work for them."""

import sys
from collections.abc import Callable
from typing import TypeVar

from syndicator.build.post_tools import PostTools, WorkerTools, prepare_to_render
from syndicator.build.processes import Pending, Processes, number_of_workers, started_early

Request = TypeVar("Request")
Result = TypeVar("Result")

#: Documents from which workers read too.
READ_FROM = 3000

#: The same, if a worker was started early.
READ_FROM_IF_STARTED = 200

#: Posts from which workers render, if this process would have to import what that needs first.
RENDER_FROM = 20

#: The same, if it has been imported. A worker takes the time of some 200 posts to start.
RENDER_FROM_IF_IMPORTED = 200


class PostWorkers:
    """Starts the workers of a run, and ends them with the block."""

    def __init__(
        self,
        tools: PostTools,
        make: WorkerTools,
        *,
        renders: bool = True,
        number: int | None = None,
    ) -> None:
        """`tools`: this process's own. `make`: makes a worker's.

        `renders`: whether they may render too. `number`: of workers; None: one for each further
        processor.
        """
        self._tools = tools
        self._make = make
        self._number = number_of_workers() if number is None else number
        self._reading = False
        self.renders = renders
        self._rendering = False
        self._pool: Processes[PostTools] | None = None

    def __enter__(self) -> "PostWorkers":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.__exit__()

    @property
    def number_reading(self) -> int:
        """Of the workers that may be given documents to read."""
        return self._pool.number if self._pool and self._reading else 0

    def start_to_read(self, documents: int) -> bool:
        """Whether workers read. Starts them if so many documents may have to be read."""
        least = READ_FROM_IF_STARTED if started_early() else READ_FROM
        self._reading = self._reading or (documents >= least and self._start())
        return self._reading

    def start_to_render(self, posts: int) -> bool:
        """Whether workers render. Starts and prepares them if so many posts have to be rendered."""
        if self.renders and not self._rendering and posts >= _render_from() and self._start():
            self._rendering = True
            self._started().broadcast(prepare_to_render, None)
        return self._rendering

    def submit(
        self, function: Callable[[PostTools, Request], Result], request: Request
    ) -> Pending[Result]:
        """Give work to a worker, if they have been started. The caller bounds how much."""
        return self._started().submit(function, request)

    def _start(self) -> bool:
        if self._pool is None and self._number:
            self._pool = Processes(self._make, lambda: self._tools, self._number)
        return self._pool is not None

    def _started(self) -> Processes[PostTools]:
        assert self._pool
        return self._pool


def _render_from() -> int:
    if started_early():
        return 1
    is_imported = "syndicator.jekyll.render" in sys.modules
    return RENDER_FROM_IF_IMPORTED if is_imported else RENDER_FROM
