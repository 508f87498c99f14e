"""The pages of held posts, and how a post goes out, alike on each database."""

from datetime import UTC, datetime, timedelta

from builds import head, post_row, store

from syndicator.build import held_posts
from syndicator.live.decision import Changes
from syndicator.model.awaited import AwaitedPage, PageAnswer
from syndicator.model.content import Identity
from syndicator.store import awaited_pages, feeds, identities, post_queries, posts
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=9)


def hold(database: Database, *paths: str) -> None:
    store(database, *(post_row(path, published=NOW, held=True) for path in paths))
    with database.begin() as connection:
        awaited_pages.put(connection, [(path, head(path).url, NOW) for path in paths])
        unseen = [
            Identity(path=path, id=path, text_digest="t", updated=None, shown=False)
            for path in paths
        ]
        identities.put(connection, unseen)


def pages(database: Database) -> dict[str, AwaitedPage]:
    with database.read() as connection:
        return {page.path: page for page in awaited_pages.all_pages(connection)}


def test_what_was_seen_of_a_page_is_kept(database: Database) -> None:
    hold(database, "a", "b")
    before = pages(database)
    assert list(before) == ["b", "a"], "the newest first"
    assert (before["a"].since, before["a"].asked, before["a"].held) == (NOW, None, True)
    answers = [
        (before["a"], PageAnswer(live=False, text="it answered 404")),
        (before["b"], PageAnswer(live=True)),
    ]
    with database.begin() as connection:
        awaited_pages.record(connection, answers, LATER)
        awaited_pages.set_late(connection, {"a": True, "b": False})
    after = pages(database)
    assert (after["a"].attempts, after["a"].asked, after["a"].late) == (1, LATER, True)
    assert (after["a"].answer, after["a"].live) == ("it answered 404", False)
    assert (after["b"].answer, after["b"].live) == (None, True)


def test_a_post_goes_out(database: Database) -> None:
    """It is in its feeds, which are stale, and among the others; its page is not awaited."""
    hold(database, "a", "b")
    with database.begin() as connection:
        feeds.put(connection, [FeedRow(name="all", kind=None, label=None, folded="", stale=False)])
        assert post_queries.newest(connection, "all", LATER, 9) == []
        assert post_queries.newest_of_all(connection, LATER, 9) == []
        assert post_queries.due(connection, NOW - timedelta(1), LATER) == []
        held_posts.apply(connection, Changes(out=frozenset("a"), over=frozenset("a")), ())
        assert [row.stat.path for row in post_queries.newest(connection, "all", LATER, 9)] == ["a"]
        assert [row.stat.path for row in post_queries.newest_of_all(connection, LATER, 9)] == ["a"]
        assert [row.name for row in feeds.stale(connection)] == ["all"]
        found = identities.get(connection, ["a", "b"])
        assert {path: one.shown for path, one in found.items()} == {"a": True, "b": False}
        assert posts.count(connection) == 2
    assert list(pages(database)) == ["b"]


def test_pages_that_no_post_has_are_forgotten(database: Database) -> None:
    """Of a post that was removed, or has another address."""
    hold(database, "a", "b", "c")
    with database.begin() as connection:
        rows = posts.get(connection, ["a", "b"])
        posts.remove(connection, [rows["a"]])
        moved = rows["b"]._replace(head=head("b")._replace(url="https://x/other", published=NOW))
        posts.put(connection, [moved], [rows["b"]])
    assert list(pages(database)) == ["c"]
    with database.begin() as connection:
        awaited_pages.remove(connection, ())
        posts.put(connection, [rows["b"]], [moved])
    assert list(pages(database)) == ["c"]
