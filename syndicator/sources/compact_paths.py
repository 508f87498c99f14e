"""Keeps a million paths in little memory."""

import heapq
import re
from collections.abc import Collection, Iterator

#: Paths that are sorted and joined at a time.
RUN_LENGTH = 10_000


class CompactPaths(Collection[str]):
    """Paths in sorted order, each added once. A list of strings takes over twice the memory."""

    def __init__(self, run_length: int = RUN_LENGTH) -> None:
        self._run_length = run_length
        self._runs: list[bytes] = []
        self._last: list[str] = []
        self._count = 0

    def add(self, path: str) -> None:
        self._last.append(path)
        self._count += 1
        if len(self._last) == self._run_length:
            self._runs.append("\0".join(sorted(self._last)).encode("utf-8", "surrogateescape"))
            self._last = []

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return heapq.merge(*map(_paths_of, self._runs), sorted(self._last))

    def __contains__(self, path: object) -> bool:
        return any(one == path for one in self)


def _paths_of(run: bytes) -> Iterator[str]:
    for path in re.finditer(rb"[^\0]+", run):
        yield path[0].decode("utf-8", "surrogateescape")
