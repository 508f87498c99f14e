"""Feed files that differ are written, and their pings, deliveries and denials are queued."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from values import HUB, NOW, OWN_HUB, feed_file, feed_row, file_row, seconds

from syndicator.build.entries import LoadedEntries
from syndicator.build.publish import (
    PublishResult,
    commit,
    decide,
    enqueue_pings,
    is_lost,
    is_needed,
    publish,
)
from syndicator.model.content import FeedFile
from syndicator.model.outbox import Subscription
from syndicator.outputs.folder import OutputFolder
from syndicator.outputs.output import OnDisk
from syndicator.store import feeds, subscriptions
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow

RSS, ATOM = feed_file("all.rss"), feed_file("all.atom", b"<feed/>")
NEW = feed_file("all.rss", b"<rss>new</rss>")
PUBLISHED = file_row("all.rss")
BEFORE = PUBLISHED.updated


def loaded(**fields: Any) -> LoadedEntries:
    values: dict[str, Any] = {
        "paths": (),
        "entries": ("an entry",),
        "keys": (),
        "incomplete": False,
        "rendered": False,
        "mismatched": (),
    }
    return LoadedEntries(**(values | fields))


ALL = feed_row("all", content_key="before")
NEWS = feed_row("category/news", content_key="before")
WAITING = loaded(incomplete=True)
EMPTY = loaded(entries=())


@pytest.mark.parametrize(
    ("row", "key", "entries", "lost", "expected"),
    [
        (ALL, "after", loaded(), False, True),
        (ALL, "before", loaded(), False, False),
        (ALL, "before", loaded(), True, True),
        (ALL, "after", WAITING, False, False),
        (ALL, "before", WAITING, True, False),
        (ALL, "after", loaded(incomplete=True, rendered=True), False, True),
        (ALL, "after", loaded(rendered=True), False, True),
        (NEWS, "after", EMPTY, False, True),
        (replace(NEWS, content_key=None), "after", EMPTY, False, False),
        (replace(NEWS, content_key=None), "after", loaded(), False, True),
        (replace(ALL, content_key=None), "after", EMPTY, False, True),
    ],
)
def test_when_a_feed_is_published(
    row: FeedRow, key: str, entries: LoadedEntries, lost: bool, expected: bool
) -> None:
    """If its content has changed or a file is lost.

    Not if it has only future posts so far, which its name would reveal; the feed of the whole site
    reveals nothing. Not if it waits for a heavy post, and nothing else of it was rendered.
    """
    assert is_needed(row, key, entries, row.history, lost=lost) == expected


@pytest.mark.parametrize(
    ("files", "known", "intact", "expected"),
    [
        pytest.param([RSS], [], "", ("all.rss", "", "all.rss", ""), id="new"),
        pytest.param([RSS], [PUBLISHED], "all.rss", ("", "", "", ""), id="as published"),
        pytest.param([RSS], [PUBLISHED], "", ("all.rss", "", "", ""), id="lost"),
        pytest.param([NEW], [PUBLISHED], "all.rss", ("all.rss", "", "all.rss", ""), id="new bytes"),
        pytest.param(
            [replace(RSS, media_type="text/xml")],
            [PUBLISHED],
            "all.rss",
            ("all.rss", "", "all.rss", ""),
            id="another type",
        ),
        pytest.param(
            [replace(RSS, hubs=())],
            [PUBLISHED],
            "all.rss",
            ("all.rss", "", "all.rss", ""),
            id="other hubs",
        ),
        pytest.param(
            [replace(RSS, url="https://new.example/all.rss")],
            [PUBLISHED],
            "all.rss",
            ("all.rss", "", "all.rss", "https://feeds.example/all.rss"),
            id="another address",
        ),
        pytest.param(
            [RSS],
            [replace(PUBLISHED, gone=True)],
            "all.rss",
            ("all.rss", "", "all.rss", ""),
            id="published once more",
        ),
        pytest.param(
            [RSS, ATOM],
            [PUBLISHED],
            "all.rss",
            ("all.atom", "", "all.atom", ""),
            id="one more format",
        ),
        pytest.param(
            [],
            [PUBLISHED],
            "all.rss",
            ("", "all.rss", "", "https://feeds.example/all.rss"),
            id="removed",
        ),
        pytest.param(
            [], [replace(PUBLISHED, gone=True)], "", ("", "", "", ""), id="removed before"
        ),
        pytest.param(
            [], [replace(PUBLISHED, hubs=())], "", ("", "all.rss", "", ""), id="a page removed"
        ),
        pytest.param(
            [RSS],
            [PUBLISHED, replace(PUBLISHED, path="feed.xml")],
            "all.rss feed.xml",
            ("", "feed.xml", "", ""),
            id="an alias removed",
        ),
    ],
)
def test_which_files_are_written_and_removed(
    files: list[FeedFile], known: list[FileRow], intact: str, expected: tuple[str, str, str, str]
) -> None:
    """Written are those that differ from the published ones or from the disk.

    Only the former are changed. A topic ends when no file has its address any more. Expected are
    the paths to write, to remove and that are changed, and the topics that end.
    """
    write, remove, changed, ended = expected
    plan = decide(files, {row.path: row for row in known}, intact.split(), {}, NOW)
    assert [file.path for file, _ in plan.write] == write.split()
    assert [row.path for row in plan.remove] == remove.split()
    assert plan.changed == {*changed.split()}
    assert plan.ended == tuple(ended.split())


def test_ended_topics_are_sorted_and_each_once() -> None:
    """Equal states queue the same denials, in the same order."""
    rows = [file_row("b.rss"), file_row("a.rss"), replace(file_row("a.rss"), path="alias.xml")]
    plan = decide([], {row.path: row for row in rows}, (), {}, NOW)
    assert plan.ended == ("https://feeds.example/a.rss", "https://feeds.example/b.rss")


@pytest.mark.parametrize(
    ("file", "known", "on_disk", "date"),
    [
        pytest.param(RSS, None, None, NOW, id="new"),
        pytest.param(RSS, None, OnDisk(BEFORE, True), BEFORE, id="new here, on disk already"),
        pytest.param(RSS, None, OnDisk(NOW, False), NOW + seconds(1), id="other bytes on disk"),
        pytest.param(RSS, PUBLISHED, None, BEFORE, id="lost: as before"),
        pytest.param(
            RSS, PUBLISHED, OnDisk(BEFORE - seconds(1), False), BEFORE, id="damaged: as before"
        ),
        pytest.param(
            RSS, PUBLISHED, OnDisk(NOW, False), NOW + seconds(1), id="others were shown since"
        ),
        pytest.param(RSS, PUBLISHED, OnDisk(NOW, True), NOW, id="shown again since"),
        pytest.param(
            RSS, PUBLISHED, OnDisk(NOW + timedelta(days=2), False), BEFORE, id="a mistaken date"
        ),
        pytest.param(NEW, PUBLISHED, None, NOW, id="changed"),
        pytest.param(
            NEW, replace(PUBLISHED, updated=NOW), None, NOW + seconds(1), id="within a second"
        ),
        pytest.param(
            NEW,
            replace(PUBLISHED, updated=NOW + seconds(60)),
            None,
            NOW + seconds(61),
            id="the clock was set back",
        ),
        pytest.param(
            NEW, PUBLISHED, OnDisk(BEFORE, True), BEFORE + seconds(1), id="on disk, but too old"
        ),
        pytest.param(
            NEW,
            PUBLISHED,
            OnDisk(NOW - seconds(5), True),
            NOW - seconds(5),
            id="written before a crash",
        ),
        pytest.param(
            NEW,
            PUBLISHED,
            OnDisk(NOW + seconds(5), False),
            NOW + seconds(6),
            id="others written before a crash",
        ),
    ],
)
def test_the_date_of_a_file(
    file: FeedFile, known: FileRow | None, on_disk: OnDisk | None, date: datetime
) -> None:
    """In whole seconds, and always later than that of other bytes that readers saw."""
    dates = {file.path: on_disk} if on_disk else {}
    rows = {file.path: known} if known else {}
    ((_, given),) = decide([file], rows, (), dates, NOW + timedelta(microseconds=9)).write
    assert given == date


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "feeds", ())


def test_files_are_written_and_removed(output: OutputFolder) -> None:
    """The rows say what is on disk. Rows of unchanged files stay; removed ones are gone."""
    first = publish(output, [RSS, ATOM], {}, "all", NOW)
    assert [row.path for row in first.rows] == ["all.rss", "all.atom"]
    assert first.changed == first.rows
    assert first.written == 2
    assert first.rows[0] == FileRow(
        path="all.rss",
        feed="all",
        url=RSS.url,
        media_type=RSS.media_type,
        digest=RSS.digest,
        hubs=RSS.hubs,
        updated=NOW,
        disk={"": (len(RSS.data), int(NOW.timestamp()) * 1_000_000_000)},
    )
    known = {row.path: row for row in first.rows}
    second = publish(output, [NEW], known, "all", NOW)
    new, removed = second.rows
    assert (new.digest, new.updated) == (NEW.digest, NOW + seconds(1))
    assert removed == replace(known["all.atom"], gone=True, disk={})
    assert (second.changed, second.written, second.ended) == ((new,), 1, (ATOM.url,))
    assert os.listdir(output.files.root) == ["all.rss"]
    again = publish(output, [NEW], {row.path: row for row in second.rows}, "all", NOW)
    assert again == PublishResult(rows=(new,), changed=(), written=0, ended=())


def test_a_lost_file_is_written_as_it_was(output: OutputFolder) -> None:
    """With its date, and it is not changed. Bytes that are on disk already keep their date."""
    known = {row.path: row for row in publish(output, [RSS, ATOM], {}, "all", NOW).rows}
    (output.files.root / "all.rss").write_bytes(b"oops")
    repaired = publish(output, [RSS, ATOM], known, "all", NOW + seconds(60))
    assert repaired == PublishResult(rows=(*known.values(),), changed=(), written=1, ended=())
    assert (output.files.root / "all.rss").read_bytes() == RSS.data
    rebuilt = publish(output, [RSS, ATOM], {}, "all", NOW + seconds(60))
    assert {row.updated for row in rebuilt.rows} == {NOW}


def test_a_lost_file(output: OutputFolder) -> None:
    """Someone else changed or removed it; a file that is gone is not lost."""
    (row,) = publish(output, [RSS], {}, "all", NOW).rows
    assert not is_lost(output, row)
    (output.files.root / "all.rss").unlink()
    assert is_lost(output, row)
    assert not is_lost(output, replace(row, gone=True))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'state.db'}")
    yield made
    made.close()


def jobs(database: Database) -> set[tuple[str, str, str]]:
    with database.read() as connection:
        rows = connection.execute(text("SELECT kind, target, topic FROM jobs")).all()
    return {(kind, target, topic) for kind, target, topic in rows}


def changed(database: Database) -> list[str]:
    """The topics with a wave that has to reach their subscribers."""
    with database.read() as connection:
        return list(connection.scalars(text("SELECT topic FROM waves WHERE done < wave")))


def subscribe(database: Database, topic: str) -> None:
    end = datetime(2099, 1, 1, tzinfo=UTC)
    reader = Subscription(
        topic=topic, callback="https://reader.example/", secret=None, expires=end, since=NOW
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, reader)


BOTH = file_row("all.rss", hubs=(OWN_HUB, HUB))
PAGE = file_row("all.html", hubs=())


def test_a_change_queues_pings_and_begins_waves(database: Database) -> None:
    """A ping of each hub but our own, and a wave to all subscribers, for each changed topic."""
    alias = replace(BOTH, path="feed.xml")
    same = file_row("same.rss", hubs=(OWN_HUB, HUB))
    for topic in (BOTH.url, same.url):
        subscribe(database, topic)
    result = PublishResult(
        rows=(BOTH, alias, PAGE, same), changed=(BOTH, alias, PAGE), written=3, ended=()
    )
    with database.begin() as connection:
        assert commit(connection, result, OWN_HUB, NOW) == 1
        assert [row.path for row in feeds.all_files(connection)] == [
            "all.html",
            "all.rss",
            "feed.xml",
            "same.rss",
        ]
    assert jobs(database) == {("ping", HUB, BOTH.url)}
    assert changed(database) == [BOTH.url]


@pytest.mark.parametrize(
    ("own_hub", "hubs"),
    [(None, (OWN_HUB, HUB)), (OWN_HUB, (HUB,)), ("https://other.example/", (OWN_HUB, HUB))],
)
def test_only_our_own_hub_delivers(
    database: Database, own_hub: str | None, hubs: tuple[str, ...]
) -> None:
    """It is on, and the file names it. Any other hub is pinged."""
    row = file_row("all.rss", hubs=hubs)
    subscribe(database, row.url)
    with database.begin() as connection:
        commit(connection, PublishResult((row,), (row,), 1, ()), own_hub, NOW)
    assert jobs(database) == {("ping", hub, row.url) for hub in hubs}
    assert changed(database) == []


def test_an_ended_topic_queues_denials(database: Database) -> None:
    """Its subscriptions end."""
    subscribe(database, RSS.url)
    with database.begin() as connection:
        assert commit(connection, PublishResult((), (), 0, (RSS.url,)), OWN_HUB, NOW) == 0
    assert jobs(database) == {("deny", "https://reader.example/", RSS.url)}


def test_pings_can_be_queued_again(database: Database) -> None:
    """Of each topic once, not of pages."""
    with database.begin() as connection:
        rows = [BOTH, replace(BOTH, path="feed.xml"), PAGE]
        assert enqueue_pings(connection, rows, OWN_HUB, NOW) == 1
        assert enqueue_pings(connection, rows, None, NOW) == 2
    assert jobs(database) == {("ping", HUB, BOTH.url), ("ping", OWN_HUB, BOTH.url)}
