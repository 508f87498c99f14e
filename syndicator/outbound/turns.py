"""Who goes next: many requests side by side, so that the slow and the dead delay nobody else."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """An order of errands, decided from times that are passed in (seconds, of any clock that only grows).

    A request that takes longer than `patience` is waiting for the other side: it costs us a thread and nothing
    else, so it no longer counts against those that run at once, only against those there may be in all.
    """

    def __init__(self, *, at_once: int = 64, per_host: int = 16, in_all: int = 640, patience: float = 0.25) -> None:
        self._at_once, self._per_host, self._in_all, self._patience = at_once, per_host, in_all, patience
        self._waiting: deque[tuple[str, T]] = deque()
        self._young: dict[int, tuple[float, str]] = {}  # by id(): when it began, its host; oldest first
        self._hosts: Counter[str] = Counter()  # of the young
        self.under_way = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, errands: Iterable[tuple[str, T]]) -> None:
        """Errands with their hosts, in the order they should be run."""
        self._waiting.extend(errands)

    def clear(self) -> None:
        """Forget those that wait."""
        self._waiting.clear()

    def take(self, now: float) -> T | None:
        """The next one to run, which then is under way; None: not now."""
        self._age(now)
        if self.under_way >= self._in_all or len(self._young) >= self._at_once:
            return None
        for _ in range(len(self._waiting)):
            host, errand = self._waiting.popleft()
            if self._hosts[host] < self._per_host:
                self._young[id(errand)] = now, host
                self._hosts[host] += 1
                self.under_way += 1
                return errand
            self._waiting.append((host, errand))
        return None

    def over(self, errand: T) -> None:
        """It came back."""
        self.under_way -= 1
        self._grown(id(errand))

    def _age(self, now: float) -> None:
        for identity, (began, _host) in list(self._young.items()):
            if now - began <= self._patience:
                break
            self._grown(identity)

    def _grown(self, identity: int) -> None:
        if (young := self._young.pop(identity, None)) is not None:
            self._hosts[young[1]] -= 1
