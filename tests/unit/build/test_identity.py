"""The lasting id of a post, its renames, and when it was last updated."""

from datetime import UTC, datetime
from typing import Any

import pytest
import values
from values import identity, seconds

from syndicator.build.identity import (
    Claims,
    assign,
    claim,
    conflict,
    follow_renames,
    identify,
    recall,
    renamed,
    suffixed_candidates,
    suffixed_ids,
    with_identity,
)
from syndicator.formats.field_values import entry_id
from syndicator.formats.read_back import ShownEntry
from syndicator.model.content import Identity, PostHead

NOW = datetime(2026, 5, 1, 12, 0, 0, 999, tzinfo=UTC)


def head(path: str = "_posts/a.md", id: str = "https://x/a", **fields: Any) -> PostHead:
    return values.head(path, id=id, **({"text_digest": "t"} | fields))


def known(path: str = "_posts/a.md", id: str = "https://old/a", text: str = "t") -> Identity:
    return identity(path, id=id, text_digest=text)


def gone(path: str, at: datetime = NOW) -> Identity:
    return known(path)._replace(gone=at)


def test_a_new_post_has_its_own_id() -> None:
    """No identity is stored for it, so it is not an update either."""
    assert identify(head(), None, NOW) == Identity(
        path="_posts/a.md", id="https://x/a", text_digest="t", updated=None
    )


def test_the_first_id_is_kept_when_the_address_changes() -> None:
    """With https, a new domain or other permalinks, readers show no entry twice."""
    assert identify(head(id="https://new/a"), known(), NOW).id == "https://old/a"


def test_front_matters_own_id_wins() -> None:
    """An id that the author sets replaces the stored one."""
    assert identify(head(id="tag:me", own_id=True), known(), NOW).id == "tag:me"


def test_a_changed_text_is_updated_now_in_whole_seconds() -> None:
    """`updated` is when the new text was first seen; the same text again doesn't change it."""
    changed = identify(head(text_digest="new"), known(), NOW)
    assert changed.updated == NOW.replace(microsecond=0)
    assert identify(head(text_digest="new"), changed, NOW.replace(year=2027)) == changed


def test_updated_never_goes_backwards() -> None:
    """Even if the machine's clock is set back."""
    changed = identify(head(text_digest="new"), known(), NOW)
    again = identify(head(text_digest="newer"), changed, NOW.replace(year=2020))
    assert (again.text_digest, again.updated) == ("newer", changed.updated)


def test_front_matters_updated_wins() -> None:
    """`last_modified_at` replaces the date we saw the change."""
    updated = datetime(2026, 2, 2, tzinfo=UTC)
    seen = identify(head(text_digest="new"), known(), NOW)
    assert with_identity(head(updated=updated), seen).updated == updated
    assert with_identity(head(), seen).updated == NOW.replace(microsecond=0)


def test_a_change_before_publication_is_no_update() -> None:
    """A future post that was edited is published as new, not as changed."""
    future = head(text_digest="new", published=datetime(2026, 12, 1, tzinfo=UTC))
    assert with_identity(future, identify(future, known(), NOW)).updated is None
    assert with_identity(head(), known()).updated is None
    just = values.PUBLISHED
    assert with_identity(head(), known()._replace(updated=just)).updated is None
    assert with_identity(head(), known()._replace(updated=just + seconds(1))).updated


def test_a_renamed_post_keeps_its_identity() -> None:
    """A rename is one path gone and a new one with the same text."""
    assert renamed([head("b.md")], [gone("a.md")]) == {"b.md": gone("a.md")}


def test_posts_that_swap_names() -> None:
    """A post whose path still exists was renamed only if another post took the path.

    Otherwise its text was edited.
    """
    a, b = (known(f"{name}.md", text=name) for name in "ab")
    went = a._replace(path="gone.md", gone=NOW)
    assert renamed([head("a.md", text_digest="b"), head("b.md", text_digest="a")], [a, b]) == {
        "a.md": b,
        "b.md": a,
    }
    assert renamed([head("a.md", text_digest="b"), head("b.md", text_digest="new")], [a, b]) == {}
    assert renamed([head("b.md", text_digest="new"), head("c.md", text_digest="b")], [b]) == {}
    assert renamed([head("b.md", text_digest="a"), head("c.md", text_digest="b")], [b, went]) == {
        "b.md": went,
        "c.md": b,
    }
    assert renamed([head("b.md", text_digest="a")], [b, went]) == {}
    assert renamed([head("b.md", text_digest="a"), head("c.md", text_digest="a")], [b, went]) == {
        "c.md": went
    }


def test_a_copy_is_a_new_post() -> None:
    """Of two new paths with the text of a removed post, one continues it; the other is new."""
    assert renamed([head("b.md"), head("c.md")], [gone("a.md")]) == {"b.md": gone("a.md")}
    assert renamed([head("b.md")], []) == {}
    assert renamed([head("b.md", text_digest="other")], [gone("a.md")]) == {}


def test_of_two_removed_posts_the_last_is_continued() -> None:
    """It is more likely to have been renamed. Of two removed at once, it is the first path."""
    early, late = gone("a.md", NOW.replace(hour=10)), gone("b.md", NOW.replace(hour=11))
    assert (
        renamed([head("c.md")], [late, early])
        == renamed([head("c.md")], [early, late])
        == {"c.md": late}
    )
    at_once = [gone("a.md"), gone("b.md")]
    assert renamed([head("c.md")], at_once) == {"c.md": at_once[0]}
    assert renamed([head("c.md")], at_once[::-1]) == {"c.md": at_once[0]}


def test_two_posts_never_share_an_id() -> None:
    """The first keeps it. The other gets a suffixed one, and a problem while both exist."""
    holders = {"https://x/a": "_posts/a.md"}
    assert conflict(head(), known(id="https://x/a"), holders) is None
    second, path = head("_posts/2026-01-02-b.md"), "_posts/2026-01-02-b.md"
    for id in ("https://x/a", "https://x/a#2026-01-02-b"):
        problem = conflict(second, known(path, id), holders)
        assert str(problem) == "_posts/2026-01-02-b.md: has the same id as _posts/a.md: https://x/a"
        assert conflict(second, known(path, id), {}) is None
    moved = head(path, id="https://x/moved")
    assert conflict(moved, known(path, "https://x/a"), holders)
    assert conflict(second, known(path, "https://x/moved"), holders) is None
    assert suffixed_ids(known(path, "x"))[:3] == ["x#2026-01-02-b", f"x#{path}", f"x#{path}~2"]


def test_a_suffixed_id_is_kept() -> None:
    """Also under another path, and when the plain id is free again."""
    own = head("_posts/c.md", id="tag:x", own_id=True)
    assert identify(own, known("_posts/c.md", id="tag:x#b"), NOW).id == "tag:x#b"


ONE_HOUR_AGO = NOW - seconds(3600)


def went(path: str, **fields: Any) -> Identity:
    """The identity of a post whose file is gone."""
    return identity(path, gone=ONE_HOUR_AGO, **fields)


@pytest.mark.parametrize(
    ("files", "stored", "removed", "continued", "displaced"),
    [
        pytest.param("a b", "a", "", "", "", id="a new text is a new post"),
        pytest.param("b:a", "", "a", "b<a", "", id="its file is gone"),
        pytest.param("a:new b:a", "a", "", "", "", id="an edited post is not renamed"),
        pytest.param("a:b b:a", "a b", "", "a<b b<a", "", id="two swap names"),
        pytest.param("a:c b:a c:b", "a b c", "", "a<c b<a c<b", "", id="three in a circle"),
        pytest.param("b:a c:b d:c", "b c", "a", "b<a c<b d<c", "", id="each moves on by one"),
        pytest.param("a:b b:a d:c", "a b", "c", "a<b b<a d<c", "", id="a swap and a new name"),
        pytest.param("a:b b:new", "a b", "", "", "", id="one was edited to the other's text"),
        pytest.param("b:a c:b", "b", "a", "b<a c<b", "", id="one takes the other's name"),
        pytest.param("b:a", "b", "a", "", "", id="an edit to the text of a removed post"),
        pytest.param("b:a", "b:b:gone", "a", "b<a", "b", id="the name of a removed post"),
        pytest.param("b c:b", "b:b:gone", "b", "", "", id="a post that returned stays itself"),
        pytest.param("b:new c:b", "b:b:gone", "b", "", "", id="also with another text"),
        pytest.param("b:new c:b", "b:b:gone", "", "", "", id="or if it is not looked up"),
        pytest.param("a a2:a", "a", "", "", "", id="a copy beside the post"),
    ],
)
def test_which_posts_of_a_run_are_renamed_ones(
    files: str, stored: str, removed: str, continued: str, displaced: str
) -> None:
    """A post continues an identity whose file is gone, or whose post was renamed in this run.

    The identity of a post whose path it takes is kept under a path that no file has. One that is
    continued counts as gone: it is stored anew, under its new path.
    """
    known = {}
    for each in stored.split():
        path, _, rest = each.partition(":")
        known[path] = went(path) if rest else identity(path)
    heads = {}
    for each in files.split():
        path, _, text = each.partition(":")
        heads[path] = values.head(path, text_digest=text or path)
    renames = follow_renames(heads, known, [went(path) for path in removed.split()], NOW)
    pairs = dict(each.split("<") for each in continued.split())
    assert {path: old.id for path, old in renames.continued.items()} == pairs
    assert all(old.path == path and old.gone for path, old in renames.continued.items())
    assert renames.left == {*pairs.values()}
    assert renames.displaced == tuple(known[path]._replace(path=f"{path}/") for path in displaced)


def test_a_continued_identity_keeps_when_its_file_went() -> None:
    """The last one removed is continued; one that was renamed in this run went now."""
    heads = {"b": values.head("b", text_digest="a"), "d": values.head("d", text_digest="c")}
    heads["c"] = values.head("c", text_digest="new")
    stored = {"c": identity("c")}
    renames = follow_renames(heads, stored, [went("a")], NOW)
    assert {path: old.gone for path, old in renames.continued.items()} == {"b": ONE_HOUR_AGO}
    swapped = {"a": values.head("a", text_digest="c"), "c": values.head("c", text_digest="a")}
    stored = {"a": identity("a"), "c": identity("c")}
    renames = follow_renames(swapped, stored, [], NOW)
    assert {path: old.gone for path, old in renames.continued.items()} == {"a": NOW, "c": NOW}


def test_posts_claim_the_ids_that_they_had() -> None:
    """A renamed post has that of its old path; a hidden one, which has no head, keeps its own."""
    heads = {
        "new": values.head("new"),
        "to": values.head("to", text_digest="from"),
        "old": values.head("old", id="x"),
    }
    stored = {"old": identity("old"), "to": identity("to"), "hidden": identity("hidden", id="h")}
    continued = {"to": went("to", id="from", text_digest="from")}
    claims = claim(heads, stored, continued, NOW)
    assert claims.heads == heads
    assert claims.known == stored | continued
    assert {path: one.id for path, one in claims.wanted.items()} == {
        "new": "new",
        "to": "from",
        "old": "old",
    }
    assert claims.hidden == {"hidden": "h"}
    assert claims.ids == {"new", "to", "from", "old", "x", "h"}


def claims_of(**posts: str) -> Claims:
    """The claims of posts by path: `new`, `known` or `hidden`, its id, and its plain one."""
    heads, known, wanted, hidden = {}, {}, {}, {}
    for path, claimed in posts.items():
        state, id, *plain = claimed.split()
        if state != "new":
            known[path] = identity(path, id=id)
        if state == "hidden":
            hidden[path] = id
        else:
            heads[path] = values.head(path, id=plain[0] if plain else id)
            wanted[path] = identity(path, id=id)
    return Claims(heads=heads, known=known, wanted=wanted, hidden=hidden)


@pytest.mark.parametrize(
    ("posts", "holders", "ids", "conflicts"),
    [
        pytest.param({"a": "new x"}, {}, {"a": "x"}, "", id="a free id"),
        pytest.param({"a": "known x"}, {"x": "a"}, {"a": "x"}, "", id="its own id"),
        pytest.param({"a": "new x"}, {"x": "z"}, {"a": "x#a"}, "a", id="the index has it"),
        pytest.param(
            {"a": "new x", "b": "new x"}, {}, {"a": "x", "b": "x#b"}, "b", id="the first new one"
        ),
        pytest.param(
            {"a": "new x", "b": "known x"}, {}, {"a": "x#a", "b": "x"}, "a", id="known before new"
        ),
        pytest.param(
            {"a": "new x", "h": "hidden x"}, {}, {"a": "x#a", "h": "x"}, "a", id="hidden before new"
        ),
        pytest.param(
            {"a": "known x", "b": "known x"},
            {"x": "b"},
            {"a": "x#a", "b": "x"},
            "a",
            id="the index has it for a later one",
        ),
        pytest.param(
            {"a": "known x", "h": "hidden x"}, {}, {"a": "x"}, "", id="known before hidden"
        ),
        pytest.param({"h": "hidden x"}, {"x": "z"}, {}, "", id="hidden, and taken meanwhile"),
        pytest.param({"h": "hidden x"}, {"x": "h"}, {"h": "x"}, "", id="hidden, and still its own"),
        pytest.param(
            {"a": "known y", "b": "known x"},
            {"x": "a", "y": "b"},
            {"a": "y", "b": "x"},
            "",
            id="two exchange their ids",
        ),
        pytest.param(
            {"a/w": "new x", "b/w": "new x", "c/w": "new x"},
            {},
            {"a/w": "x", "b/w": "x#w", "c/w": "x#c/w"},
            "b/w c/w",
            id="three files of one name",
        ),
        pytest.param(
            {"a": "new x"}, {"x": "z", "x#a": "z"}, {"a": "x#a~2"}, "a", id="suffixed is taken too"
        ),
        pytest.param(
            {"a": "known x"}, {"x": "z", "x#a": "a"}, {"a": "x#a"}, "a", id="suffixed is its own"
        ),
        pytest.param(
            {"a": "known x#a x"}, {"x": "z", "x#a": "a"}, {"a": "x#a"}, "a", id="suffixed before"
        ),
        pytest.param(
            {"a": "new x", "b": "known y"},
            {"x": "z", "x#a": "b"},
            {"a": "x#a~2", "b": "y"},
            "a",
            id="suffixed is given up now",
        ),
        pytest.param(
            {"b": "known x#a", "a": "new x"},
            {"x": "z"},
            {"a": "x#a~2", "b": "x#a"},
            "a",
            id="suffixed is wanted by another",
        ),
    ],
)
def test_each_post_gets_an_id_of_its_own(
    posts: dict[str, str], holders: dict[str, str], ids: dict[str, str], conflicts: str
) -> None:
    """The order is known posts, hidden ones, new ones. Who comes late gets a suffixed id.

    An id is free if its holder in the index wants another now. A suffixed one is not free yet.
    """
    claims = claims_of(**posts)
    given = assign(claims, holders)
    assert {path: one.id for path, one in given.identities.items()} | given.hidden_ids == ids
    assert given.hidden_ids.keys() <= claims.hidden.keys()
    assert given.conflicts.keys() == {*conflicts.split()}
    assert given.suffixed == {
        path for path, one in claims.wanted.items() if given.identities[path] != one
    }


@pytest.mark.parametrize(
    ("posts", "holders", "plain"),
    [
        ({"a": "new x"}, {}, ""),
        ({"a": "known x"}, {"x": "a"}, ""),
        ({"a": "new x"}, {"x": "z"}, "a"),
        ({"a": "new x", "b": "known x", "c": "new y"}, {}, "ab"),
        ({"a": "new x", "h": "hidden x"}, {}, "a"),
        ({"a": "new x", "b": "new x#a", "c": "new x#a~2"}, {"x": "z"}, "abc"),
        ({"a": "new x", "b": "new x#a", "c": "new x#a#b"}, {"x": "z"}, "abc"),
    ],
)
def test_the_suffixed_ids_to_look_up(
    posts: dict[str, str], holders: dict[str, str], plain: str
) -> None:
    """Those of each post whose id another holds or wants, or may be given as a suffixed one."""
    claims = claims_of(**posts)
    expected = {id for path in plain for id in suffixed_ids(claims.wanted[path])}
    assert suffixed_candidates(claims, holders) == expected


def test_what_readers_saw_is_recalled() -> None:
    """A post that only the state does not know keeps its id and its date, before new posts."""
    heads = {path: head(path, id=f"https://x/{path}") for path in ("a.md", "b.md")}
    seen = {"b.md": ShownEntry(id="https://x/a.md", url="https://x/b/", updated=NOW)}
    recalled = recall(heads, {}, seen, NOW)
    assigned = assign(claim(heads, {}, recalled, NOW), {})
    assert {path: (one.id, one.updated) for path, one in assigned.identities.items()} == {
        "b.md": ("https://x/a.md", NOW),
        "a.md": ("https://x/a.md#a", None),
    }
    assert all(one.gone is None for one in assigned.identities.values())


def test_an_id_that_is_no_uri_is_recalled_as_it_was() -> None:
    """Feeds have a URI that is made of it. The author's own id wins over any other."""
    post = head("a.md", id="12")
    seen = ShownEntry(id=entry_id("12"), url="https://x/a/", updated=None)
    assert recall({"a.md": post}, {}, {"a.md": seen}, NOW)["a.md"].id == "12"
    own = {"a.md": head("a.md", id="tag:me", own_id=True)}
    claims = claim(own, {}, recall(own, {}, {"a.md": seen}, NOW), NOW)
    assert assign(claims, {}).identities["a.md"].id == "tag:me"


@pytest.mark.parametrize(
    ("before", "shown_id", "shown_at", "expected"),
    [
        (None, "https://old/a", NOW, NOW),
        (NOW - seconds(9), "https://old/a", NOW, NOW),
        (NOW, "https://old/a", NOW, None),
        (None, "https://old/a", None, None),
        (None, "https://x/other", NOW, None),
    ],
)
def test_an_update_that_readers_saw_is_recalled(
    before: datetime | None, shown_id: str, shown_at: datetime | None, expected: datetime | None
) -> None:
    """If it is of this post, and later than what the state knows. Else the text changes now."""
    stored = {"_posts/a.md": known()._replace(updated=before)}
    seen = ShownEntry(id=shown_id, url="https://x/a/", updated=shown_at)
    heads = {"_posts/a.md": head(text_digest="new")}
    recalled = recall(heads, stored, {"_posts/a.md": seen}, NOW)
    later = NOW + seconds(60)
    found = assign(claim(heads, stored, recalled, later), {}).identities["_posts/a.md"]
    assert (found.id, found.updated) == ("https://old/a", expected or later.replace(microsecond=0))


def test_new_posts_may_be_held() -> None:
    """A known one is not new, unless no feed has shown it; such a post is not updated either."""
    assert not identify(head(), None, NOW, holds=True).shown
    assert identify(head(), known(), NOW, holds=True).shown
    held = known()._replace(shown=False)
    edited = identify(head(text_digest="new"), held, NOW, holds=True)
    assert edited == held._replace(text_digest="new")
    assert identify(head(), held, NOW).shown, "new posts are held no longer"
