"""The lasting id of a post, its renames, and when it was last updated."""

from datetime import UTC, datetime

from syndicator.build.identity import conflict, identify, renamed, suffixed_ids, with_identity
from syndicator.model.content import Identity, PostHead

NOW = datetime(2026, 5, 1, 12, 0, 0, 999, tzinfo=UTC)
PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)


def head(
    path: str = "_posts/a.md", id: str = "https://x/a", text: str = "t", **more: object
) -> PostHead:
    values: dict[str, object] = {
        "path": path,
        "id": id,
        "own_id": False,
        "url": "https://x/a/",
        "title": "A",
        "published": PUBLISHED,
        "updated": None,
        "terms": (),
        "text_digest": text,
    }
    return PostHead(**(values | more))  # type: ignore[arg-type]


def known(path: str = "_posts/a.md", id: str = "https://old/a", text: str = "t") -> Identity:
    return Identity(path=path, id=id, text_digest=text, updated=None)


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
    changed = identify(head(text="new"), known(), NOW)
    assert changed.updated == NOW.replace(microsecond=0)
    assert identify(head(text="new"), changed, NOW.replace(year=2027)) == changed


def test_updated_never_goes_backwards() -> None:
    """Even if the machine's clock is set back."""
    changed = identify(head(text="new"), known(), NOW)
    again = identify(head(text="newer"), changed, NOW.replace(year=2020))
    assert (again.text_digest, again.updated) == ("newer", changed.updated)


def test_front_matters_updated_wins() -> None:
    """`last_modified_at` replaces the date we saw the change."""
    updated = datetime(2026, 2, 2, tzinfo=UTC)
    seen = identify(head(text="new"), known(), NOW)
    assert with_identity(head(updated=updated), seen).updated == updated
    assert with_identity(head(), seen).updated == NOW.replace(microsecond=0)


def test_a_change_before_publication_is_no_update() -> None:
    """A future post that was edited is published as new, not as changed."""
    future = head(text="new", published=datetime(2026, 12, 1, tzinfo=UTC))
    assert with_identity(future, identify(future, known(), NOW)).updated is None


def test_a_renamed_post_keeps_its_identity() -> None:
    """A rename is one path gone and a new one with the same text."""
    assert renamed([head("b.md")], [gone("a.md")]) == {"b.md": gone("a.md")}


def test_posts_that_swap_names() -> None:
    """A post whose path still exists was renamed only if another post took the path.

    Otherwise its text was edited.
    """
    a, b = (known(f"{name}.md", text=name) for name in "ab")
    went = a._replace(path="gone.md", gone=NOW)
    assert renamed([head("a.md", text="b"), head("b.md", text="a")], [a, b]) == {
        "a.md": b,
        "b.md": a,
    }
    assert renamed([head("a.md", text="b"), head("b.md", text="new")], [a, b]) == {}
    assert renamed([head("b.md", text="new"), head("c.md", text="b")], [b]) == {}
    assert renamed([head("b.md", text="a"), head("c.md", text="b")], [b, went]) == {
        "b.md": went,
        "c.md": b,
    }
    assert renamed([head("b.md", text="a")], [b, went]) == {}
    assert renamed([head("b.md", text="a"), head("c.md", text="a")], [b, went]) == {"c.md": went}


def test_a_copy_is_a_new_post() -> None:
    """Of two new paths with the text of a removed post, one continues it; the other is new."""
    assert renamed([head("b.md"), head("c.md")], [gone("a.md")]) == {"b.md": gone("a.md")}
    assert renamed([head("b.md")], []) == {}
    assert renamed([head("b.md", text="other")], [gone("a.md")]) == {}


def test_of_two_removed_posts_the_last_is_continued() -> None:
    """It is more likely to have been renamed."""
    early, late = gone("a.md", NOW.replace(hour=10)), gone("b.md", NOW.replace(hour=11))
    assert (
        renamed([head("c.md")], [late, early])
        == renamed([head("c.md")], [early, late])
        == {"c.md": late}
    )


def test_two_posts_never_share_an_id() -> None:
    """The first keeps it. The other gets a suffixed one, and a problem while both exist."""
    holders = {"https://x/a": "_posts/a.md"}
    assert conflict(head(), known(id="https://x/a"), holders) is None
    second, path = head("_posts/2026-01-02-b.md"), "_posts/2026-01-02-b.md"
    for id in ("https://x/a", "https://x/a#2026-01-02-b"):
        problem = conflict(second, known(path, id), holders)
        assert str(problem) == "_posts/2026-01-02-b.md: has the same id as _posts/a.md: https://x/a"
        assert conflict(second, known(path, id), {}) is None
    assert suffixed_ids(known(path, "x"))[:3] == ["x#2026-01-02-b", f"x#{path}", f"x#{path}~2"]


def test_a_suffixed_id_is_kept() -> None:
    """Also under another path, and when the plain id is free again."""
    own = head("_posts/c.md", id="tag:x", own_id=True)
    assert identify(own, known("_posts/c.md", id="tag:x#b"), NOW).id == "tag:x#b"
