"""A state that an earlier version wrote: this version loses nothing and announces nothing again.

`upgrade/` holds a site, its config, its feeds, and its state as SQL (`sqlite3.iterdump`), as the
version at commit c188814 left them. That version built the site, pinged the outside hub and
verified a subscription at its own hub. A day later one post had been renamed, one edited, one
hidden and one deleted; it built again, and delivered every ping and the new feed.
"""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndicator import config
from syndicator.ops.hub import list_subscribers
from syndicator.service import Service

OLD = Path(__file__).with_name("upgrade")

#: Half an hour after the old version's last run. All files have that run's time.
LAST_RUN = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)

#: New names of tables and columns by their old ones.
TABLES = {"facts": "kv", "members": "feed_posts", "ledger": "identities", "owed": "jobs"}
COLUMNS = {"dirty": "stale", "made_of": "content_key", "standing": "post_paths"}

Rows = list[dict[str, object]]


def select(database: sqlite3.Connection, query: str) -> Rows:
    """The rows of a query as mappings by column, in a fixed order."""
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description]
    return sorted((dict(zip(names, row, strict=True)) for row in cursor), key=repr)


class Upgraded:
    """A copy of the old site, feeds and state in a folder of its own."""

    def __init__(self, root: Path) -> None:
        shutil.copytree(OLD, root)
        self.root = root
        self.feeds = root / "feeds"
        self.state = root / "state.db"
        with closing(sqlite3.connect(self.state)) as database:
            database.executescript((root / "state.sql").read_text())
            disks = database.execute("SELECT path, disk FROM files").fetchall()
            self.tables = [name for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
            )]  # fmt: skip
        for path in (root / "site").rglob("*"):
            os.utime(path, (LAST_RUN.timestamp(), LAST_RUN.timestamp()))
        for path, disk in disks:
            if (self.feeds / path).exists():
                mtime_ns = json.loads(disk)[""][1]
                os.utime(self.feeds / path, ns=(mtime_ns, mtime_ns))

    def run(self, query: str) -> None:
        """Change the state as another program would."""
        with closing(sqlite3.connect(self.state)) as database, database:
            database.executescript(query)

    def select(self, query: str) -> Rows:
        with closing(sqlite3.connect(self.state)) as database:
            return select(database, query)

    def service(self) -> Service:
        return Service(config.load(self.root / "syndicator.toml", {}), clock=lambda: NOW)

    def published(self) -> dict[str, tuple[bytes, int]]:
        """The bytes and time of each feed in Atom and JSON."""
        return {
            str(path.relative_to(self.feeds)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.feeds.rglob("*")
            if path.suffix in (".atom", ".json")
        }

    def rss(self) -> dict[str, bytes]:
        """Each RSS feed without the dates of modified items, which the old version didn't write."""
        return {
            str(path.relative_to(self.feeds)): re.sub(
                rb"<atom:updated>[^<]*</atom:updated>", b"", path.read_bytes()
            )
            for path in self.feeds.rglob("*.rss")
        }


@pytest.fixture
def old(tmp_path: Path) -> Upgraded:
    return Upgraded(tmp_path / "old")


def test_every_row_is_kept(old: Upgraded) -> None:
    """Opening the state renames and adds columns. It has posts read and feeds built again."""
    before = {table: old.select(f"SELECT * FROM {table}") for table in old.tables}
    assert {table for table, rows in before.items() if not rows} == {"owed", "problems"}
    with old.service():
        pass
    for table, rows in before.items():
        expected = [{COLUMNS.get(name, name): row[name] for name in row} for row in rows]
        if table == "posts":
            expected = [row | {"settled": 0, "digest": ""} for row in expected]
        if table == "facts":
            expected = [_renamed(row) for row in expected]
        if table == "entries":
            stale = {"key": "", "needs": "{}"}
            expected = [row | stale if row["needs"] != "{}" else row for row in expected]
        if table == "feeds":
            expected = [row | {"stale": 1} for row in expected]
        columns = ", ".join(expected[0]) if expected else "*"
        after = old.select(f"SELECT {columns} FROM {TABLES.get(table, table)}")
        assert sorted(after, key=_by_name) == sorted(expected, key=_by_name), table


def _renamed(row: dict[str, object]) -> dict[str, object]:
    """The last run became a list of the last runs."""
    if row["name"] != "last run":
        return row
    return {"name": "last runs", "value": f"[{row['value']}]"}


def _by_name(row: dict[str, object]) -> str:
    return repr(sorted(row.items()))


def test_an_upgrade_announces_only_feeds_that_it_changes(old: Upgraded) -> None:
    """The first run leaves Atom and JSON as they are; RSS gets its items' dates of modification."""
    before, rss = old.published(), old.rss()
    assert (len(before), len(rss)) == (8, 4)
    with old.service() as service:
        report = service.build()
        assert (report.new, report.changed, report.gone) == (0, 0, 0)
    assert old.rss() == rss
    assert old.published() == before
    assert {job["kind"] for job in old.select("SELECT kind FROM jobs")} == {"ping"}
    topics = {str(job["topic"]) for job in old.select("SELECT topic FROM jobs")}
    assert {topic.rpartition(".")[2] for topic in topics} == {"rss"}


def test_feeds_built_anew_have_the_same_bytes(old: Upgraded) -> None:
    """The ids of renamed posts and the times of edits and feeds come from the old state.

    What can be made again from the posts is deleted first.
    """
    before, rss = {path: data for path, (data, _) in old.published().items()}, old.rss()
    shutil.rmtree(old.feeds)
    old.run("DELETE FROM entries; DELETE FROM posts; DELETE FROM members")
    with old.service() as service:
        service.build()
    assert old.rss() == rss
    assert {path: data for path, (data, _) in old.published().items()} == before


def test_a_subscription_outlives_an_upgrade(old: Upgraded) -> None:
    """It is listed with its lease, and the next post begins a wave, and a ping to another hub."""
    with old.service() as service:
        (subscriber,) = list_subscribers(service.database, NOW)
        assert subscriber.topic == "https://news.example/feeds/all.atom"
        assert subscriber.expires == datetime(2026, 3, 11, 12, tzinfo=UTC)
        service.build()
        post = old.root / "site/_posts/2026-03-01-summer.md"
        post.write_text("---\ntitle: Summer\ncategories: [Seasons]\n---\nTen a day.\n")
        service.build()
    queued = old.select("SELECT kind, target FROM jobs WHERE topic LIKE '%/all.atom'")
    assert queued == [{"kind": "ping", "target": "http://127.0.0.1:47911/hub"}]
    waves = old.select("SELECT topic, wave FROM waves WHERE done < wave")
    assert waves == [{"topic": "https://news.example/feeds/all.atom", "wave": 1}]


def test_a_rename_across_an_upgrade_keeps_its_id(old: Upgraded) -> None:
    """The old version saw the post go; this one sees it come back under another name."""
    post = old.root / "site/_posts/2026-02-08-corrected-news.md"
    post.write_text("---\ntitle: Wrong news\ncategories: [Accidents]\n---\nIt sank.\n")
    with old.service() as service:
        service.build()
    (item,) = json.loads((old.feeds / "category/accidents.json").read_text())["items"]
    assert item["id"] == "https://ferry.example/accidents/2026/02/07/wrong-news"
