"""`source.git_dates`: a file has the time of the last commit that touched it."""

import os
from pathlib import Path

import pytest
from gitsource import Source
from repositories import Repository, needs_git, post

from syndicator.errors import SourceError
from syndicator.sources.git import fetch as fetching
from syndicator.sources.git import source as sources
from syndicator.sources.git.clone import Clone
from syndicator.sources.git.fetch import Remote
from syndicator.sources.git.history import parse_log
from syndicator.sources.git.source import GitOptions, GitSource

pytestmark = needs_git

FIRST, SECOND = "_posts/2026-01-01-first.md", "docs/_posts/2026-01-02-second.md"


def test_the_log_has_a_time_for_each_path() -> None:
    """The newest counts, in whatever order commits come. A merge has no files of its own."""
    log = b"\x01300\0\nb.md\0\0\x01200\0\x01100\0\na.md\0b.md\0\x01400\0\na.md\0"
    assert parse_log(log) == {"b.md": 300, "a.md": 400}


@pytest.mark.parametrize(
    ("log", "dates"),
    [
        (b"\x01\0\na.md\0\0\x0120\0\nb.md\0", {"b.md": 20}),
        (b"\x0118446744073709551615\0\na.md\0", {"a.md": 2**64 - 1}),
        (b"\x015\0\n\x01x\0\x01y\0a\x017\0", {"\x01x": 5, "\x01y": 5, "a\x017": 5}),
        (b"\x015\0\n\na\0\nb\0\xff\0", {"\na": 5, "\nb": 5, "\udcff": 5}),
        (b"", {}),
    ],
)
def test_a_commit_of_any_making_stops_nothing(log: bytes, dates: dict[str, int]) -> None:
    """Without a valid time, with one beyond all clocks, and with any byte in a name."""
    assert parse_log(log) == dates


def test_a_damaged_history_is_fetched_anew(tmp_path: Path) -> None:
    """It alone: the commit that is there stays. The next fetch has all dates again."""
    repository = Repository(tmp_path)
    repository.push({FIRST: post("First")}, date=1_500_000_000)
    source = Source(repository, dates=True, address=f"file://{repository.bare}")
    source.update()
    repository.push({SECOND: post("Second")}, date=1_600_000_000)
    (source.clone.history / "HEAD").write_bytes(b"")
    with pytest.raises(SourceError, match="the clone was damaged"):
        source.fetch()
    assert set(source.files()) == {FIRST}
    source.update()
    assert os.stat(source.clone.tree / FIRST).st_mtime == 1_500_000_000
    assert os.stat(source.clone.tree / SECOND).st_mtime == 1_600_000_000


def test_a_commit_with_too_much_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history takes long, and git much memory. The commit before it stays."""
    repository = Repository(tmp_path)
    repository.push({FIRST: post("First")})
    source = Source(repository, dates=True, address=f"file://{repository.bare}", max_bytes=10**5)
    files = source.update()
    repository.push({SECOND: post("x" * 10**5)})  # few bytes to fetch
    with pytest.raises(SourceError, match="bytes of files"):
        source.fetch()
    monkeypatch.setattr(sources, "fetch_dates", None)
    monkeypatch.setattr(sources, "list_commit", None)
    with pytest.raises(SourceError, match="bytes of files"):
        source.fetch()
    source.check_out()
    assert source.files() == files


@pytest.mark.parametrize("filtered", ["true", "false"])
def test_files_have_the_times_of_their_commits(
    tmp_path: Path, filtered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the whole history, also after a forced push, and where a server sends files as well."""
    repository = Repository(tmp_path)
    repository.on_remote("config", "uploadpack.allowFilter", filtered)
    repository.push({FIRST: post("First"), SECOND: post("Second")}, date=1_500_000_000)
    repository.push({SECOND: post("Edited")}, date=1_600_000_000)
    options = GitOptions(
        remote=Remote(address=f"file://{repository.bare}", branch=None),
        folder="",
        clone=tmp_path / "clone",
        seconds=20,
        max_bytes=2**20,
        dates=True,
    )
    source = GitSource(options, os.environ)

    def dates() -> tuple[float, float]:
        source.fetch(lambda: None)
        with source.hold(lambda: None):
            tree = Clone(folder=options.clone).tree
            return os.stat(tree / FIRST).st_mtime, os.stat(tree / SECOND).st_mtime

    assert dates() == (1_500_000_000, 1_600_000_000)
    repository.push({FIRST: post("Edited")}, date=1_650_000_000)
    assert dates() == (1_650_000_000, 1_600_000_000)
    record = Clone(folder=options.clone).read("fetched")
    commit = repository.push({FIRST: post("Again")}, date=1_660_000_000)
    source.fetch(lambda: None)
    Clone(folder=options.clone).write("fetched", record | {"commit": "0" * 40})  # dates come last
    with source.hold(lambda: None) as checked_out:
        assert checked_out.commit == commit
    repository.git("checkout", "--quiet", "--orphan", "anew")
    repository.push({}, date=1_700_000_000, force=True)
    assert dates() == (1_700_000_000, 1_700_000_000)
    monkeypatch.setattr(fetching, "_MANY_PACKS", 0)
    source.tidy(lambda: None)
    objects = repository.git(
        f"--git-dir={options.clone}/history.git", "cat-file", "--batch-check", "--batch-all-objects"
    )
    assert (" blob " in objects) is (filtered == "false")
