"""The store behaves alike on SQLite and PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from syndicator.build.stored_posts import StoredPosts
from syndicator.cache import LruCache
from syndicator.errors import LockedError, StateError
from syndicator.jekyll.site_config import read_site
from syndicator.model.content import (
    Author,
    Entry,
    Identity,
    Media,
    PostHead,
    Problem,
    Scope,
    Stat,
    Term,
)
from syndicator.model.podcast import Episode, Transcript
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, identities, kv, locks, post_queries, posts, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.feeds import FeedRow, FileRow
from syndicator.store.peek import peek
from syndicator.store.post_rows import PostRow
from syndicator.store.schema import metadata

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def row(name: str, day: int = 0, feeds: tuple[str, ...] = ("all",), **more: object) -> PostRow:
    path = f"_posts/{name}.md"
    head = PostHead(
        path=path,
        id=f"https://x/{name}",
        own_id=False,
        url=f"https://x/{name}/",
        title=f"Títle of {name}",
        published=DAY + timedelta(days=day, microseconds=7),
        updated=None,
        terms=(Term(kind="category", label="Nëws"),),
        text_digest=f"text {name}",
    )
    values: dict[str, object] = {
        "stat": Stat(path, 5_000_000_000, 1_790_000_000_123_456_789, -5, (1 << 64) - 2),
        "settled": True,
        "digest": "d",
        "head": head,
        "document_digest": "d",
        "feeds": feeds,
    }
    return PostRow(**(values | more))  # type: ignore[arg-type]


def stored_posts(database: Database) -> StoredPosts:
    source = SourceFolder(Path("/none"), Scope())
    return StoredPosts(database, source, read_site("url: https://x\n", NoFiles(), {})[0])


class NoFiles:
    """`model.lookups.SiteFiles` of an empty folder."""

    def text(self, path: str) -> None: ...

    has_theme = False

    def theme_text(self, path: str) -> None: ...

    def size(self, path: str) -> None: ...

    def names(self, folder: str) -> tuple[str, ...]:
        return ()


def put(database: Database, *rows: PostRow) -> None:
    with database.begin() as connection:
        known = posts.get(connection, [row.stat.path for row in rows])
        posts.put(connection, list(rows), known.values())


def newest(database: Database, feed: str = "all", day: int = 99, limit: int = 50) -> list[str]:
    with database.read() as connection:
        rows = post_queries.newest(connection, feed, DAY + timedelta(days=day), limit)
    return [row.stat.path.removeprefix("_posts/").removesuffix(".md") for row in rows]


def test_the_migrations_make_the_schema(database: Database) -> None:
    """A migrated state has the tables and columns that the code uses."""
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_durable_transaction_waits_for_the_disk(database: Database) -> None:
    """Others don't: their rows can be rebuilt, and the next durable transaction covers them."""
    setting = "PRAGMA synchronous" if database.sqlite else "SHOW synchronous_commit"
    fast, durable = (1, 2) if database.sqlite else ("off", "on")
    for wanted in (durable, fast, durable, fast):
        with database.begin(durable=wanted == durable) as connection:
            assert connection.execute(text(setting)).scalar() == wanted
    with database.begin() as connection:
        assert connection.execute(text(setting)).scalar() == durable


def test_a_newer_schema_is_refused(database: Database, url: str) -> None:
    """With a readable error, and without changes to it."""
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer syndicator"):
        Database(url)


def test_tables_of_another_program_are_left_alone(url: str) -> None:
    """A database with foreign tables of our names is refused; one with other tables is shared."""
    other = create_engine(url)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE posts (theirs INTEGER)"))
    for use in (Database, peek):
        with pytest.raises(StateError, match="belongs to another program: it already has posts"):
            use(url)
    with other.begin() as connection:
        connection.execute(text("ALTER TABLE posts RENAME TO theirs"))
    other.dispose()
    assert peek(url) is None
    Database(url).close()


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "dangling", "circle"])
def test_only_a_regular_file_can_be_a_state(tmp_path: Path, kind: str) -> None:
    """Others are refused: not opened, which may hang, nor treated as a missing state."""
    path = tmp_path / "state.db"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/null")
        case "dangling":
            path.symlink_to(tmp_path / "none" / "state.db")
        case "circle":
            path.symlink_to(path)
    for use in (Database, peek):
        with pytest.raises(StateError, match=r"not a file|broken symbolic link|symbolic links"):
            use(f"sqlite:///{path}")


def test_a_database_that_can_not_hold_every_character(unencoded: str) -> None:
    """It is refused at once, before a post fails because of its title."""
    for use in (Database, peek):
        with pytest.raises(StateError, match="has the encoding SQL_ASCII, not UTF8"):
            use(unencoded)


def test_a_post_comes_back_as_it_was(database: Database) -> None:
    """With microseconds and nanoseconds."""
    put(database, row("a"), row("b", head=None, document_digest=None, feeds=()))
    with database.read() as connection:
        assert posts.get(connection, ["_posts/a.md", "_posts/b.md", "_posts/c.md"]) == {
            "_posts/a.md": row("a"),
            "_posts/b.md": row("b", head=None, document_digest=None, feeds=()),
        }
        assert posts.count(connection) == 1
        assert posts.count_documents(connection) == 2
        assert sorted(stat.path for stat in posts.all_stats(connection)) == [
            "_posts/a.md",
            "_posts/b.md",
        ]


def test_posts_that_are_named_as_copies(database: Database) -> None:
    """With all posts that have their title and date; none is hidden."""
    head = row("x").head
    assert head

    def alike(name: str, **more: object) -> PostRow:
        path = f"_posts/{name}.md"
        copied = head._replace(path=path, id=path, url=path)
        return row(name, head=copied, maybe_copy="(" in name, **more)

    put(
        database,
        alike("x"),
        alike("x (1)"),
        alike("x (2)"),
        row("other (1)", 1, maybe_copy=True),
        row("other", 2),
        row("hidden (1)", head=None, document_digest=None, feeds=(), maybe_copy=True),
    )
    with database.read() as connection:
        [(named_as_copies, group)] = post_queries.groups_with_copies(connection)
        assert posts.get(connection, ["_posts/x (1).md"])["_posts/x (1).md"].maybe_copy
    assert named_as_copies == {"_posts/x (1).md", "_posts/x (2).md"}
    assert group == {"_posts/x.md", "_posts/x (1).md", "_posts/x (2).md"}


def test_a_feed_reads_newest_first(database: Database) -> None:
    """At one time the last path comes first, as in Jekyll; future posts are left out."""
    put(
        database,
        row("a", 1),
        row("b", 1),
        row("c", 0),
        row("future", 50),
        row("other", 2, feeds=("category/x",)),
    )
    assert newest(database, day=9) == ["b", "a", "c"]
    assert newest(database, day=50) == ["b", "a", "c"]
    assert newest(database, day=51) == ["future", "b", "a", "c"]
    assert newest(database, day=51, limit=2) == ["future", "b"]
    assert newest(database, "category/x") == ["other"]


def test_a_changed_post_leaves_its_old_position(database: Database) -> None:
    """With another date or other feeds, it is listed once, in the new position."""
    put(database, row("a", 1), row("b", 2))
    put(database, row("a", 3, feeds=("all", "category/x")))
    assert newest(database) == ["a", "b"]
    put(database, row("a", 3, feeds=("category/x",)))
    assert newest(database) == ["b"]
    with database.begin() as connection:
        posts.remove(connection, posts.get(connection, ["_posts/a.md"]).values())
    assert newest(database, "category/x") == []


def test_posts_are_counted_as_they_come_and_go(database: Database) -> None:
    """The stored count equals the number of rows, starting from any state."""
    nothing: dict[str, object] = {"head": None, "document_digest": None, "feeds": ()}

    def assert_counted(expected: int) -> None:
        with database.begin() as connection:
            assert posts.count(connection) == expected
            stored = connection.execute(
                text("DELETE FROM kv WHERE name = 'posts' RETURNING value")
            ).scalar()
            assert posts.count(connection) == expected  # counted
            kv.put(connection, "posts", stored or "0")

    assert_counted(0)
    put(database, row("a"), row("b"), row("bad", **nothing))
    assert_counted(2)
    put(database, row("a", 2), row("b", **nothing), row("bad"), row("c"))
    assert_counted(3)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM kv"))  # as in the state of an earlier version
    put(database, row("d"))
    assert_counted(4)
    with database.begin() as connection:
        posts.remove(
            connection,
            posts.get(connection, ["_posts/a.md", "_posts/b.md", "_posts/no.md"]).values(),
        )
    assert_counted(3)


def test_no_other_documents(database: Database) -> None:
    """By this an emptied folder is detected."""
    put(database, row("a"), row("b"))
    with database.read() as connection:
        assert posts.has_no_others(connection, {"_posts/a.md", "_posts/b.md"})
        assert posts.has_no_others(connection, {"_posts/a.md", "_posts/b.md", "_posts/c.md"})
        assert not posts.has_no_others(connection, {"_posts/a.md", "_posts/c.md"})


def test_future_posts_become_due(database: Database) -> None:
    """Later than one time, and not later than another."""
    put(database, row("a", 1), row("b", 5, feeds=("all", "category/x")), row("c", 9))
    with database.read() as connection:
        assert post_queries.next_due(connection, DAY + timedelta(days=2)) == DAY + timedelta(
            days=5, microseconds=7
        )
        assert post_queries.next_due(connection, DAY + timedelta(days=10)) is None
        after, until = DAY + timedelta(days=2), DAY + timedelta(days=6)
        (due,) = post_queries.due(connection, after, until)
        assert (due.stat.path, due.feeds) == ("_posts/b.md", ("all", "category/x"))
        assert post_queries.due(connection, until, until + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("2026-01-01-hello", True),
        ("_posts/2026-01-01-hello.md", True),
        ("/2026-01-01-hello", True),
        ("01-hello", False),
        ("2026-01-01-Hello", False),
        ("2026-01-01-h_llo", False),
        ("2026-01-01-%", False),
    ],
)
def test_posts_are_found_by_name(database: Database, name: str, exists: bool) -> None:
    """As Jekyll's `post_url` and `link` do; a name is matched literally, not as a pattern."""
    put(database, row("2026-01-01-hello"))
    assert (stored_posts(database).find(name) is not None) is exists


@pytest.mark.parametrize(
    "name", ["en/2026-01-01-hello", "en/_posts/2026-01-01-hello.md", "/en/2026-01-01-hello"]
)
def test_posts_are_found_by_the_folder_above_posts(database: Database, name: str) -> None:
    """A folder above `_posts` is a category, and part of the post's name in Jekyll."""
    wanted = row("en")
    stat, head = wanted.stat._replace(path="en/_posts/2026-01-01-hello.md"), wanted.head
    assert head
    put(
        database,
        row("2026-01-01-hello"),
        wanted._replace(stat=stat, head=head._replace(path=stat.path)),
    )
    post = stored_posts(database).find(name)
    assert (post and post.path) == stat.path


def test_the_neighbours_of_a_post(database: Database) -> None:
    """The next newer and older one of its collection that is published; by path at one time."""
    recipe = row("r", 2)
    assert recipe.head
    put(
        database,
        row("a", 1),
        row("b", 1),
        recipe._replace(head=recipe.head._replace(terms=(Term("collection", "recipes"),))),
        row("c", 3),
        row("future", 98),
    )
    until = DAY + timedelta(days=50)

    def neighbours(name: str, day: int) -> list[str | None]:
        head = row(name, day).head
        assert head
        with database.read() as connection:
            found = [
                post_queries.neighbour(connection, head, until, newer=newer)
                for newer in (False, True)
            ]
        return [one and one.path.removeprefix("_posts/").removesuffix(".md") for one in found]

    assert neighbours("a", 1) == [None, "b"]
    assert neighbours("b", 1) == ["a", "c"]
    assert neighbours("c", 3) == ["b", None]


@pytest.mark.parametrize("label", ["a", "A", 'a%_/\\b"]', "é", "[["])
def test_the_neighbours_in_a_collection_of_any_name(database: Database, label: str) -> None:
    """Its name may have the signs of a pattern; a tag may look like a collection."""

    def post(name: str, day: int, *terms: Term) -> PostRow:
        one = row(name, day)
        assert one.head
        return one._replace(head=one.head._replace(terms=terms))

    tag = Term("tag", '["collection","a"]')
    ours = Term("collection", label)
    put(
        database,
        first := post("1", 1, tag, ours, Term("language", "de")),
        post("2", 2, Term("collection", "a.b"), Term("language", "de")),
        post("3", 3, ours),
        post("4", 4, tag),
        post("5", 5, ours, Term("language", "en")),
        second := post("6", 6, ours, Term("language", "de")),
        third := post("7", 7, tag),
    )
    with database.read() as connection:
        for older, newer in ((first.head, second.head), (post("4", 4, tag).head, third.head)):
            assert older
            assert newer
            until = DAY + timedelta(days=50)
            assert post_queries.neighbour(connection, older, until, newer=True) == newer
            assert post_queries.neighbour(connection, newer, until, newer=False) == older


def test_the_paths_of_ids(database: Database) -> None:
    """An id that no post has is left out."""
    put(database, row("a"), row("b"))
    with database.read() as connection:
        assert posts.paths_by_id(connection, ["https://x/a", "https://x/z"]) == {
            "https://x/a": "_posts/a.md"
        }


def test_identities_are_stored(database: Database) -> None:
    """A second `put` replaces the first; a removed identity is gone."""
    one = Identity(path="a", id="i", text_digest="t", updated=None)
    with database.begin() as connection:
        identities.put(connection, [one, one._replace(path="b")])
        identities.put(connection, [one._replace(updated=DAY)])
        identities.remove(connection, ["b"])
    with database.read() as connection:
        assert identities.get(connection, ["a", "b"]) == {"a": one._replace(updated=DAY)}


def test_removed_identities_are_found(database: Database) -> None:
    """By the text of the post, if it was removed recently and has not come back."""
    one = Identity(path="a", id="i", text_digest="t", updated=None)
    with database.begin() as connection:
        identities.put(
            connection, [one, one._replace(path="b"), one._replace(path="c", text_digest="other")]
        )
        identities.mark_removed(connection, ["a", "c"], DAY)
    removed = one._replace(gone=DAY)
    with database.begin() as connection:
        assert identities.find_removed(connection, ["t"], DAY) == [removed]
        assert identities.find_removed(connection, ["t"], DAY + timedelta(seconds=1)) == []
        identities.put(connection, [one])
        assert identities.find_removed(connection, ["t"], DAY) == []


def test_an_entry_comes_back_as_it_was(database: Database) -> None:
    """With all its fields; the row of a post that can't be rendered has no entry."""
    entry = Entry(
        id="i",
        url="https://x/",
        title="T \U0001f600",
        published=DAY,
        updated=DAY + timedelta(hours=1),
        content="<p>é</p>",
        summary="é",
        authors=(Author(name="A", email="a@x"),),
        categories=("c",),
        tags=("t", "u"),
        image=Media(url="https://x/i.png", type="image/png", length=5),
        enclosures=(Media(url="https://x/a.mp3"),),
        language="de",
        external_url="https://y/",
        episode=Episode(seconds=5, transcripts=(Transcript("https://x/a.vtt", "text/vtt", None),)),
        path="a",
        line=4,
    )
    rows = [
        EntryRow(
            path="a", key="k", entry=entry, uses_posts=True, needs={"i.png": (5, 6), "gone": None}
        ),
        EntryRow(path="b", key="k", entry=None, uses_posts=False, needs={}),
    ]
    with database.begin() as connection:
        entries.put(connection, rows)
    with database.read() as connection:
        assert entries.get(connection, ["a", "b"], LruCache(0)) == {"a": rows[0], "b": rows[1]}
        assert entries.using_posts(connection) == {"a"}
        assert entries.all_needs(connection) == {"a": {"i.png": (5, 6), "gone": None}}


def test_an_entry_of_an_earlier_version_is_read(database: Database) -> None:
    """It lacks the fields that entries have had since, which then have their defaults."""
    entry = Entry(
        id="i",
        url="https://x/",
        title="T",
        published=DAY,
        updated=DAY,
        content="",
        summary="",
        authors=(),
        categories=(),
        tags=(),
    )
    stored = EntryRow(path="a", key="k", entry=entry, uses_posts=False, needs={})
    later = {"external_url", "episode", "path", "line"}
    with database.begin() as connection:
        entries.put(connection, [stored])
        (data,) = connection.scalars(text("SELECT data FROM entries"))
        kept = {key: value for key, value in json.loads(data).items() if key not in later}
        connection.execute(text("UPDATE entries SET data = :data"), {"data": json.dumps(kept)})
    with database.read() as connection:
        assert entries.get(connection, ["a"], LruCache(0)) == {"a": stored}


def test_cached_entries_equal_the_stored_ones(database: Database) -> None:
    """An entry that was rendered again, or that refers to other posts, is read again."""
    titles = {"a": "A", "b": "B", "c": "C"}
    recent: entries.Recent = LruCache(1 << 20)

    def put(
        path: str, title: str, needs: Mapping[str, tuple[int, int] | None], uses_posts: bool = False
    ) -> None:
        titles[path] = title
        entry = Entry(
            id=path,
            url=path,
            title=title,
            published=DAY,
            updated=DAY,
            content="",
            summary="",
            authors=(),
            categories=(),
            tags=(),
        )
        with database.begin() as connection:
            row = EntryRow(path=path, key="k", entry=entry, uses_posts=uses_posts, needs=needs)
            entries.put(connection, [row])

    def assert_read() -> None:
        with database.read() as connection:
            for _ in range(2):
                rows = entries.get(connection, ["a", "b", "c"], recent)
                assert {path: row.entry.title for path, row in rows.items() if row.entry} == titles

    put("a", "A", {})
    put("b", "B", {}, uses_posts=True)
    put("c", "C", {"i.png": (1, 2)})
    assert_read()
    put("b", "New", {}, uses_posts=True)
    put("c", "New", {"i.png": None})
    assert_read()
    with database.begin() as connection:
        entries.remove(connection, ["a"])
    del titles["a"]
    assert_read()


def test_problems_stay_until_they_are_fixed(database: Database) -> None:
    """Each stage replaces only its own problems."""
    bad = Problem(path="b", line=3, message="m", hint="h", fatal=True)
    with database.begin() as connection:
        problems.replace(
            connection, "read", {"b": [bad, replace(bad, line=2)], "a": [replace(bad, path="a")]}
        )
        problems.replace(connection, "render", {"b": [replace(bad, message="other")]})
        problems.replace(connection, "feed", {"b": [replace(bad, line=None)]})
        problems.replace(connection, "read", {"a": []})
    with database.read() as connection:
        assert [str(problem) for problem in problems.all_problems(connection)] == [
            "b: m",
            "b:2: m",
            "b:3: m",
            "b:3: other",
        ]


def test_feeds_and_files(database: Database) -> None:
    """A feed stays stale until it is written; a gone file keeps its row."""
    feed = FeedRow(
        name="category/x",
        kind="category",
        label="X",
        folded="x",
        stale=False,
        updated=DAY,
        post_paths=("a",),
    )
    file = FileRow(
        path="category/x.rss",
        feed="category/x",
        url="https://f/x.rss",
        media_type="m",
        digest="d",
        hubs=("https://h/",),
        updated=DAY,
        disk={"": (1, 2), ".gz": (3, 4)},
    )
    with database.begin() as connection:
        feeds.put(
            connection, [feed, FeedRow(name="all", kind=None, label=None, folded="", stale=False)]
        )
        feeds.put_files(connection, [file, replace(file, path="old", gone=True)])
        feeds.mark_stale(connection, ["category/x", "unknown"])
    with database.read() as connection:
        assert [row.name for row in feeds.all_feeds(connection)] == ["all", "category/x"]
        assert feeds.stale(connection) == [replace(feed, stale=True)]
        assert feeds.files_of(connection, "category/x") == {
            file.path: file,
            "old": replace(file, path="old", gone=True),
        }
        assert feeds.file_at(connection, "https://f/x.rss") == file


def test_values_by_key(database: Database) -> None:
    """The last value counts."""
    with database.begin() as connection:
        kv.put(connection, "n", "1")
        kv.put(connection, "n", "2")
    with database.read() as connection:
        assert (kv.get(connection, "n"), kv.get(connection, "m")) == ("2", None)


def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    """A failed transaction changes nothing."""
    with suppress(ZeroDivisionError), database.begin() as connection:
        kv.put(connection, "n", "1")
        raise ZeroDivisionError
    with database.read() as connection:
        assert kv.get(connection, "n") is None


@pytest.fixture
def other_holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the daemon's lock."""
    code = (
        "import sys\n"
        "from syndicator.store import locks\n"
        "from syndicator.store.database import Database\n"
        "with locks.acquire(Database(sys.argv[1]), 'daemon'):\n"
        " print('held', flush=True)\n"
        " sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, url], stdin=-1, stdout=-1, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_one_daemon_a_state(database: Database, other_holder: subprocess.Popen[str]) -> None:
    """The second gets an error with the holder's name. Once that is killed, the lock is free.

    On PostgreSQL it is when its lease ends.
    """
    with (
        pytest.raises(LockedError, match=f"pid {other_holder.pid} on "),
        locks.acquire(database, "daemon"),
    ):
        pass
    holder = locks.holder(database, "daemon")
    assert holder is not None
    assert f"pid {other_holder.pid}" in holder.name
    other_holder.kill()
    other_holder.wait()
    if not database.sqlite:
        assert locks.holder(database, "daemon") == holder
        with database.begin() as connection:
            connection.execute(text("UPDATE leases SET expires = expires - 9000000"))
    with locks.acquire(database, "daemon", waiting=lambda: None):
        pass
    assert locks.holder(database, "daemon") is None


class Enough(Exception):  # noqa: N818  # not an error
    """Ends a wait."""


def test_a_wait_for_a_run_can_be_given_up(
    database: Database, other_holder: subprocess.Popen[str]
) -> None:
    """`waiting` is called repeatedly, so that it can report life or end the wait."""
    calls = 0

    def waiting() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Enough

    with pytest.raises(Enough), locks.acquire(database, "daemon", waiting=waiting):
        pass
    assert other_holder.poll() is None
