"""A million paths held small."""

import heapq
import re
from collections.abc import Collection, Iterator

#: Paths that are sorted at a time.
_RUN = 10_000


class CompactPaths(Collection[str]):
    """Paths in order, each once added, at their own length: a list of texts would take twice as much and more."""

    def __init__(self) -> None:
        self._runs: list[bytes] = []
        self._last: list[str] = []
        self._count = 0

    def add(self, path: str) -> None:
        self._last.append(path)
        self._count += 1
        if len(self._last) == _RUN:
            self._runs.append("\0".join(sorted(self._last)).encode("utf-8", "surrogateescape"))
            self._last = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return heapq.merge(*map(_taken_apart, self._runs), sorted(self._last))

    def __contains__(self, path: object) -> bool:
        return any(one == path for one in self)


def _taken_apart(run: bytes) -> Iterator[str]:
    for path in re.finditer(rb"[^\0]+", run):
        yield path[0].decode("utf-8", "surrogateescape")
