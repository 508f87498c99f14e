"""Threads that send requests, in the order of a `FairQueue`."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.hold import Hold

T = TypeVar("T")
R = TypeVar("R")

#: The lane of a pool that has only one.
ONE = ""


@dataclass(frozen=True, slots=True)
class SendResult(Generic[R]):
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
        self._done: SimpleQueue[SendResult[R] | None] = SimpleQueue()  # None is a nudge
        self._nudged = threading.Event()
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
            unfinished = any(queue.under_way or queue.waiting for queue in self._lanes.values())
            return unfinished or not self._done.empty()

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
                if self._idle <= 0 and not self._start_thread() and not self._threads:
                    queue, task = todo
                    queue.finish(task)
                    raise RuntimeError("no thread could be started")
                self._idle -= 1
                self._todo.put(todo)

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

        Waits up to `wait` seconds for the first of these. A nudge comes before all results that
        were not collected yet. `limit`: of the results; None: all. Raises the exception of a task.
        """
        results = list[R]()
        with suppress(Empty):
            while not self._nudged.is_set() and (limit is None or len(results) < limit):
                done = (
                    self._done.get(timeout=wait)
                    if wait and not results
                    else self._done.get_nowait()
                )
                if done is None:  # of a nudge, perhaps of an earlier one
                    continue
                if done.bug is not None:
                    raise done.bug
                results.append(done.result)  # type: ignore[arg-type]  # not None without a bug
        nudged = self._nudged.is_set()
        self._nudged.clear()
        return results, nudged

    def set_aside(
        self, tasks: Iterable[T], lane: str, seconds: float
    ) -> tuple[list[T], list[T]] | None:
        """See `FairQueue.set_aside`."""
        with self._lock:
            return self._lanes[lane].set_aside(tasks, time.monotonic(), seconds)

    def nudge(self) -> None:
        """End the wait of `collect`."""
        self._nudged.set()
        self._done.put(None)

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
                self._done.put(done)
                queue.finish(task)
                todo = self._take()
                self._idle += todo is None
            if todo is None:
                todo = self._todo.get()
