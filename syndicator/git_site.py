"""The site in a git repository: fetched, held for a run, and reported to `status`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from syndicator.errors import SourceError
from syndicator.model.content import Problem
from syndicator.model.progress import NEVER, Cancel, Phase, Progress, quiet
from syndicator.ops import git_status
from syndicator.store.database import Database

if TYPE_CHECKING:
    from syndicator.sources.git.source import GitSource


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
        try:
            found = self._git.fetch(_tick(progress, cancel))
        except SourceError as error:
            self._failure = error
            git_status.remember_failure(self._database, error, self._clock())
            return error
        self._failure = None
        git_status.remember_fetched(self._database, found.commit, found.branch, self._clock())
        return None

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
        if self._failure and not self._git.has_commit:
            raise self._failure
        with self._git.hold(_tick(progress, cancel)) as checked_out:
            if checked_out.commit != self._held:
                git_status.remember_notes(self._database, checked_out.notes)
                self._held = checked_out.commit
            yield checked_out.notes

    @contextmanager
    def keep(self, progress: Progress = quiet, *, cancel: Cancel = NEVER) -> Iterator[bool]:
        """Keep the site's folder as the last `hold` brought it, also if more was fetched since.

        Yields whether it still has that commit: another process may have changed it. Raises
        SourceError and Cancelled.
        """
        if self._git is None:
            yield True
            return
        with self._git.keep(self._held, _tick(progress, cancel)) as is_kept:
            yield is_kept


def _tick(progress: Progress, cancel: Cancel) -> Callable[[], None]:
    """What git calls while it works."""

    def tick() -> None:
        progress(0, None, Phase.FETCHING)
        cancel.check(Phase.FETCHING)

    return tick
