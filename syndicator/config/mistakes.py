"""The mistakes in a table or a list of the config, each with its place."""

from collections.abc import Sequence
from typing import NamedTuple

#: The text of a mistake in a key.
UNKNOWN = "unknown setting"


class Mistake(NamedTuple):
    place: tuple[str | int, ...]  #: keys and positions in lists; empty: the whole config
    text: str


class MistakesError(ValueError):
    """What is wrong in one table or list."""

    def __init__(self, found: Sequence[Mistake]) -> None:
        super().__init__(found)
        self.found = found


def mistakes(error: ValueError, *place: str | int) -> list[Mistake]:
    """The mistakes that a parser raised at a place."""
    found = error.found if isinstance(error, MistakesError) else [Mistake((), str(error))]
    return [Mistake((*place, *below), text) for below, text in found]
