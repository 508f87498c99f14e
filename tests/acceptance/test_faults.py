"""Whatever breaks under it: feeds stay whole, debts are kept, the cause is told once, and it heals by itself."""

import json
import os
import shutil
import sqlite3
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from command import Command, Daemon, Hub, until
from disks import Disk, disks
from support import Site

from syndicator import config
from syndicator.errors import SourceError, StateError
from syndicator.service import Service
from syndicator.sources.folder import FolderScan, SourceFolder
from syndicator.store import locks

BIG = "word " * 20_000  # an entry that no half-full page has room for


class Patient:
    """A daemon that polls often, its site, feeds and state each on a small disk, and a hub that listens."""

    def __init__(
        self, command: Command, daemon: Daemon, hub: Hub, site: Disk, feeds: Disk, state: Disk
    ) -> None:
        self.command, self.daemon, self.hub = command, daemon, hub
        self.site, self.feeds, self.state = site, feeds, state
        self.posts = 0

    def post(self, text: str = "Text.") -> str:
        """Save another post; its title."""
        self.posts += 1
        title = f"News number {self.posts}."
        self.command.post(f"2026-02-{self.posts:02}-news", title, text=text)
        return title

    def ready(self) -> bool:
        return requests.get(f"{self.command.url}readyz", timeout=5).ok

    def polls(self, result: str) -> float:
        name = f'syndicator_polls_total{{result="{result}"}} '
        text = requests.get(f"{self.command.admin}metrics", timeout=5).text
        return next(
            (float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)),
            0,
        )

    def assert_whole(self) -> None:
        """Each feed on disk is one that a parser takes, and is what is served."""
        for path in self.command.feeds.rglob("*"):
            if path.suffix in (".rss", ".atom"):
                ET.fromstring(path.read_bytes())
            elif path.suffix == ".json":
                json.loads(path.read_bytes())

    def assert_told_once(self, words: str, seen: int) -> None:
        """The cause stands in one line since `seen`, however many runs failed, and the next says that it is over."""
        until(
            lambda: any("works again" in line for line in self.daemon.err[seen:]),
            what="the healing",
        )
        failed = [json.loads(line) for line in self.daemon.err[seen:] if '"level": "error"' in line]
        said = [line["error"] for line in failed]
        assert words in said[0]
        assert len(said) == len(set(said)) <= 5, (
            said
        )  # what is mended in steps may have a cause at each

    def assert_out(self, title: str) -> None:
        """A post is in every feed on disk and was told of for each of them, after it was visible."""
        wanted = {
            f"{self.command.url}{name}.{suffix}"
            for name in ("all", "category/news")
            for suffix in FORMATS
        }
        while wanted:
            ping = self.hub.next()
            if title.encode() in ping.body:
                wanted.discard(ping.topic)
        for suffix in FORMATS:
            assert title in self.command.feed(f"all.{suffix}")

    @contextmanager
    def fails(self, words: str) -> Iterator[None]:
        """While the block holds, runs fail for this cause, `/readyz` and `status` say so; afterwards it is well."""
        seen, failed = len(self.daemon.err), self.polls("failed")
        yield
        self.assert_told_once(words, seen)
        assert self.polls("failed") >= failed + 3
        until(self.ready, what="ready again")

    def failure(self) -> str:
        """What `syndicator status` says is wrong."""
        try:
            with Service(config.load(self.command.config, {})) as service:
                failure = service.status().last_failure
        except StateError as error:
            return str(error)
        return failure.message if failure else ""

    def wait_for_failures(self, words: str) -> None:
        before = self.polls("failed")
        until(lambda: self.polls("failed") >= before + 3, what="three runs that failed")
        until(lambda: not self.ready(), what="not ready")
        assert words in requests.get(f"{self.command.admin}readyz", timeout=5).json()["error"]
        assert words in self.failure()
        self.assert_whole()


FORMATS = ("rss", "atom", "json")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    root = tmp_path_factory.mktemp("patient")
    with (
        disks(root / "site", root / "feeds", root / "var", size=40 * 2**20) as (
            site,
            feeds,
            state,
        ),
        Hub() as hub,
    ):
        command = Command(root)
        retry = '["200ms", "500ms", "1s", "2s", "5s", "5s", "5s"]'
        command.configure(f'[push]\nhubs = ["{hub.url}"]\nretry = {retry}', poll="100ms")
        command.post("2026-01-02-one", "First news")
        with command.running() as daemon:
            hub.topics(6)
            yield Patient(command, daemon, hub, site, feeds, state)
            assert daemon.end()[0] == 0
        assert not [path for path in command.feeds.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("which", "words"),
    [("feeds", "No space left"), ("state", "the disk is full"), ("both", "the disk is full")],
)
def test_full_disk(patient: Patient, which: str, words: str) -> None:
    """Nothing half written is ever in sight; when there is room, what changed meanwhile is out and told of."""
    full = [getattr(patient, name) for name in ("feeds", "state") if which in (name, "both")]
    with patient.fails(words):
        with closing(sqlite3.connect(patient.command.root / "var/syndicator.db")) as state:
            state.execute(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )  # or what is written next fits in where this was
        for disk in full:
            disk.fill()
        title = patient.post(BIG)
        patient.wait_for_failures(words)
        for disk in full:
            disk.free()
    patient.assert_out(title)


def test_read_only_output(patient: Patient) -> None:
    """A file system that went read-only, as they do on an error: served from, and written again when it can be."""
    with patient.fails("Read-only file system"):
        patient.feeds.read_only()
        title = patient.post()
        patient.wait_for_failures("Read-only file system")
        assert requests.get(f"{patient.command.url}all.atom", timeout=5).ok
        patient.feeds.writable()
    patient.assert_out(title)


def test_a_place_that_is_taken_keeps_no_other_feed_back(patient: Patient) -> None:
    """A folder where one feed's file belongs: the others are as new as can be, and this one when it can be."""
    taken = patient.command.feeds / "category/news.rss"
    with patient.fails("category/news.rss"):
        taken.unlink()
        taken.mkdir()
        title = patient.post()
        until(lambda: title in patient.command.feed("all.atom"))
        before = patient.polls("failed")
        until(lambda: patient.polls("failed") >= before + 3)
        taken.rmdir()
    patient.assert_out(title)


def test_status_for_monitoring(patient: Patient) -> None:
    """0 and one sentence while all is well; 1 and what it is, when the output can't be written to."""
    until(lambda: patient.command("status", "--check").returncode == 0, what="peace")
    patient.feeds.read_only()
    title = patient.post()
    before = patient.polls("failed")
    until(lambda: patient.polls("failed") > before)
    done = patient.command("status", "--check")
    assert (done.returncode, "Read-only file system" in done.stdout) == (1, True)
    patient.feeds.writable()
    until(patient.ready, what="ready")
    patient.assert_out(title)


def _emptied(patient: Patient) -> Callable[[], None]:
    kept = _kept(patient)
    for path in sorted((patient.command.site / "_posts").iterdir()):
        path.unlink()
    return lambda: _back(patient, kept)


def _without_config(patient: Patient) -> Callable[[], None]:
    """As it is for a moment, or for long, in the middle of a copy or of a checkout."""
    kept = _kept(patient)
    (patient.command.site / "_config.yml").unlink()
    return lambda: _back(patient, kept)


def _half_a_config(patient: Patient) -> Callable[[], None]:
    kept = _kept(patient)
    (patient.command.site / "_config.yml").write_text('title: "Example')
    return lambda: _back(patient, kept)


def _unmounted(patient: Patient) -> Callable[[], None]:
    """What stands below the mount point is an empty folder."""
    kept = _kept(patient)
    patient.site.unmount()
    return lambda: _back(patient, kept)


def _kept(patient: Patient) -> Path:
    return shutil.copytree(patient.command.site, patient.command.root / "kept", dirs_exist_ok=True)


def _back(patient: Patient, kept: Path) -> None:
    shutil.copytree(kept, patient.command.site, dirs_exist_ok=True)
    shutil.rmtree(kept)


@pytest.mark.parametrize(
    ("break_", "words"),
    [
        (_emptied, "has no posts where it had"),
        (_without_config, "_config.yml is gone"),
        (_half_a_config, "_config.yml:"),
        (_unmounted, "_config.yml is gone"),
    ],
)
def test_a_source_that_is_not_itself(
    patient: Patient, break_: Callable[[Patient], Callable[[], None]], words: str
) -> None:
    """The feeds stay as they are, byte for byte; nobody is told of anything until it is back and has changed."""
    quiet = patient.polls("unchanged")
    until(lambda: patient.polls("unchanged") >= quiet + 2, what="the end of an earlier test's run")
    while not patient.hub.pings.empty():  # told of twice
        patient.hub.next()
    feeds = {path: path.read_bytes() for path in patient.command.feeds.rglob("*") if path.is_file()}
    with patient.fails(words):
        mend = break_(patient)
        patient.wait_for_failures(words)
        mend()
    assert {
        path: path.read_bytes() for path in patient.command.feeds.rglob("*") if path.is_file()
    } == feeds
    assert patient.hub.pings.empty()
    patient.assert_out(patient.post())


def test_a_checkout_in_the_middle_of_runs(patient: Patient) -> None:
    """Other posts, then the same again: each is who it was, in every feed, and `updated` goes only forward."""
    kept = _kept(patient)
    before = entries(patient.command.feed("all.json"))
    for path in sorted((patient.command.site / "_posts").iterdir())[1:]:
        path.unlink()
    until(lambda: len(entries(patient.command.feed("all.json"))) == 1)
    _back(patient, kept)
    until(lambda: len(entries(patient.command.feed("all.json"))) == len(before))
    assert entries(patient.command.feed("all.json")) == before
    patient.assert_out(patient.post())


def entries(feed: str) -> dict[str, tuple[str, str]]:
    """What a reader tells entries by, and when each was changed."""
    return {
        item["id"]: (item["title"], item.get("date_modified", ""))
        for item in json.loads(feed)["items"]
    }


def test_a_locked_state(patient: Patient) -> None:
    """Another program holds the state: nothing is lost, and it goes on when that one lets go."""
    path = patient.command.root / "var/syndicator.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        Service(config.load(patient.command.config, {})) as service,
    ):
        other.execute("BEGIN IMMEDIATE")
        title = patient.post()
        until(lambda: locks.holder(service.database, "run"), what="a run, which waits")
        assert requests.get(f"{patient.command.url}all.atom", timeout=5).ok
        other.execute("ROLLBACK")
    patient.assert_out(title)


@pytest.mark.parametrize("names", [("",), ("", "-wal", "-shm", ".daemon.lock", ".run.lock")])
def test_a_state_deleted_under_the_daemon(patient: Patient, names: tuple[str, ...]) -> None:
    """It is made again, ids stay, and every hub is told of every feed again: who heard what is not known any more."""
    state = patient.command.root / "var/syndicator.db"
    before = entries(patient.command.feed("all.json"))
    for name in names:
        state.with_name(state.name + name).unlink(missing_ok=True)
    told = {patient.hub.next().topic for _ in range(6)}
    assert len(told) == 6
    assert entries(patient.command.feed("all.json")).keys() == before.keys()
    until(patient.ready, what="ready")
    patient.assert_out(patient.post())
    assert f"pid {patient.daemon.process.pid}" in patient.command("status").stdout
    second = patient.command("run")
    assert (second.returncode, "another syndicator works on" in second.stderr) == (1, True)


def test_a_state_damaged_under_the_daemon(patient: Patient) -> None:
    """Feeds are served on; it is told once; when the operator moves the file away, as the hint says, it is well."""
    state = patient.command.root / "var/syndicator.db"
    with patient.fails("damaged"):
        garbage = b"no database " * 30_000
        for name in ("", "-wal"):
            with state.with_name(state.name + name).open("r+b") as file:
                file.write(garbage)
        title = patient.post()
        patient.wait_for_failures("damaged")
        for name in ("", "-wal", "-shm"):
            state.with_name(state.name + name).unlink(missing_ok=True)
    patient.assert_out(title)


# ------------------------------------------------------------------------------- without a daemon, on a clock of ours


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.post("2026-01-01-one", "One.")
    site.post("2026-01-02-two", "Two.")
    return site


def test_a_post_deleted_right_after_it_was_saved(site: Site) -> None:
    """A file so young that it would be looked at again anyway is as gone as any other."""
    with site.service() as service:
        service.build()
        (site.root / "_posts/2026-01-02-two.md").unlink()
        assert service.build().gone == 1
    assert site.titles("all") == ["2026-01-01-one"]


def test_a_rename_that_is_seen_in_two_steps(site: Site) -> None:
    """The old name goes in one run and the new one comes after a crash or a reload: readers see nothing twice."""
    old, new, away = (
        "_posts/2026-01-02-two.md",
        "_posts/2026-01-02-zwei.md",
        site.root.parent / "away.md",
    )
    with site.service() as service:
        service.build()
        ids = [entry.id for entry in site.feed("all.atom").entries]
        (site.root / old).rename(away)
        service.build(paths=[old])
        assert len(site.feed("all.atom").entries) == 1
    away.rename(site.root / new)
    site.build()
    assert [entry.id for entry in site.feed("all.atom").entries] == ids


def test_a_post_that_is_away_while_it_is_rendered(site: Site) -> None:
    """The index knows it already: its feeds are made again when it is back, with the very date it had."""
    with site.service() as service:
        service.build()
        old = time.time() - 100
        os.utime(site.post("2026-01-03-three"), (old, old))
        away = site.root.parent / "away"

        def take(done: int, total: int | None, what: str) -> None:
            if (done, what) == (total, "reading posts"):
                site.root.rename(away)

        service.build(take)
        assert site.titles("all") == ["2026-01-02-two", "2026-01-01-one"]
        away.rename(site.root)
        service.build()
        assert site.titles("all") == ["2026-01-03-three", "2026-01-02-two", "2026-01-01-one"]
        before = site.tree()
        service.build()
        assert site.tree() == before


def test_a_post_that_is_away_when_it_would_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look saw it: it is looked for again, and what is renamed afterwards is still renamed."""
    look, places = SourceFolder.scan, [site.root / "_posts", site.root.parent / "away"]

    def seen(
        source: SourceFolder, known: Container[int] | None, progress: Callable[[int], None]
    ) -> FolderScan:
        found = look(source, known, progress)
        if known is not None and places:
            places[0].rename(places[1])
            places.clear()
        return found

    with site.service() as service:
        service.build()
        ids = {entry.id for entry in site.feed("all.atom").entries}
        old = time.time() - 100
        os.utime(site.post("2026-01-03-three"), (old, old))
        monkeypatch.setattr(SourceFolder, "scan", seen)
        service.build()
        (site.root.parent / "away").rename(site.root / "_posts")
        service.build()
        assert site.titles("all") == ["2026-01-03-three", "2026-01-02-two", "2026-01-01-one"]
        (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-01-uno.md")
        service.build()
        entries = site.feed("all.atom").entries
        assert len(entries) == 3
        assert ids < {entry.id for entry in entries}


def test_a_source_that_goes_when_its_posts_are_young(site: Site) -> None:
    """The watch tells of another file first: posts that are looked at again with it don't count as gone."""
    old = site.post("2026-01-03-three")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    with site.service() as service:
        service.build()
        (site.root / "_posts").rename(site.root.parent / "away")
        assert service.build(paths=["about.md"]).gone == 0
        with pytest.raises(SourceError, match="has no posts where it had 3"):
            service.build()
        (site.root.parent / "away").rename(site.root / "_posts")
        assert service.build().has_changes is False
    assert len(site.titles("all")) == 3


def test_a_folder_emptied_while_told_of_each_file(site: Site) -> None:
    """Whoever tells of each deleted file can't empty the feeds either."""
    with site.service() as service:
        service.build()
        before = site.tree()
        paths = [f"_posts/{path.name}" for path in (site.root / "_posts").iterdir()]
        for path in paths:
            (site.root / path).unlink()
        with pytest.raises(SourceError, match="has no posts where it had 2"):
            service.build(paths=paths)
    assert site.tree() == before


def test_a_file_that_changes_while_it_is_read(site: Site) -> None:
    """Half of a post may be seen, never kept: the next look sees the rest, though size and second are the same."""
    path = site.post("2026-01-03-three", "Half")
    with site.service() as service:
        service.build()
        at = path.stat().st_mtime_ns
        path.write_bytes(path.read_bytes().replace(b"Half", b"Full"))
        os.utime(path, ns=(at, at))
        assert service.build().changed == 1
        path.write_bytes(b"")  # as an editor leaves it for a moment, and a full disk for longer
        assert service.build().problems[0].message == "the file is empty"
    assert "Full" in (site.feeds / "all.json").read_text()


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-20)])
def test_a_clock_that_jumps_and_comes_back(site: Site, jump: timedelta) -> None:
    """No entry's and no feed's `updated` goes back, and no post is announced that didn't change."""
    with site.service() as service:
        service.build()
        site.clock.now += jump
        site.post("2026-01-02-two", "Two, edited.")
        service.build()
        first = site.feed("all.atom")
        site.clock.now -= jump
        site.post("2026-01-02-two", "Two, edited again.")
        service.build()
        site.take_queued_pings()
        second = site.feed("all.atom")
        assert second.feed.updated_parsed >= first.feed.updated_parsed
        assert newest(second) >= newest(first)
        assert service.build().has_changes is False
    assert site.take_queued_pings() == set()


def newest(feed: Any) -> Any:
    return max(entry.updated_parsed for entry in feed.entries)


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_a_clock_that_jumps_loses_no_debt(site: Site, jump: timedelta) -> None:
    """What failed by a clock that was wrong is tried again soon by one that is right."""
    with site.service() as service:
        site.clock.now += jump
        service.build()
        assert sum(service.push().again.values()) == 3  # nobody listens there
        site.clock.now -= jump
        service.push()
        due = service.status().next_try
    assert due is not None
    assert due < site.clock.now + timedelta(days=2)
