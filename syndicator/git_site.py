"""The site in a git repository: fetched, held for a run, and reported to `status`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from syndicator.errors import SourceError, StateError
from syndicator.model.content import Problem
from syndicator.model.progress import NEVER, Cancel, Phase, Progress, quiet
from syndicator.ops import git_status
from syndicator.store.database import Database

if TYPE_CHECKING:
    from syndicator.sources.git.source import GitSource

#: How often a fetch is tried while other processes fetch, too.
_ATTEMPTS = 2


class GitSite:
    """A repository, and what the state knows of it.

    `git` None: the site is in a folder. Then nothing is fetched or held.
    """

    def __init__(
        self, git: "GitSource | None", database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._git = git
        self._database = database
        self._clock = clock
        self._failure: SourceError | None = None  #: of the last fetch
        self._held = ""  #: the commit of the last `hold`, whose notes were stored
        #: The commit of the last fetch, if that one succeeded and the state knows of it.
        self._recorded = ""

    @property
    def is_used(self) -> bool:
        """Whether the site is in a repository."""
        return self._git is not None

    @property
    def branch(self) -> str:
        """The branch that is fetched; "": unknown, or the site is in a folder."""
        return self._git.branch if self._git else ""

    def require(self) -> None:
        """Raise SourceError if git is needed, and missing or too old."""
        if self._git:
            self._git.require_git()

    def fetch(self, progress: Progress = quiet, *, cancel: Cancel = NEVER) -> SourceError | None:
        """Fetch the newest commit. The next `hold` has it.

        Returns why it failed; None: it did not. The state keeps both for `status`. Raises Cancelled
        if `cancel` says so.
        """
        if self._git is None:
            return None
        recorded = ""
        try:
            with suppress(StateError):  # a run reports it
                recorded = self._fetch(self._git, _tick(progress, cancel))
        except SourceError as error:
            self._failure = error
            git_status.remember_failure(self._database, error, self._clock())
            return error
        finally:
            self._recorded = recorded
        self._failure = None
        return None

    def _fetch(self, git: "GitSource", tick: Callable[[], None]) -> str:
        """Fetch, and again if another process fetched meanwhile. Returns the commit.

        Raises SourceError and StateError.
        """
        for _ in range(_ATTEMPTS):
            with self._database.read() as connection:
                before = git_status.newest_fetch(connection)
            found = git.fetch(tick)
            if git_status.remember_fetched(
                self._database, before, found.commit, found.branch, self._clock()
            ):
                return found.commit
        hint = "no action is needed: the next poll fetches again"
        raise SourceError("other processes fetch at the same time", hint=hint)

    def tidy(self, progress: Progress = quiet, *, cancel: Cancel = NEVER) -> None:
        """Delete what many fetches left in the clone. Raises SourceError and Cancelled."""
        if self._git:
            self._git.tidy(_tick(progress, cancel))

    @contextmanager
    def hold(
        self, progress: Progress = quiet, *, cancel: Cancel = NEVER
    ) -> Iterator[tuple[Problem, ...]]:
        """Bring the site's folder to the newest fetched commit, and keep it as it is.

        Yields what of the commit is not followed. Raises SourceError and Cancelled.
        """
        if self._git is None:
            yield ()
            return
        if self._failure and not self._git.newest:
            raise self._failure
        if missing := self._missing(self._git):
            message = f"the clone does not have commit {missing[:12]} yet, which was fetched last"
            hint = "it is fetched at the next poll; syndicator status shows why that fails"
            raise SourceError(message, hint=hint)
        with self._git.hold(_tick(progress, cancel)) as checked_out:
            if checked_out.commit != self._held:
                git_status.remember_notes(self._database, checked_out.notes)
                self._held = checked_out.commit
            yield checked_out.notes

    def _missing(self, git: "GitSource") -> str:
        """A commit that another machine fetched last, if this clone has another one; "": none.

        It was published perhaps, by a process that stopped since. The clone has no history that
        tells which of the two is newer, and a branch can be reset to an older commit. So the last
        fetch counts, whatever it brought.
        """
        if self._database.sqlite:  # one machine, one clone
            return ""
        with self._database.read() as connection:
            newest = git_status.newest_fetch(connection).commit
        # A fetch that goes on at this time may have brought a newer one already.
        return "" if newest in (self._recorded, git.newest) else newest

    @contextmanager
    def keep(self, progress: Progress = quiet, *, cancel: Cancel = NEVER) -> Iterator[bool]:
        """Keep the site's folder as the last `hold` brought it, also if more was fetched since.

        Yields whether it still has that commit: another process may have changed it, or published
        a newer one. Raises SourceError and Cancelled.
        """
        if self._git is None:
            yield True
            return
        with self._git.keep(self._held, _tick(progress, cancel)) as is_kept:
            yield is_kept and not self._missing(self._git)


def _tick(progress: Progress, cancel: Cancel) -> Callable[[], None]:
    """What git calls while it works."""

    def tick() -> None:
        progress(0, None, Phase.FETCHING)
        cancel.check(Phase.FETCHING)

    return tick
