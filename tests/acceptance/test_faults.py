"""Faults of disks, state, source and clock: feeds stay whole, no job is lost, and it recovers.

Each fault is logged once. Recovery needs no operator, except where a test says so.
"""

import json
import os
import shutil
import sqlite3
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from command import Command, Daemon, Hub, until
from disks import Disk, disks
from settled import age
from support import Site

from syndicator import config
from syndicator.errors import SourceError, StateError
from syndicator.inspection import collect_status
from syndicator.service import Service
from syndicator.sources.folder import FolderScan, SourceFolder
from syndicator.store import locks

BIG = "word " * 20_000  # larger than what is left in a half-full page of the database

FORMATS = ("rss", "atom", "json")


class Machine:
    """A daemon that polls often, small disks for its site, feeds and state, and a hub."""

    def __init__(
        self, command: Command, daemon: Daemon, hub: Hub, site: Disk, feeds: Disk, state: Disk
    ) -> None:
        self.command = command
        self.daemon = daemon
        self.hub = hub
        self.site = site
        self.feeds = feeds
        self.state = state
        self.posts = 0

    def post(self, text: str = "Text.") -> str:
        """Save another post. Returns its title."""
        self.posts += 1
        title = f"News number {self.posts}."
        self.command.post(f"2026-02-{self.posts:02}-news", title, text=text)
        return title

    def is_ready(self) -> bool:
        return requests.get(f"{self.command.url}readyz", timeout=5).ok

    def metric(self, name: str) -> float:
        """The value of a metric, named with its labels; 0 if it is not listed."""
        lines = requests.get(f"{self.command.admin}metrics", timeout=5).text.splitlines()
        values = (line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} "))
        return float(next(values, 0))

    def runs(self, result: str) -> float:
        return self.metric(f'syndicator_runs_total{{result="{result}"}}')

    def wait_until_idle(self) -> None:
        """Wait until no run fails or changes anything and no job is queued; drop unread pings."""
        unchanged = self.runs("unchanged")
        until(lambda: self.runs("unchanged") >= unchanged + 2, what="two runs without changes")
        until(
            lambda: self.metric('syndicator_queued_jobs{kind="ping"}') == 0, what="an empty outbox"
        )
        while not self.hub.pings.empty():
            self.hub.next()

    @contextmanager
    def restored_site(self) -> Iterator[None]:
        """Copy the site back when the block ends, over what the block left of it."""
        copy = shutil.copytree(self.command.site, self.command.root / "copy")
        try:
            yield
        finally:
            shutil.copytree(copy, self.command.site, dirs_exist_ok=True)
            shutil.rmtree(copy)

    def assert_whole(self) -> None:
        """Each feed on disk can be parsed."""
        for path in self.command.feeds.rglob("*"):
            if path.suffix in (".rss", ".atom"):
                ET.fromstring(path.read_bytes())
            elif path.suffix == ".json":
                json.loads(path.read_bytes())

    def assert_logged_once(self, message: str, start: int) -> None:
        """One log line since `start` has the cause, however many runs failed; one, the recovery.

        Part of a damaged file may be read for a time. Then there is a recovery for each failure.
        """
        until(
            lambda: any("works again" in line for line in self.daemon.err[start:]),
            what="the recovery",
        )
        every, current = set[str](), set[str]()
        for line in self.daemon.err[start:]:
            if "works again" in line:
                current.clear()
            elif '"level": "error"' in line:
                error = json.loads(line)["error"]
                assert error not in current, self.daemon.err[start:]
                current.add(error)
                every.add(error)
        # A run that was under way at the damage may meet another cause, and what is repaired in
        # steps has one at each step.
        assert any(message in error for error in every), every
        assert len(every) <= 5, every

    def assert_published(self, title: str) -> None:
        """A post is in every feed on disk, and was when each of them was pinged."""
        topics = {
            f"{self.command.url}{name}.{suffix}"
            for name in ("all", "category/news")
            for suffix in FORMATS
        }
        while topics:
            ping = self.hub.next()
            if title.encode() in ping.body:
                topics.discard(ping.topic)
        for suffix in FORMATS:
            assert title in self.command.feed(f"all.{suffix}")

    @contextmanager
    def fails(self, message: str) -> Iterator[None]:
        """Runs fail for this cause in the block, which has to end it. Afterwards they succeed."""
        start = len(self.daemon.err)
        failed = self.runs("failed")
        yield
        self.assert_logged_once(message, start)
        assert self.runs("failed") >= failed + 3
        until(self.is_ready, what="ready again")

    def failure(self) -> str:
        """What `syndicator status` reports as the last failure; empty: all is well."""
        try:
            with Service(config.load(self.command.config, {})) as service:
                status = collect_status(service.config, service.database, datetime.now(UTC))
        except StateError as error:
            return str(error)
        return status.last_failure.message if status.last_failure else ""

    def wait_for_failures(self, message: str) -> None:
        """Wait for three failed runs; `/readyz` and the status name the cause."""
        failed = self.runs("failed")
        until(lambda: self.runs("failed") >= failed + 3, what="three failed runs")
        until(lambda: not self.is_ready(), what="not ready")
        assert message in requests.get(f"{self.command.admin}readyz", timeout=5).json()["error"]
        assert message in self.failure()
        self.assert_whole()


@pytest.fixture(scope="module")
def started_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("machine")
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
            yield Machine(command, daemon, hub, site, feeds, state)
            assert daemon.end()[0] == 0
        assert not list(command.feeds.rglob(".syndicator-[0-9]*"))


@pytest.fixture
def machine(started_machine: Machine) -> Machine:
    """The machine once earlier tests have no effect any more. A start for each takes too long."""
    started_machine.wait_until_idle()
    return started_machine


@contextmanager
def full(disk: Disk) -> Iterator[None]:
    """Leave no space on a disk while the block runs."""
    disk.fill()
    try:
        yield
    finally:
        disk.free()


@contextmanager
def read_only(disk: Disk) -> Iterator[None]:
    """Refuse writes to a disk while the block runs."""
    disk.read_only()
    try:
        yield
    finally:
        disk.writable()


@contextmanager
def folder_instead_of_file(path: Path) -> Iterator[None]:
    """Replace a file by a folder while the block runs."""
    path.unlink()
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()


@pytest.mark.parametrize(
    ("which", "message"),
    [("feeds", "No space left"), ("state", "the disk is full"), ("both", "the disk is full")],
)
def test_full_disk(machine: Machine, which: str, message: str) -> None:
    """No partial file is ever visible. Once there is space, changes are published and pinged."""
    with machine.fails(message):
        with closing(sqlite3.connect(machine.command.root / "var/syndicator.db")) as state:
            # Otherwise the next write fits into the space of this log.
            state.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with ExitStack() as fault:
            for name in ("feeds", "state"):
                if which in (name, "both"):
                    fault.enter_context(full(getattr(machine, name)))
            title = machine.post(BIG)
            machine.wait_for_failures(message)
    machine.assert_published(title)


def test_read_only_output(machine: Machine) -> None:
    """Feeds are served from a file system that an error made read-only, and written later."""
    with machine.fails("Read-only file system"), read_only(machine.feeds):
        title = machine.post()
        machine.wait_for_failures("Read-only file system")
        assert requests.get(f"{machine.command.url}all.atom", timeout=5).ok
    machine.assert_published(title)


def test_a_feed_that_cannot_be_written_delays_no_other(machine: Machine) -> None:
    """A folder has one feed's path: the others are current, and this one once it can be."""
    path = machine.command.feeds / "category/news.rss"
    with machine.fails("category/news.rss"), folder_instead_of_file(path):
        title = machine.post()
        until(lambda: title in machine.command.feed("all.atom"))
        failed = machine.runs("failed")
        until(lambda: machine.runs("failed") >= failed + 3)
    machine.assert_published(title)


def test_status_for_monitoring(machine: Machine) -> None:
    """`status --check` ends with 0 while all is well, and with 1 and the cause of a failure."""
    until(lambda: machine.command("status", "--check").returncode == 0, what="a healthy status")
    with read_only(machine.feeds):
        title = machine.post()
        failed = machine.runs("failed")
        until(lambda: machine.runs("failed") > failed)
        result = machine.command("status", "--check")
    assert (result.returncode, "Read-only file system" in result.stdout) == (1, True)
    until(machine.is_ready, what="ready")
    machine.assert_published(title)


def delete_posts(machine: Machine) -> None:
    """All at once: a run that sees only some of them gone publishes that."""
    posts, away = machine.command.site / "_posts", machine.command.site / ".away"
    posts.rename(away)
    posts.mkdir()
    shutil.rmtree(away)


def delete_site_config(machine: Machine) -> None:
    """In the middle of a copy or a checkout it is missing for a short or a long time."""
    (machine.command.site / "_config.yml").unlink()


def truncate_site_config(machine: Machine) -> None:
    (machine.command.site / "_config.yml").write_text('title: "Example')


def unmount_site(machine: Machine) -> None:
    """Below the mount point is an empty folder."""
    machine.site.unmount()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (delete_posts, "has no posts where it had"),
        (delete_site_config, "_config.yml is gone"),
        (truncate_site_config, "_config.yml:"),
        (unmount_site, "_config.yml is gone"),
    ],
)
def test_a_damaged_source(
    machine: Machine, damage: Callable[[Machine], None], message: str
) -> None:
    """The feeds stay, byte for byte. Nothing is pinged until the source is back and changes."""
    feeds = machine.command.feeds
    before = {path: path.read_bytes() for path in feeds.rglob("*") if path.is_file()}
    with machine.fails(message), machine.restored_site():
        damage(machine)
        machine.wait_for_failures(message)
    after = {path: path.read_bytes() for path in feeds.rglob("*") if path.is_file()}
    assert after == before
    assert machine.hub.pings.empty()
    machine.assert_published(machine.post())


def test_a_checkout_of_another_version(machine: Machine) -> None:
    """Fewer posts, then the same as before: each keeps its id and date in every feed."""
    for _ in range(2):
        machine.assert_published(machine.post())
    before = entries(machine.command.feed("all.json"))
    with machine.restored_site():
        for path in sorted((machine.command.site / "_posts").iterdir())[1:]:
            path.unlink()
        until(lambda: len(entries(machine.command.feed("all.json"))) == 1)
    until(lambda: entries(machine.command.feed("all.json")) == before)
    machine.assert_published(machine.post())


def entries(feed: str) -> dict[str, tuple[str, str]]:
    """Titles and dates of change by id, which is how readers recognise entries."""
    return {
        item["id"]: (item["title"], item.get("date_modified", ""))
        for item in json.loads(feed)["items"]
    }


def test_a_locked_state(machine: Machine) -> None:
    """While another program locks the state, feeds are served. Afterwards changes are published."""
    path = machine.command.root / "var/syndicator.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other_program,
        Service(config.load(machine.command.config, {})) as service,
    ):
        other_program.execute("BEGIN IMMEDIATE")
        title = machine.post()
        until(lambda: locks.holder(service.database, "run"), what="a run, which waits")
        assert requests.get(f"{machine.command.url}all.atom", timeout=5).ok
        other_program.execute("ROLLBACK")
    machine.assert_published(title)


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal", "-shm", ".daemon.lock", ".run.lock")])
def test_a_state_deleted_under_the_daemon(machine: Machine, suffixes: tuple[str, ...]) -> None:
    """It is rebuilt with the same ids. Every feed is pinged: which pings were sent is forgotten."""
    state = machine.command.root / "var/syndicator.db"
    before = entries(machine.command.feed("all.json"))
    for suffix in suffixes:
        state.with_name(state.name + suffix).unlink(missing_ok=True)
    assert len(machine.hub.topics(6)) == 6
    assert entries(machine.command.feed("all.json")).keys() == before.keys()
    until(machine.is_ready, what="ready")
    machine.assert_published(machine.post())
    assert f"pid {machine.daemon.process.pid}" in machine.command("status").stdout
    second = machine.command("run")
    assert (second.returncode, "another syndicator works on" in second.stderr) == (1, True)


def test_a_state_damaged_under_the_daemon(machine: Machine) -> None:
    """Feeds are served on. The operator moves the file away, as the hint says; then it recovers."""
    state = machine.command.root / "var/syndicator.db"
    with machine.fails("damaged"):
        garbage = b"no database " * 30_000
        for suffix in ("", "-wal"):
            with state.with_name(state.name + suffix).open("r+b") as file:
                file.write(garbage)
        title = machine.post()
        machine.wait_for_failures("damaged")
        for suffix in ("", "-wal", "-shm"):
            state.with_name(state.name + suffix).unlink(missing_ok=True)
    machine.assert_published(title)


# --------------------------------------------------- without a daemon, with a clock set by the test


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.post("2026-01-01-one", "One.")
    site.post("2026-01-02-two", "Two.")
    return site


def test_a_post_deleted_right_after_it_was_saved(site: Site) -> None:
    """Recently changed files are scanned again; a deleted one still counts as deleted."""
    with site.service() as service:
        service.build()
        (site.root / "_posts/2026-01-02-two.md").unlink()
        assert service.build().gone == 1
    assert site.titles("all") == ["2026-01-01-one"]


def test_a_rename_that_is_scanned_in_two_steps(site: Site) -> None:
    """One process sees the old name go, the next sees the new one: the entry keeps its id."""
    old = "_posts/2026-01-02-two.md"
    new = "_posts/2026-01-02-zwei.md"
    away = site.root.parent / "away.md"
    with site.service() as service:
        service.build()
        ids = [entry.id for entry in site.feed("all.atom").entries]
        (site.root / old).rename(away)
        service.build(paths=[old])
        assert len(site.feed("all.atom").entries) == 1
    away.rename(site.root / new)
    site.build()
    assert [entry.id for entry in site.feed("all.atom").entries] == ids


def test_a_post_that_is_missing_while_it_is_rendered(site: Site) -> None:
    """The index has it already: its feeds are built again when it is back, with the same date."""
    with site.service() as service:
        service.build()
        old = time.time() - 100
        three = site.post("2026-01-03-three")
        os.utime(three, (old, old))
        age(three)
        away = site.root.parent / "away"

        def move_away(done: int, total: int | None, what: str) -> None:
            if (done, what) == (total, "reading posts"):
                site.root.rename(away)

        service.build(move_away)
        assert site.titles("all") == ["2026-01-02-two", "2026-01-01-one"]
        away.rename(site.root)
        service.build()
        assert site.titles("all") == ["2026-01-03-three", "2026-01-02-two", "2026-01-01-one"]
        before = site.tree()
        service.build()
        assert site.tree() == before


def test_a_post_that_is_missing_when_it_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan saw it: the next one looks for it again. A later rename is still recognised."""
    scan_all = SourceFolder.scan
    posts = site.root / "_posts"
    away = site.root.parent / "away"
    moved = False

    def scan_then_move_away(
        source: SourceFolder, known: Container[int] | None, progress: Callable[[int], None]
    ) -> FolderScan:
        nonlocal moved
        scan = scan_all(source, known, progress)
        if known is not None and not moved:
            posts.rename(away)
            moved = True
        return scan

    with site.service() as service:
        service.build()
        ids = {entry.id for entry in site.feed("all.atom").entries}
        old = time.time() - 100
        three = site.post("2026-01-03-three")
        os.utime(three, (old, old))
        age(three)
        monkeypatch.setattr(SourceFolder, "scan", scan_then_move_away)
        service.build()
        assert moved
        away.rename(posts)
        service.build()
        assert site.titles("all") == ["2026-01-03-three", "2026-01-02-two", "2026-01-01-one"]
        (posts / "2026-01-01-one.md").rename(posts / "2026-01-01-uno.md")
        service.build()
        entries = site.feed("all.atom").entries
        assert len(entries) == 3
        assert ids < {entry.id for entry in entries}


def test_a_source_that_disappears_after_posts_were_saved(site: Site) -> None:
    """The watcher reports another file first: new posts, scanned again with it, are not deleted."""
    old = site.post("2026-01-03-three")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    age(old)
    with site.service() as service:
        service.build()
        (site.root / "_posts").rename(site.root.parent / "away")
        assert service.build(paths=["about.md"]).gone == 0
        with pytest.raises(SourceError, match="has no posts where it had 3"):
            service.build()
        (site.root.parent / "away").rename(site.root / "_posts")
        assert service.build().has_changes is False
    assert len(site.titles("all")) == 3


def test_a_folder_emptied_file_by_file(site: Site) -> None:
    """A request that names each deleted file can't empty the feeds either."""
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
    """A half-saved post is replaced by the next run, though size and mtime are the same."""
    path = site.post("2026-01-03-three", "Half")
    with site.service() as service:
        service.build()
        mtime = path.stat().st_mtime_ns
        path.write_bytes(path.read_bytes().replace(b"Half", b"Full"))
        os.utime(path, ns=(mtime, mtime))
        assert service.build().changed == 1
        path.write_bytes(b"")  # as an editor leaves it for a short time, and a full disk for longer
        assert service.build().problems[0].message == "the file is empty"
    assert "Full" in (site.feeds / "all.json").read_text()


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-20)])
def test_a_clock_that_jumps_and_comes_back(site: Site, jump: timedelta) -> None:
    """`updated` of entries and feeds never decreases. Unchanged posts are not pinged."""
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
def test_a_clock_that_jumps_loses_no_job(site: Site, jump: timedelta) -> None:
    """A ping that failed while the clock was wrong is tried again soon after it is corrected."""
    with site.service() as service:
        site.clock.now += jump
        service.build()
        assert sum(service.push().retried.values()) == 3  # no hub listens at that address
        site.clock.now -= jump
        service.push()
        due = collect_status(service.config, service.database, site.clock()).next_try
    assert due is not None
    assert due < site.clock.now + timedelta(days=2)
