"""Who a post is, for ever, and when it last changed."""

from datetime import UTC, datetime

from syndicator.build.identity import conflict, identify, next_free_id, renamed, with_identity
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


def test_a_new_post_is_who_it_says() -> None:
    """Nothing is known of it, so it is not an update either."""
    assert identify(head(), None, NOW) == Identity(
        path="_posts/a.md", id="https://x/a", text_digest="t", updated=None
    )


def test_the_first_id_is_kept_when_the_address_changes() -> None:
    """http to https, a new domain, another permalink style: readers see nothing twice."""
    assert identify(head(id="https://new/a"), known(), NOW).id == "https://old/a"


def test_front_matters_own_id_wins() -> None:
    """The author's word is final."""
    assert identify(head(id="tag:me", own_id=True), known(), NOW).id == "tag:me"


def test_a_changed_text_is_updated_now_in_whole_seconds() -> None:
    """The moment we first saw it; the same text again leaves the moment as it is."""
    changed = identify(head(text="new"), known(), NOW)
    assert changed.updated == NOW.replace(microsecond=0)
    assert identify(head(text="new"), changed, NOW.replace(year=2027)) == changed


def test_a_clock_that_is_set_back_sets_no_update_back() -> None:
    """An entry's `updated` never goes backwards, whatever the machine's clock does."""
    changed = identify(head(text="new"), known(), NOW)
    again = identify(head(text="newer"), changed, NOW.replace(year=2020))
    assert (again.text_digest, again.updated) == ("newer", changed.updated)


def test_front_matters_updated_wins_over_what_we_saw() -> None:
    """`last_modified_at` is the author's word."""
    said = datetime(2026, 2, 2, tzinfo=UTC)
    seen = identify(head(text="new"), known(), NOW)
    assert with_identity(head(updated=said), seen).updated == said
    assert with_identity(head(), seen).updated == NOW.replace(microsecond=0)


def test_a_change_before_publication_is_no_update() -> None:
    """A post that was worked on while it waited appears as new, not as changed."""
    waiting = head(text="new", published=datetime(2026, 12, 1, tzinfo=UTC))
    assert with_identity(waiting, identify(waiting, known(), NOW)).updated is None


def test_a_rename_is_one_gone_and_one_come_with_the_same_text() -> None:
    """The new path continues the old identity."""
    assert renamed([head("b.md")], [gone("a.md")]) == {"b.md": gone("a.md")}


def test_posts_change_places_as_a_whole() -> None:
    """Of a post that is still there: it went elsewhere, and another came. Else its text was edited, and not renamed."""
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
    """Of two that came, one continues the one that left; the other is new."""
    assert renamed([head("b.md"), head("c.md")], [gone("a.md")]) == {"b.md": gone("a.md")}
    assert renamed([head("b.md")], []) == {}
    assert renamed([head("b.md", text="other")], [gone("a.md")]) == {}


def test_of_two_that_left_the_last_is_continued() -> None:
    """It is the one more likely to have been renamed."""
    early, late = gone("a.md", NOW.replace(hour=10)), gone("b.md", NOW.replace(hour=11))
    assert (
        renamed([head("c.md")], [late, early])
        == renamed([head("c.md")], [early, late])
        == {"c.md": late}
    )


def test_two_posts_never_share_an_id() -> None:
    """The one that has it keeps it; the other gets one of its own, and a problem that names both while both are."""
    holders = {"https://x/a": "_posts/a.md"}
    assert conflict(head(), known(id="https://x/a"), holders) is None
    second, path = head("_posts/2026-01-02-b.md"), "_posts/2026-01-02-b.md"
    for id in ("https://x/a", "https://x/a#2026-01-02-b"):
        problem = conflict(second, known(path, id), holders)
        assert str(problem) == "_posts/2026-01-02-b.md: has the same id as _posts/a.md: https://x/a"
        assert conflict(second, known(path, id), {}) is None
    assert next_free_id(known(path, "x"))[:3] == ["x#2026-01-02-b", f"x#{path}", f"x#{path}~2"]


def test_an_id_that_was_set_apart_is_kept() -> None:
    """Whatever the post is called later, and though nobody holds the other any more."""
    own = head("_posts/c.md", id="tag:x", own_id=True)
    assert identify(own, known("_posts/c.md", id="tag:x#b"), NOW).id == "tag:x#b"
