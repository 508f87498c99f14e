"""Recognises a lazy picture or player and its twin in <noscript>, of which one is to be shown.

The twin is kept: its author wrote it for readers without scripts.
"""

from collections import Counter

from msgspec import Struct


class _Range(Struct):
    begin: int
    end: int


class NoscriptTwins:
    """Removes lazy ones from the pieces of HTML `written` so far."""

    def __init__(self, written: list[str]) -> None:
        self._written = written
        self.removed: set[int] = set()  #: numbers of pieces that a twin has replaced
        self._depth = 0  #: of open <noscript>
        self._lazy: dict[str, _Range] = {}  #: without a twin so far, by address
        self._twins: Counter[str] = Counter()  #: of no lazy one so far, by address
        self._lazy_before: _Range | None = None  #: directly before
        self._eager_before: tuple[str, _Range] | None = None  #: directly before, with its address
        self._twin_before = False  #: one of no lazy one so far is directly before

    def enter(self) -> None:
        """A <noscript> begins."""
        self._depth += 1

    def leave(self) -> None:
        """It ends."""
        self._depth -= 1

    def saw(self, piece: str) -> None:
        """A text or tag follows, so that what comes next is beside none of those before."""
        if not piece.isspace() and not piece.startswith(("<picture", "</picture", "<source")):
            self._forget_neighbours()

    def _forget_neighbours(self) -> None:
        self._lazy_before, self._eager_before, self._twin_before = None, None, False

    def add(self, begin: int, address: str, *, lazy: bool) -> None:
        """A picture or player was written from `begin` on."""
        if self._depth:
            self._add_twin(address)
            return
        written = _Range(begin, len(self._written))
        if lazy:
            self._add_lazy(written, address)
        else:
            self._forget_neighbours()
            self._eager_before = address, written

    def end_picture(self, begin: int) -> None:
        """A <picture> from `begin` on ends: it belongs to the lazy one in it."""
        lazy = self._lazy_before
        if lazy and lazy.begin >= begin:
            lazy.begin, lazy.end = begin, len(self._written)

    def _add_twin(self, address: str) -> None:
        other = self._lazy.pop(address, None) or self._lazy_before
        if other is None and self._eager_before and self._eager_before[0] == address:
            other = self._eager_before[1]
        self._forget_neighbours()
        if other:
            self._remove(other)
        else:
            self._twins[address] += 1
            self._twin_before = True

    def _add_lazy(self, lazy: _Range, address: str) -> None:
        has_twin = self._twin_before or self._twins[address] > 0
        self._forget_neighbours()
        if has_twin:
            self._twins[address] -= 1
            self._remove(lazy)
        else:
            self._lazy[address] = self._lazy_before = lazy

    def _remove(self, lazy: _Range) -> None:
        self.removed.update(range(lazy.begin, lazy.end))
        self._written[lazy.begin : lazy.end] = [""] * (lazy.end - lazy.begin)
