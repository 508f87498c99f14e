"""Threads that send side by side, the slow in nobody's way."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from syndicator.outbound.turns import Turns

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """What came of an errand: its result, or the bug that it ran into."""

    result: R | None
    bug: BaseException | None = None


class Hands(Generic[T, R]):
    """Runs errands in daemon threads: as many as there is work for at once, each kept until `dismiss`.

    Not an executor: that waits for its threads when the process ends, and one may be in a look-up that hangs.
    """

    def __init__(self, run: Callable[[T], R]) -> None:
        self._run = run
        self._turns, self._lock = Turns[T](), threading.Lock()
        self._todo: SimpleQueue[T | None] = SimpleQueue()
        self._done: SimpleQueue[Done[R] | None] = SimpleQueue()  # None is a nudge
        self._free = self._all = 0

    @property
    def waiting(self) -> int:
        return self._turns.waiting

    @property
    def busy(self) -> bool:
        """Whether something is under way, or waits, or was not collected."""
        with self._lock:
            return bool(self._turns.under_way or self._turns.waiting or not self._done.empty())

    def add(self, errands: Iterable[tuple[str, T]]) -> None:
        """Errands with their hosts, in the order they should be run."""
        with self._lock:
            self._turns.add(errands)

    def start(self) -> None:
        """Begin what may begin now. Whoever gets free goes on without being told."""
        with self._lock:
            while (errand := self._turns.take(time.monotonic())) is not None:
                if self._free:
                    self._free -= 1
                else:
                    self._all += 1
                    threading.Thread(target=self._work, name=f"hand-{self._all}", daemon=True).start()
                self._todo.put(errand)

    def collect(self, wait: float) -> tuple[list[R], bool]:
        """What came back since last time, after waiting for the first of it; and whether there was a nudge.

        Raises what an errand raised.
        """
        results = list[R]()
        try:
            while True:
                done = self._done.get(timeout=wait) if wait and not results else self._done.get_nowait()
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
            self._turns.clear()

    def dismiss(self) -> None:
        """Begin nothing more, and let the threads end when they come back."""
        self.drop()
        for _ in range(self._all):
            self._todo.put(None)

    def _work(self) -> None:
        errand = self._todo.get()
        while errand is not None:
            done: Done[R]
            try:
                done = Done(self._run(errand))
            except BaseException as bug:  # raised by collect
                done = Done(None, bug)
            with self._lock:
                self._done.put(done)
                self._turns.over(errand)
                errand = self._turns.take(time.monotonic())
                self._free += errand is None
            if errand is None:
                errand = self._todo.get()
