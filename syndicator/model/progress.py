"""How far a run or a push is, and what ends it early."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct


class Phase(StrEnum):
    """What a run or a push does at present, as a progress bar shows it."""

    WAITING = "waiting for another run"
    FETCHING = "fetching from git"
    ASKING = "asking for the pages of new posts"
    SCANNING = "scanning files"
    READING = "reading posts"
    RENDERING = "rendering posts with Liquid"
    BUILDING = "building feeds"
    ARCHIVING = "making pages of older posts"
    DEPLOYING = "waiting until feeds are live"


#: Called between the steps of a run: what is done, of how many (None: unknown), and the phase.
Progress = Callable[[int, int | None, Phase], None]


def quiet(_done: int, _total: int | None, _phase: Phase) -> None:
    """Show no progress."""


class Cancelled(Exception):  # noqa: N818  # not an error
    """A run ended early, between two of its steps. The next run does the rest."""


def _never() -> bool:
    return False


class Cancel(Struct, frozen=True, kw_only=True):
    """The conditions under which a run ends early or leaves out a part. Asked between its steps."""

    #: End the run.
    run: Callable[[], bool] = _never
    #: End the run while it scans for changes, before it has read or published anything.
    scan: Callable[[], bool] = _never
    #: Put all heavy posts but one off to the next run.
    heavy_posts: Callable[[], bool] = _never

    def check(self, phase: Phase) -> None:
        """Raise Cancelled if the run has to end in this phase."""
        if self.run() or (phase is Phase.SCANNING and self.scan()):
            raise Cancelled

    def checked(self, progress: Progress) -> Progress:
        """The same progress, whose calls also check whether the run has to end."""

        def step(done: int, total: int | None, phase: Phase) -> None:
            progress(done, total, phase)
            self.check(phase)

        return step


#: Run to the end.
NEVER = Cancel()
