"""Who goes next: many requests side by side, so that the slow and the dead delay nobody else."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """An order of errands, decided from times that are passed in (seconds, of any clock that only grows).

    A request that takes longer than `patience` is waiting for the other side: it costs us a thread and nothing
    else, so it no longer counts against those that run at once, only against those there may be in all. When half
    of these are such requests, nothing more is begun for their hosts: the other half is for hosts that answer.
    """

    def __init__(
        self, *, at_once: int = 64, per_host: int = 16, in_all: int = 640, patience: float = 0.25
    ) -> None:
        self._at_once, self._per_host, self._in_all, self._patience = (
            at_once,
            per_host,
            in_all,
            patience,
        )
        self._waiting: deque[tuple[str, T]] = deque()
        self._young: dict[
            int, tuple[float, str]
        ] = {}  # by id(): when it began, its host; oldest first
        self._slow: dict[int, str] = {}  # by id(): its host
        self._young_of: Counter[str] = Counter()  # by host
        self._slow_of: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        return len(self._young) + len(self._slow)

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
        half = len(self._slow) * 2 >= self._in_all
        for _ in range(len(self._waiting)):
            host, errand = self._waiting.popleft()
            if self._young_of[host] < self._per_host and not (half and self._slow_of[host]):
                self._young[id(errand)] = now, host
                self._young_of[host] += 1
                return errand
            self._waiting.append((host, errand))
        return None

    def over(self, errand: T) -> None:
        """It came back."""
        if (young := self._young.pop(id(errand), None)) is not None:
            _less(self._young_of, young[1])
        elif (host := self._slow.pop(id(errand), None)) is not None:
            _less(self._slow_of, host)

    def _age(self, now: float) -> None:
        for identity, (began, host) in list(self._young.items()):
            if now - began <= self._patience:
                break
            del self._young[identity]
            _less(self._young_of, host)
            self._slow[identity] = host
            self._slow_of[host] += 1


def _less(counter: Counter[str], host: str) -> None:
    """One less of a host, which is forgotten when none is left: strangers have any number of hosts."""
    counter[host] -= 1
    if not counter[host]:
        del counter[host]
