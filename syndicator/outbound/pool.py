"""Threads that send requests, in the order of a `FairQueue`."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from queue import SimpleQueue
from typing import Generic, TypeVar

from msgspec import Struct

from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.hold import Hold

T = TypeVar("T")
R = TypeVar("R")

#: Results that are collected together, and the seconds that they are waited for. Waking for each
#: result would take the interpreter's lock from the threads that send.
GATHERED = 32
GATHER_TIME = 0.01

#: The lane of a pool that has only one.
ONE = ""


class SendResult(Struct, Generic[R], frozen=True):
    """The result of a task, or the exception that it raised: a bug."""

    result: R | None
    bug: BaseException | None = None


class SenderPool(Generic[T, R]):
    """Runs tasks in daemon threads: as many as can run at a time, each kept until `dismiss`.

    Each lane has a queue of its own, and with it a share of the threads. Where several lanes have a
    task to start, the first lane goes first. During a hold, nothing but its tasks starts.

    Not an executor: that waits for its threads when the process ends, and one may be in a DNS
    lookup that hangs.
    """

    def __init__(
        self,
        run: Callable[[T], R],
        lanes: Mapping[str, FairQueue[T]] | None = None,
        hold: Hold | None = None,
    ) -> None:
        self._run = run
        self._lanes = {ONE: FairQueue[T]()} if lanes is None else dict(lanes)
        self._lock = threading.Lock()
        self._todo: SimpleQueue[tuple[FairQueue[T], T] | None] = SimpleQueue()
        self._done: list[SendResult[R]] = []
        self._nudged = False
        self._arrived = threading.Condition(self._lock)  # of `_wanted` results, or a nudge
        self._wanted = 1
        self._hold = hold or Hold()
        self._threads = 0
        self._idle = 0  # threads without a task; negative if tasks wait for a thread

    def waiting_in(self, lane: str) -> int:
        """The number of tasks in a lane that were not started."""
        return self._lanes[lane].waiting

    @property
    def busy(self) -> bool:
        """Whether tasks are waiting or under way, or results were not collected."""
        with self._lock:
            return bool(self._done) or _is_unfinished(self._lanes)

    def add(self, tasks: Iterable[tuple[str, T]], lane: str = ONE) -> None:
        """Queue tasks with their hosts, in the order in which they should run."""
        with self._lock:
            self._lanes[lane].add(tasks)

    def start(self) -> None:
        """Start the tasks that may run now. A thread that becomes idle takes the next by itself.

        Raises RuntimeError if no thread exists and none can be started.
        """
        with self._lock:
            while (todo := self._take()) is not None:
                self._todo.put(todo)  # first: starting a thread waits until it runs
                if self._idle <= 0 and not self._start_thread() and not self._threads:
                    queue, task = todo
                    queue.finish(task)
                    self._todo.get()
                    raise RuntimeError("no thread could be started")
                self._idle -= 1

    def _start_thread(self) -> bool:
        """Start an idle thread. Returns False if the system allows no more."""
        name = f"sender-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:
            return False
        self._threads += 1
        self._idle += 1
        return True

    def collect(self, wait: float, limit: int | None = None) -> tuple[list[R], bool]:
        """The results since the last call, and whether there was a nudge.

        Waits up to `wait` seconds for the first of these, and then a little for more. After a nudge
        there are none: they are left to the next call. `limit`: of the results; None: all. Raises
        the exception of a task.
        """
        with self._lock:
            if wait:
                self._await(1, wait)
            if wait and self._done:
                self._await(GATHERED, GATHER_TIME)
            nudged, self._nudged = self._nudged, False
            number = 0 if nudged else len(self._done) if limit is None else limit
            done, self._done = self._done[:number], self._done[number:]
        for each in done:
            if each.bug is not None:
                raise each.bug
        return [each.result for each in done], nudged  # type: ignore[misc]  # without a bug

    def _await(self, number: int, seconds: float) -> None:
        """Wait for so many results, a nudge, or the last result of the tasks that run."""
        self._wanted = number
        self._arrived.wait_for(lambda: self._nudged or self._has_arrived(), seconds)
        self._wanted = 1

    def _has_arrived(self) -> bool:
        return len(self._done) >= self._wanted or bool(
            self._done and not _is_unfinished(self._lanes)
        )

    def set_aside(
        self, tasks: Iterable[T], lane: str, seconds: float
    ) -> tuple[list[T], list[T]] | None:
        """See `FairQueue.set_aside`."""
        with self._lock:
            return self._lanes[lane].set_aside(tasks, time.monotonic(), seconds)

    def nudge(self) -> None:
        """End the wait of `collect`."""
        with self._lock:
            self._nudged = True
            self._arrived.notify()

    def drop(self) -> None:
        """Start no further tasks; those under way go on."""
        with self._lock:
            for queue in self._lanes.values():
                queue.clear()

    def dismiss(self) -> None:
        """Start no further tasks, and end the threads when their tasks are done."""
        self.drop()
        for _ in range(self._threads):
            self._todo.put(None)

    def _take(self) -> tuple[FairQueue[T], T] | None:
        now = time.monotonic()
        is_held = self._hold.left(now) > 0
        for queue in self._lanes.values():
            if (task := queue.take(now)) is not None:
                return queue, task
            if is_held:
                break
        return None

    def _work(self) -> None:
        todo = self._todo.get()
        while todo is not None:
            queue, task = todo
            done: SendResult[R]
            try:
                done = SendResult(self._run(task))
            except BaseException as bug:  # raised by collect
                done = SendResult(None, bug)
            with self._lock:
                self._done.append(done)
                queue.finish(task)
                todo = self._take()
                self._idle += todo is None
                if self._has_arrived():
                    self._arrived.notify()
            if todo is None:
                todo = self._todo.get()


def _is_unfinished(lanes: Mapping[str, FairQueue[T]]) -> bool:
    return any(queue.under_way or queue.waiting for queue in lanes.values())
