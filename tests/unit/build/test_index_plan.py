"""What documents as they were read change in the index."""

from collections.abc import Mapping
from typing import Any

import pytest
from values import NOW, head, hidden_row, identity, post_row, seconds, stat

from syndicator.build import identity as identities
from syndicator.build.feed_names import FeedNames
from syndicator.build.index_plan import Counts, IndexPlan, remove, touch, update
from syndicator.build.read import ReadResult
from syndicator.model.content import Identity, PostHead, Problem, Term
from syndicator.store.post_rows import PostRow

NEWS = Term("category", "News")
FATAL = Problem(path="a.md", message="date is not a date", fatal=True)
WARNING = Problem(path="a.md", message="title is too long")


def read(post: PostHead | None = None, path: str = "a.md", **fields: Any) -> ReadResult:
    """A document with new bytes, of digest "2"."""
    values: dict[str, Any] = {
        "stat": stat(path, mtime_ns=2),
        "settled": True,
        "digest": "2",
        "same": False,
        "head": post,
        "problems": (),
    }
    return ReadResult(**(values | fields))


def plan(
    *documents: ReadResult,
    before: tuple[PostRow, ...] = (),
    stored: tuple[Identity, ...] = (),
    holders: Mapping[str, str] | None = None,
) -> IndexPlan:
    """The plan of documents, given their rows, their identities, and the holders of ids."""
    by_path = {one.stat.path: one for one in documents}
    heads = {path: one.head for path, one in by_path.items() if one.head}
    claims = identities.claim(heads, {one.path: one for one in stored}, {}, NOW)
    assigned = identities.assign(claims, holders or {})
    rows = {row.stat.path: row for row in before}
    return update(by_path, rows, claims, assigned, FeedNames([], {"category"}))


def test_a_document_that_is_gone() -> None:
    """Its feeds are stale, and its problems end, but those about its name belong to its feed."""
    post = post_row("a.md", feeds=("all", "category/news"))
    hidden, other = hidden_row("b.md", id="b"), hidden_row("c.md")
    planned = remove([post, hidden, other])
    assert planned.removed == [post, hidden, other]
    assert planned.stale_feeds == {"all", "category/news"}
    nothing: dict[str, tuple[()]] = {"a.md": (), "b.md": (), "c.md": ()}
    assert planned.problems == {"read": nothing, "id": nothing, "render": nothing}
    assert planned.counts == Counts(gone=1, freed_id=True)
    assert remove([hidden]).counts == Counts(freed_id=True)
    assert remove([other]).counts == Counts()


def test_a_document_with_the_same_bytes() -> None:
    """Only its stat is stored, and whether it is settled; nothing if both are as before."""
    row = post_row()
    seen = read(same=True, stat=row.stat, digest="1")
    assert touch([seen], {"a.md": row}) == []
    moved = seen._replace(stat=stat(mtime_ns=5))
    assert touch([moved], {"a.md": row}) == [row._replace(stat=stat(mtime_ns=5))]
    racy = seen._replace(settled=False)
    assert touch([racy], {"a.md": row}) == [row._replace(settled=False)]


def test_a_new_post() -> None:
    """It gets a row, an identity and its feeds, which are stale; new terms get feeds."""
    post = head(terms=(NEWS,))
    planned = plan(read(post, problems=(WARNING,), settled=False))
    row = PostRow(stat(mtime_ns=2), False, "2", post, "2", ("all", "category/news"), None)
    assert planned.changed == [(row, None)]
    assert planned.identities == [identity()]
    assert planned.stale_feeds == {"all", "category/news"}
    assert [feed.name for feed in planned.new_feeds] == ["category/news"]
    assert planned.problems == {
        "read": {"a.md": (WARNING,)},
        "id": {"a.md": ()},
        "name": {},
        "render": {},
    }
    assert planned.counts == Counts(new=1, last="a.md")


OLD = post_row(head=head(terms=(NEWS,)), feeds=("all", "category/news"))


@pytest.mark.parametrize(
    ("before", "post", "fields", "stale", "counts"),
    [
        pytest.param(
            OLD, head(title="b", terms=(NEWS,)), {}, "all category/news", "changed", id="edited"
        ),
        pytest.param(OLD, head(terms=(NEWS,)), {}, "all category/news", "changed", id="new bytes"),
        pytest.param(OLD, head(), {}, "all category/news", "changed", id="left a category"),
        pytest.param(
            post_row(), head(terms=(NEWS,)), {}, "all category/news", "changed", id="came to one"
        ),
        pytest.param(OLD, head(terms=(NEWS,)), {"digest": "1"}, "", "", id="same bytes again"),
        pytest.param(
            OLD,
            head(url="https://new.example/", terms=(NEWS,)),
            {"digest": "1"},
            "all category/news",
            "changed",
            id="another address by the config",
        ),
        pytest.param(
            OLD._replace(feeds=("all",)),
            head(terms=(NEWS,)),
            {"digest": "1"},
            "all category/news",
            "changed",
            id="another feed by the config",
        ),
        pytest.param(OLD, None, {}, "all category/news", "gone", id="no post any more"),
        pytest.param(OLD, None, {"problems": (WARNING,)}, "all category/news", "gone", id="hidden"),
        pytest.param(OLD, None, {"problems": (FATAL,)}, "", "", id="unreadable"),
        pytest.param(None, None, {"problems": (FATAL,)}, "", "", id="never readable"),
        pytest.param(hidden_row(), head(), {}, "all", "new", id="shown for the first time"),
        pytest.param(hidden_row(), None, {}, "", "", id="still no post"),
        pytest.param(hidden_row(), None, {"problems": (FATAL,)}, "", "", id="unreadable no post"),
    ],
)
def test_what_a_new_version_makes_stale(
    before: PostRow | None, post: PostHead | None, fields: dict[str, Any], stale: str, counts: str
) -> None:
    """The feeds that a changed post is in or was in; none if they show it as before.

    A post counts as new or changed if feeds may show it otherwise. The problems of rendering it
    end with the text that had them.
    """
    rows = (before,) if before else ()
    planned = plan(read(post, **fields), before=rows, stored=(identity(),) if before else ())
    assert planned.stale_feeds == {*stale.split()}
    last = "a.md" if counts in ("new", "changed") else ""
    assert planned.counts == (Counts(**{counts: 1, "last": last}) if counts else Counts())
    ends = bool(before and stale)
    assert planned.problems["render"] == ({"a.md": ()} if ends else {})


def test_an_unreadable_post_keeps_its_last_good_version() -> None:
    """Only what tells a later scan of its file is new: it is read again when that changes."""
    bad = read(problems=(FATAL,), settled=False)
    ((row, before),) = plan(bad, before=(OLD,), stored=(identity(),)).changed
    assert row == OLD._replace(stat=stat(mtime_ns=2), settled=False, digest="2")
    assert before == OLD
    ((row, _),) = plan(bad).changed
    assert row == PostRow(stat(mtime_ns=2), False, "2", None, None, (), None)


def test_a_document_as_before_is_not_written() -> None:
    """Neither its row nor its identity."""
    row = post_row()
    planned = plan(read(row.head, stat=row.stat, digest="1"), before=(row,), stored=(identity(),))
    assert (planned.changed, planned.identities) == ([], [])
    assert planned.counts == Counts()


def test_the_row_has_the_lasting_id_and_date() -> None:
    """As the identity says, not the front matter."""
    stored = identity(id="first", text_digest="old")
    planned = plan(read(head()), before=(post_row(),), stored=(stored,))
    changed = stored._replace(text_digest="a", updated=NOW)
    assert planned.identities == [changed]
    ((row, _),) = planned.changed
    assert row.head == head(id="first", updated=NOW)


def test_a_hidden_post_keeps_its_id() -> None:
    """In its row, if no other post has it."""
    stored = identity(id="first")
    ((row, _),) = plan(read(), before=(post_row(),), stored=(stored,)).changed
    assert (row.head, row.hidden_id, row.document_digest, row.feeds) == (None, "first", None, ())
    taken = plan(read(), before=(post_row(),), stored=(stored,), holders={"first": "z.md"})
    assert [row.hidden_id for row, _ in taken.changed] == [None]
    assert taken.identities == []


def test_a_post_whose_id_is_taken() -> None:
    """It has a problem, and its identity before, which is given back if the id becomes free."""
    new = plan(read(head()), holders={"a": "z.md"})
    assert [row.id for row, _ in new.changed] == ["a#a"]
    assert [problem.path for problem in new.problems["id"]["a.md"]] == ["a.md"]
    assert new.suffixed == {"a.md": None}
    stored = identity(id="a", updated=NOW - seconds(9))
    known = plan(read(head()), stored=(stored,), holders={"a": "z.md"})
    assert known.suffixed == {"a.md": stored}
    assert plan(read(head()), holders={"a": "a.md"}).suffixed == {}


@pytest.mark.parametrize(
    ("before", "after", "freed"),
    [
        (post_row(), head(id="b", own_id=True), True),
        (post_row(), head(), False),
        (None, head(), False),
        (hidden_row(id="a"), head(), False),
        (hidden_row(id="h"), head(), True),
        (hidden_row(), head(), False),
    ],
)
def test_when_an_id_becomes_free(before: PostRow | None, after: PostHead, freed: bool) -> None:
    """A document held one, and holds another now."""
    rows = (before,) if before else ()
    planned = plan(read(after), before=rows, stored=(identity(),))
    assert planned.counts.freed_id == freed


def test_counts_of_several_documents() -> None:
    """New, changed and removed posts of one plan, with the last that a feed may show."""
    planned = plan(
        read(head("a.md"), "a.md"),
        read(head("b.md"), "b.md"),
        read(head("c.md", title="x"), "c.md"),
        read(None, "d.md"),
        before=(post_row("c.md"), post_row("d.md")),
        stored=(identity("c.md"), identity("d.md")),
    )
    assert planned.counts == Counts(new=2, changed=1, gone=1, last="c.md")


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        (Counts(), Counts(), Counts()),
        (Counts(new=1, last="a"), Counts(), Counts(new=1, last="a")),
        (
            Counts(new=1, changed=2, gone=3, last="a", freed_id=True),
            Counts(new=4, changed=5, gone=6, last="b"),
            Counts(new=5, changed=7, gone=9, last="b", freed_id=True),
        ),
        (Counts(), Counts(freed_id=True), Counts(freed_id=True)),
    ],
)
def test_the_counts_of_batches_add_up(one: Counts, other: Counts, total: Counts) -> None:
    """The last post is that of the last batch that had any."""
    assert one + other == total


@pytest.mark.parametrize(
    ("counts", "only"),
    [
        (Counts(), None),
        (Counts(new=1, last="a"), "a"),
        (Counts(changed=1, last="a"), "a"),
        (Counts(new=1, changed=1, last="a"), None),
        (Counts(new=2, last="a"), None),
        (Counts(new=1, gone=1, last="a"), None),
        (Counts(gone=1), None),
    ],
)
def test_the_only_changed_post(counts: Counts, only: str | None) -> None:
    """One post that is new or changed, while none is gone."""
    assert counts.only == only


def test_a_name_that_another_feed_has() -> None:
    """Its problem is stored with the new feed."""
    terms = (Term("category", "News?"), Term("category", "News!"))
    planned = plan(read(head(terms=terms)))
    assert [feed.name for feed in planned.new_feeds] == ["category/news", "category/news-2"]
    assert planned.problems["name"].keys() == {"category/news-2"}
