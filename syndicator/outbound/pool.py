"""Threads that send side by side, the slow in nobody's way."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from syndicator.outbound.fair_queue import FairQueue

T = TypeVar("T")
R = TypeVar("R")

#: The lane of errands that are all alike.
ONE = ""


@dataclass(frozen=True, slots=True)
class SendResult(Generic[R]):
    """What came of an errand: its result, or the bug that it ran into."""

    result: R | None
    bug: BaseException | None = None


class SenderPool(Generic[T, R]):
    """Runs errands in daemon threads: as many as there is work for at once, each kept until `dismiss`.

    Errands of one lane have their own turns, so that they hold a share of the threads and no more. Where several
    lanes could go on, the first of them does.

    Not an executor: that waits for its threads when the process ends, and one may be in a look-up that hangs.
    """

    def __init__(
        self, run: Callable[[T], R], lanes: Mapping[str, FairQueue[T]] | None = None
    ) -> None:
        self._run = run
        self._lanes = {ONE: FairQueue[T]()} if lanes is None else dict(lanes)
        self._lock = threading.Lock()
        self._todo: SimpleQueue[tuple[FairQueue[T], T] | None] = SimpleQueue()
        self._done: SimpleQueue[SendResult[R] | None] = SimpleQueue()  # None is a nudge
        self._free = self._all = 0

    def waiting_in(self, lane: str) -> int:
        return self._lanes[lane].waiting

    @property
    def busy(self) -> bool:
        """Whether something is under way, or waits, or was not collected."""
        with self._lock:
            at_work = any(turns.under_way or turns.waiting for turns in self._lanes.values())
            return at_work or not self._done.empty()

    def add(self, errands: Iterable[tuple[str, T]], lane: str = ONE) -> None:
        """Errands with their hosts, in the order they should be run."""
        with self._lock:
            self._lanes[lane].add(errands)

    def start(self) -> None:
        """Begin what may begin now. Whoever gets free goes on without being told."""
        with self._lock:
            while (todo := self._take()) is not None:
                if self._free <= 0 and not self._has_new_thread() and not self._all:
                    turns, errand = todo
                    turns.over(errand)
                    raise RuntimeError("no thread could be started")
                self._free -= 1  # below nothing: whoever gets free next goes on with it
                self._todo.put(todo)

    def _has_new_thread(self) -> bool:
        """Start a thread that is free; False: the system allows no other."""
        try:
            threading.Thread(target=self._work, name=f"hand-{self._all + 1}", daemon=True).start()
        except RuntimeError:
            return False
        self._all += 1
        self._free += 1
        return True

    def collect(self, wait: float) -> tuple[list[R], bool]:
        """What came back since last time, after waiting for the first of it; and whether there was a nudge.

        Raises what an errand raised.
        """
        results = list[R]()
        try:
            while True:
                done = (
                    self._done.get(timeout=wait)
                    if wait and not results
                    else self._done.get_nowait()
                )
                if done is None:
                    return results, True
                if done.bug is not None:
                    raise done.bug
                results.append(done.result)  # type: ignore[arg-type]  # there is one where there is no bug
        except Empty:
            return results, False

    def nudge(self) -> None:
        """Let whoever collects go on."""
        self._done.put(None)

    def drop(self) -> None:
        """Begin nothing more."""
        with self._lock:
            for turns in self._lanes.values():
                turns.clear()

    def dismiss(self) -> None:
        """Begin nothing more, and let the threads end when they come back."""
        self.drop()
        for _ in range(self._all):
            self._todo.put(None)

    def _take(self) -> tuple[FairQueue[T], T] | None:
        now = time.monotonic()
        for turns in self._lanes.values():
            if (errand := turns.take(now)) is not None:
                return turns, errand
        return None

    def _work(self) -> None:
        todo = self._todo.get()
        while todo is not None:
            turns, errand = todo
            done: SendResult[R]
            try:
                done = SendResult(self._run(errand))
            except BaseException as bug:  # raised by collect
                done = SendResult(None, bug)
            with self._lock:
                self._done.put(done)
                turns.over(errand)
                todo = self._take()
                self._free += todo is None
            if todo is None:
                todo = self._todo.get()
