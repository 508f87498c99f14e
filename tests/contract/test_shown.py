"""What readers were shown is never taken back, whatever a crash or a backup lost of the state."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select
from support import FEEDS, Site

from syndicator.daemon.served_files import ServedFiles
from syndicator.listener import Listener
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.store.schema import metadata
from syndicator.web.catalogue import Catalogue

FILES = ("all.rss", "all.atom", "all.json", "all.html")


class KilledAfterPublishing(Listener):
    """Kills its own process when the files of a feed are out, before this is committed."""

    def __init__(self, feed: str) -> None:
        self.feed = feed

    def on_files(self, rows: Sequence[FileRow]) -> None:
        if {row.feed for row in rows} == {self.feed}:
            os.kill(os.getpid(), signal.SIGKILL)


def publish_and_kill(site: Site, feed: str = "all") -> None:
    """A run in a process of its own, killed between the files and the commit."""
    child = os.fork()
    if child == 0:
        try:
            with site.service(KilledAfterPublishing(feed)) as service:
                service.build()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@contextmanager
def restored_afterwards(url: str) -> Iterator[None]:
    """Give the state the rows that it had before, as a power cut or an older backup does."""

    def each(work: Callable[[Any, Any], Any]) -> dict[str, Any]:
        database = Database(url)
        with database.begin() as connection:
            done = {table.name: work(connection, table) for table in metadata.sorted_tables}
        database.close()
        return done

    before = each(lambda connection, table: connection.execute(select(table)).mappings().all())

    def restore(connection: Any, table: Any) -> None:
        connection.execute(delete(table))
        if before[table.name]:
            connection.execute(insert(table), [dict(row) for row in before[table.name]])

    yield
    each(restore)


@pytest.fixture
def site(tmp_path: Path, url: str) -> Site:
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(FEEDS)
    for day in (1, 2, 3):
        site.post(f"2026-01-0{day}-post-{day}", title=f"Post {day}")
    site.build()
    site.clock.forward(minutes=1)
    return site


def updated(site: Site, name: str = "all") -> tuple[datetime, datetime]:
    """The date of a feed, in RSS and in Atom."""
    rss = site.feed(f"{name}.rss").feed.updated
    return parsedate_to_datetime(rss), datetime.fromisoformat(
        site.feed(f"{name}.atom").feed.updated
    )


def ids(site: Site) -> dict[str, str]:
    """The id of each title, which is the same in every format."""
    rss = {entry.title: entry.id for entry in site.feed("all.rss").entries}
    atom = {entry.title: entry.id for entry in site.feed("all.atom").entries}
    items = json.loads((site.feeds / "all.json").read_text())["items"]
    assert rss == atom == {item["title"]: item["id"] for item in items}
    return rss


def dates(site: Site) -> dict[str, int]:
    return {name: (site.feeds / name).stat().st_mtime_ns for name in FILES}


def test_a_kill_between_files_and_commit(site: Site) -> None:
    """The post that gave a feed its date is gone at the restart: every date stays or grows.

    The bytes of before come back in JSON and on the page, with a later date.
    """
    before, committed = site.tree(), updated(site)
    path = site.post("2026-03-01-news", date="2026-03-01T12:00:30", title="News")
    publish_and_kill(site)
    shown, shown_at = updated(site), dates(site)
    assert shown > committed
    path.unlink()
    site.build()
    after = site.tree()
    assert site.titles("all") == ["Post 3", "Post 2", "Post 1"]
    assert updated(site) == shown
    for name in ("all.json", "all.html"):
        assert after[name][0] == before[name][0]
    assert all(after[name][1] > shown_at[name] for name in FILES)
    site.clock.forward(minutes=1)
    site.build()
    assert site.tree() == after


@pytest.mark.parametrize("written", ["all.rss", "all.atom"])
def test_a_kill_between_the_files_of_a_feed(site: Site, written: str) -> None:
    """The one that was out has the feed's date."""
    before = site.tree()
    path = site.post("2026-03-01-news", date="2026-03-01T12:00:30", title="News")
    publish_and_kill(site)
    shown, shown_at = updated(site), dates(site)
    for name in {*FILES} - {written}:
        data, mtime_ns = before[name]
        (site.feeds / name).write_bytes(data)
        os.utime(site.feeds / name, ns=(mtime_ns, mtime_ns))
    path.unlink()
    site.build()
    assert updated(site) == shown
    assert dates(site)[written] > shown_at[written]


def test_what_is_served_after_a_kill(site: Site) -> None:
    """Not found is what readers may remember: a feed that is being built again is not missing."""
    site.post("2026-03-01-news", date="2026-03-01T12:00:30")
    publish_and_kill(site)
    catalogue = Catalogue(max_age=60)
    shown: list[ServedFiles] = []
    listener = Listener()
    listener.on_files = lambda rows: shown[0].show(rows)  # type: ignore[method-assign]
    with site.service(listener) as service:
        shown.append(ServedFiles(catalogue, service.database, service.output))
        shown[0].show_published()
        assert catalogue.find("/feeds.opml")
        assert (catalogue.find("/all.rss"), catalogue.is_complete) == (None, False)
        service.build()
    assert catalogue.find("/all.rss")
    assert catalogue.is_complete


def test_kills_one_after_another(site: Site) -> None:
    """Also when the clock stands still, and the dates run ahead of it."""
    path = site.post("2026-03-01-news", date="2026-03-01T12:00:30", title="News")
    for body in ("One.", "Two.", "Three."):
        shown_at = dates(site)
        site.post("2026-03-01-news", body, date="2026-03-01T12:00:30", title="News")
        publish_and_kill(site)
        assert all(dates(site)[name] > shown_at[name] for name in FILES)
    shown, shown_at = updated(site), dates(site)
    path.unlink()
    site.build()
    assert updated(site) == shown
    assert all(dates(site)[name] > shown_at[name] for name in FILES)


def test_a_kill_while_a_new_feed_is_published(site: Site) -> None:
    """The state knows no file of it. Its date stays when another post is first in it."""
    path = site.post("2026-03-01-news", date="2026-03-01T12:00:30", categories=["News"])
    publish_and_kill(site, "category/news")
    shown = updated(site, "category/news")
    path.unlink()
    site.post("2026-01-05-old", categories=["News"])
    site.build()
    assert updated(site, "category/news") == shown


def test_a_state_from_before_the_files(site: Site, url: str) -> None:
    """The dates of feeds and entries, and the ids of posts renamed since, stay as shown."""
    with restored_afterwards(url):
        site.post("2026-03-01-news", title="News", date="2026-03-01T12:00:10")
        site.build()
        site.clock.forward(minutes=1)
        (site.root / "_posts/2026-03-01-news.md").rename(site.root / "_posts/2026-03-01-new.md")
        site.build()
        site.clock.forward(minutes=1)
        site.post("2026-03-01-new", "Edited.", title="News", date="2026-03-01T12:00:10")
        site.post("2026-01-02-post-2", "Edited.", title="Post 2")
        site.build()
    shown = site.tree()
    assert ids(site)["News"] == "https://news.example.com/news"
    site.clock.forward(minutes=1)
    site.build()
    assert site.tree() == shown
    assert site.feed("all.rss").entries[0].link == "https://news.example.com/new/"


def test_a_state_from_before_a_feed_lost_its_newest_post(site: Site, url: str) -> None:
    """The post came and went since the backup. The dates of its feed stay."""
    with restored_afterwards(url):
        path = site.post("2026-03-01-news", date="2026-03-01T12:00:30")
        site.build()
        shown, shown_at = updated(site), dates(site)
        path.unlink()
        site.clock.forward(minutes=1)
        site.build()
    site.clock.forward(minutes=1)
    site.build()
    assert updated(site) == shown
    assert all(dates(site)[name] > shown_at[name] for name in FILES)


@pytest.mark.parametrize("formats", [["rss"], ["atom"], ["json"]])
def test_without_any_state(site: Site, url: str, formats: list[str]) -> None:
    """Each format alone is a record of ids and dates."""
    with restored_afterwards(url):
        site.configure(f"{FEEDS}formats = {json.dumps(formats)}\n")
        site.post("2026-01-04-four", "One.", title="Four", date="2026-01-04")
        site.post("2026-01-04-five", "One.", title="Five", date="2026-01-04")
        site.build()
        site.clock.forward(hours=2)
        site.post("2026-01-04-four", "Two.", title="Four", date="2026-01-04")
        (site.root / "_posts/2026-01-04-five.md").rename(site.root / "_posts/2026-01-04-six.md")
        site.build()
        shown = site.tree()
    site.clock.forward(hours=2)
    site.build()
    assert site.tree() == shown


def test_files_of_another_program(site: Site, url: str) -> None:
    """What can't be read, or has a date of next year, is ignored."""
    before = site.tree()
    (site.feeds / "all.json").write_bytes(b'{"items": [{"id": 1}]}')
    (site.feeds / "all.rss").write_bytes(
        b"<!DOCTYPE a [<!ENTITY b SYSTEM '/etc/passwd'>]><a>&b;</a>"
    )
    later = site.clock() + timedelta(days=400)
    atom = before["all.atom"][0].replace(b"2026-01-03T12:00:00+00:00", later.isoformat().encode())
    (site.feeds / "all.atom").write_bytes(atom)
    site.build()
    after = site.tree()
    assert {name: data for name, (data, _) in after.items()} == {
        name: data for name, (data, _) in before.items()
    }
