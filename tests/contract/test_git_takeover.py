"""Machines that share a state, each with a clone of its own: none publishes an older commit."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from repositories import Repository, needs_git, post
from values import NOW

from syndicator.errors import SourceError
from syndicator.git_site import GitSite
from syndicator.sources.git.command import Tick
from syndicator.sources.git.fetch import Fetched, Remote
from syndicator.sources.git.source import GitOptions, GitSource
from syndicator.store.database import Database

pytestmark = needs_git

PATH = "_posts/2026-01-01-one.md"


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    with closing(Database(postgresql)) as database:
        yield database


class Source(GitSource):
    """Calls `on_received` once, after a fetch and before the state has it."""

    on_received: Callable[[], None] | None = None

    def fetch(self, tick: Tick) -> Fetched:
        found = super().fetch(tick)
        hook, self.on_received = self.on_received, None
        if hook:
            hook()
        return found


class Machine:
    """A process with a clone of its own."""

    _minutes = count()

    def __init__(self, folder: Path, repository: Repository, database: Database) -> None:
        self.folder = folder
        options = GitOptions(
            remote=Remote(address=str(repository.bare), branch=None),
            folder="",
            clone=folder,
            seconds=20,
            max_bytes=2**20,
            dates=False,
        )
        self.git = Source(options, os.environ)
        self.site = GitSite(self.git, database, self._now)

    def _now(self) -> datetime:
        return NOW + timedelta(minutes=next(self._minutes))

    def fetch(self) -> None:
        assert self.site.fetch() is None

    def title(self) -> str:
        """What a build would publish. Raises SourceError."""
        with self.site.hold():
            return (self.folder / "tree" / PATH).read_text().splitlines()[1]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def machines(tmp_path: Path, repository: Repository, database: Database) -> tuple[Machine, Machine]:
    one, two = (Machine(tmp_path / name, repository, database) for name in ("one", "two"))
    return one, two


def test_a_clone_that_is_behind_is_fetched_first(
    repository: Repository, machines: tuple[Machine, Machine]
) -> None:
    """If the remote does not answer, the feeds stay as the other machine made them."""
    one, two = machines
    repository.push({PATH: post("1")})
    two.fetch()
    assert two.title() == "title: 1"
    repository.push({PATH: post("2")})
    one.fetch()
    assert one.title() == "title: 2"
    with two.site.keep() as is_kept:  # for its archives
        assert not is_kept
    moved = repository.bare.rename(repository.bare.with_name("moved.git"))
    assert two.site.fetch() is not None
    with pytest.raises(SourceError, match="does not have commit"):
        two.title()
    moved.rename(repository.bare)
    two.fetch()
    assert (two.title(), one.title()) == ("title: 2", "title: 2")


def test_a_branch_is_reset_to_an_older_commit(
    repository: Repository, machines: tuple[Machine, Machine]
) -> None:
    """It is built, also if the clone has the newer commit, by a fetch before.

    What another machine fetched after that is not taken for older, although the clone has it, too.
    """
    one, two = machines
    older = repository.push({PATH: post("1")})
    newer = repository.push({PATH: post("2")})
    two.fetch()
    repository.on_remote("update-ref", "refs/heads/main", older)
    two.fetch()
    assert two.title() == "title: 1"
    repository.on_remote("update-ref", "refs/heads/main", newer)
    one.fetch()
    assert one.title() == "title: 2"
    with pytest.raises(SourceError, match="does not have commit"):
        two.title()


def test_a_process_is_suspended_while_it_fetches(
    repository: Repository, machines: tuple[Machine, Machine]
) -> None:
    """What it brings late is not recorded as the newest: it fetches again."""
    one, two = machines
    repository.push({PATH: post("1")})
    two.fetch()

    def suspended() -> None:
        repository.push({PATH: post("3")})
        one.fetch()

    two.git.on_received = suspended
    repository.push({PATH: post("2")})
    two.fetch()
    assert (one.title(), two.title()) == ("title: 3", "title: 3")


def test_a_run_during_a_fetch(repository: Repository, machines: tuple[Machine, Machine]) -> None:
    """It builds what was just received, before the state has it."""
    one, two = machines
    repository.push({PATH: post("1")})
    one.fetch()
    two.fetch()
    titles: list[str] = []
    two.git.on_received = lambda: titles.append(two.title())
    repository.push({PATH: post("2")})
    two.fetch()
    assert titles == ["title: 2"]
    with pytest.raises(SourceError, match="does not have commit"):
        one.title()
