"""What is fetched from git, and since when it fails, as `status` shows it."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from syndicator.errors import SourceError
from syndicator.model.content import Problem
from syndicator.ops import git_status
from syndicator.ops.git_status import GitState
from syndicator.store.database import Database

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTE = Problem(path="theme", message="is a submodule", hint="x", note=True)


def test_a_failure_has_its_beginning_until_a_fetch_succeeds() -> None:
    """The cause is the last one. Notes of the commit stay, and a commit keeps its time."""
    with closing(Database("sqlite://")) as database:

        def state() -> GitState:
            with database.read() as connection:
                return git_status.read(connection, "https://h/x.git")

        def fetch(commit: str, branch: str, now: datetime) -> None:
            with database.read() as connection:
                before = git_status.newest_fetch(connection)
            assert git_status.remember_fetched(database, before, commit, branch, now)

        assert (state().commit, state().fetched, state().failing_since) == ("", None, None)
        fetch("a1", "main", NOW)
        git_status.remember_notes(database, (NOTE,))
        git_status.remember_failure(database, SourceError("away", hint="wait"), NOW + HOUR)
        git_status.remember_failure(database, SourceError("full", hint="free"), NOW + 2 * HOUR)
        assert state() == GitState(
            remote="https://h/x.git",
            branch="main",
            commit="a1",
            fetched=NOW,
            failing_since=NOW + HOUR,
            error="full",
            hint="free",
        )
        fetch("a1", "main", NOW + 3 * HOUR)
        assert (state().fetched, state().failing_since, state().error) == (NOW, None, "")
        fetch("b2", "next", NOW + 4 * HOUR)
        assert (state().fetched, state().branch) == (NOW + 4 * HOUR, "next")
        with database.read() as connection:
            assert git_status.read_notes(connection) == (NOTE,)
