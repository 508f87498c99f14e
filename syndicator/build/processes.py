"""Worker processes, for a run's work on many posts.

A worker is a new interpreter, not a fork: a fork of a process with threads may wait for a lock that
one of them held (https://docs.python.org/3.11/library/os.html#os.fork), and would inherit the
state's lock, its connections and the server's socket.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

Context = TypeVar("Context")
Request = TypeVar("Request")
Result = TypeVar("Result")

#: Worker processes of a run. It also writes the index, and can't keep up with more.
_MOST = 3

#: What `Processes.map` requests ahead of each worker: one in work, one that waits in its pipe.
_AHEAD = 2


def number_of_workers() -> int:
    """How many workers pay off beside this process: one for each further processor it may use."""
    return min(len(os.sched_getaffinity(0)) - 1, _MOST)


class NotDone(Exception):  # noqa: N818  # never leaves this module
    """A worker did not do its work: it died, or the work raised an error or logged something."""


class Pending(Generic[Result]):
    """Work that was given to a worker."""

    def __init__(self, future: "Future[Result]", here: Callable[[], Result]) -> None:
        self._future = future
        self._here = here

    @classmethod
    def of(cls, result: Result) -> "Pending[Result]":
        """Work that was done in this process."""
        future: Future[Result] = Future()
        future.set_result(result)
        return cls(future, lambda: result)

    def done(self) -> bool:
        return self._future.done()

    def result(self) -> Result:
        """Wait for the result. What no worker could do is done in this thread.

        So it fails as it would without workers, and its log lines are written by this process.
        """
        try:
            return self._future.result()
        except NotDone:
            return self._here()


class Processes(Generic[Context]):
    """A pool of workers, which end with the block.

    Workers inherit no open file but stderr. They ignore Ctrl-C and SIGTERM, which may reach them
    too: their parent decides. They end at once if it is killed.
    """

    def __init__(
        self, make: Callable[[], Context], here: Callable[[], Context], number: int
    ) -> None:
        """`make` returns the context that functions work with. It has to be picklable.

        Each worker calls it once. `here` returns this process's own, for work that no worker could
        do. As many workers are started as can be, at most `number`; with none, all is done here.
        """
        self._here = here
        self._workers: list[_Worker] = []
        with suppress(OSError):  # out of memory or over a process limit: fewer are enough
            for _ in range(number):
                self._workers.append(_early.pop() if _early else _Worker())
        for worker in self._workers:
            worker.send(make)

    def __enter__(self) -> "Processes[Context]":
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers, also those at work."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.close()

    @property
    def number(self) -> int:
        """Of the workers that are alive."""
        return sum(not worker.dead for worker in self._workers)

    def submit(
        self, function: Callable[[Context, Request], Result], request: Request
    ) -> Pending[Result]:
        """Give work to the worker that has least. The caller bounds how much is under way.

        The function is imported by its name in the worker. The result has to be picklable too.
        """
        future: Future[Result] = Future()
        alive = [worker for worker in self._workers if not worker.dead]
        if alive:
            min(alive, key=_Worker.under_way).submit(pickle.dumps((function, request)), future)
        else:
            future.set_exception(NotDone())
        return Pending(future, lambda: function(self._here(), request))

    def broadcast(self, function: Callable[[Context, Request], object], request: Request) -> None:
        """Have each worker do the same once, for its effect."""
        for worker in self._workers:
            worker.submit(pickle.dumps((function, request)), Future())

    def map(
        self, function: Callable[[Context, Request], Result], requests: Iterable[Request]
    ) -> Generator[Result]:
        """The results in the order of the requests, of which a few are taken ahead."""
        pending: deque[Pending[Result]] = deque()
        for request in requests:
            pending.append(self.submit(function, request))
            if len(pending) > self.number * _AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def start_early(modules: Sequence[str]) -> None:
    """Start a worker for the first pool of this process, and have it import these modules.

    For a command that knows before its own imports that there will be work. One that is never used
    ends with this process.
    """
    if number_of_workers():
        with suppress(OSError):
            _early.append(_Worker(modules))


def started_early() -> bool:
    """Whether a worker waits for a pool, so that starting one costs nothing."""
    return bool(_early)


class _Worker:
    """A worker and the pipes to it, each with a thread, so that no run waits for a full pipe."""

    def __init__(self, modules: Sequence[str] = ()) -> None:
        # Its own group: Ctrl-C while it imports would end it with a traceback.
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                "import gc; gc.disable(); from syndicator.build.worker import main; main()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            process_group=0,
        )
        assert self.process.stdin and self.process.stdout  # noqa: PT018
        self._pipes = self.process.stdin, self.process.stdout
        self.dead = False
        self._lock = Lock()  #: of `dead` and `_futures`
        self._futures: deque[Future[Any]] = deque()  #: in the order of the requests
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        self._threads = [Thread(target=one, daemon=True) for one in (self._write, self._read)]
        for thread in self._threads:
            thread.start()

        self.send(modules)

    def send(self, value: object) -> None:
        """Send what has no result."""
        self._requests.put(pickle.dumps(value))

    def under_way(self) -> int:
        return len(self._futures)

    def submit(self, request: bytes, future: "Future[Any]") -> None:
        with self._lock:
            if self.dead:
                future.set_exception(NotDone())
            else:
                self._futures.append(future)
                self._requests.put(request)

    def close(self) -> None:
        """Free what a killed worker leaves."""
        self._requests.put(None)
        for thread in self._threads:
            thread.join()
        for pipe in self._pipes:
            with suppress(OSError):  # closing flushes; unsent requests are no longer needed
                pipe.close()
        self.process.wait()

    def _write(self) -> None:
        with suppress(OSError):  # it died
            while (request := self._requests.get()) is not None:
                self._pipes[0].write(request)
                self._pipes[0].flush()

    def _read(self) -> None:
        # Killed, perhaps for lack of memory, it leaves half a result, of which pickle may say
        # anything: https://docs.python.org/3.11/library/pickle.html#pickle.UnpicklingError
        with suppress(Exception):
            while True:
                is_done, result = pickle.load(self._pipes[1])  # noqa: S301 -- from our own process
                future = self._futures.popleft()
                if is_done:
                    future.set_result(result)
                else:
                    future.set_exception(NotDone())
        with self._lock:
            self.dead = True
        self.process.kill()
        for future in self._futures:
            future.set_exception(NotDone())


#: Workers that wait for a pool.
_early: list[_Worker] = []
