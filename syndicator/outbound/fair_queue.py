"""Chooses the next request to send, so that slow and dead hosts don't delay the others."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue of tasks with a host each. Does not run them.

    A request that takes longer than `patience` seconds waits for its host and uses nothing but a
    thread. It no longer counts towards `at_once` and `per_host`, only towards `in_all`. Once half
    of `in_all` are such slow requests, nothing more is started for their hosts: the other half is
    for hosts that answer.

    Times are arguments: seconds of any monotonic clock.
    """

    def __init__(
        self, *, at_once: int = 64, per_host: int = 16, in_all: int = 640, patience: float = 0.25
    ) -> None:
        self._at_once = at_once
        self._per_host = per_host
        self._in_all = in_all
        self._patience = patience
        self._waiting: deque[tuple[str, T]] = deque()
        self._young: dict[int, tuple[float, str]] = {}  # by id(): start and host, oldest first
        self._slow: dict[int, tuple[float, str]] = {}  # by id(): start and host
        self._young_per_host: Counter[str] = Counter()
        self._slow_per_host: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        return len(self._young) + len(self._slow)

    def add(self, tasks: Iterable[tuple[str, T]]) -> None:
        """Queue tasks with their hosts, in the order in which they should run."""
        self._waiting.extend(tasks)

    def clear(self) -> None:
        """Drop the waiting tasks."""
        self._waiting.clear()

    def take(self, now: float) -> T | None:
        """Remove the next task to run and count it as under way; None if none may start now."""
        self._age(now)
        if self.under_way >= self._in_all or len(self._young) >= self._at_once:
            return None
        half = len(self._slow) * 2 >= self._in_all
        for _ in range(len(self._waiting)):
            host, task = self._waiting.popleft()
            full = self._young_per_host[host] >= self._per_host
            if not full and not (half and self._slow_per_host[host]):
                self._young[id(task)] = now, host
                self._young_per_host[host] += 1
                return task
            self._waiting.append((host, task))
        return None

    def finish(self, task: T) -> None:
        """Stop counting a task that is done."""
        if (young := self._young.pop(id(task), None)) is not None:
            _decrement(self._young_per_host, young[1])
        elif (slow := self._slow.pop(id(task), None)) is not None:
            _decrement(self._slow_per_host, slow[1])

    def set_aside(
        self, tasks: Iterable[T], now: float, seconds: float
    ) -> tuple[list[T], list[T]] | None:
        """If slow hosts hold up all of these tasks, remove those that wait.

        Returns the removed tasks, and those that are under way for longer than so many seconds.
        None: one of them is or can soon be done.
        """
        self._age(now)
        by_id = {id(task): task for task in tasks}
        waiting = [(host, task) for host, task in self._waiting if id(task) in by_id]
        under_way = [
            by_id[number]
            for number, (began, _) in self._slow.items()
            if number in by_id and now - began > seconds
        ]
        held_up = all(host in self._slow_per_host for host, _ in waiting)
        if not held_up or len(waiting) + len(under_way) < len(by_id):
            return None
        self._waiting = deque(each for each in self._waiting if id(each[1]) not in by_id)
        return [task for _, task in waiting], under_way

    def _age(self, now: float) -> None:
        for identity, (began, host) in list(self._young.items()):
            if now - began <= self._patience:
                break
            del self._young[identity]
            _decrement(self._young_per_host, host)
            self._slow[identity] = began, host
            self._slow_per_host[host] += 1


def _decrement(counter: Counter[str], host: str) -> None:
    """Subtract one, and drop the host at zero: strangers have any number of hosts."""
    counter[host] -= 1
    if not counter[host]:
        del counter[host]
