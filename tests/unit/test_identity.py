"""Who a post is, for ever, and when it last changed."""

from datetime import UTC, datetime

from syndicator.identity import distinct, identify, renamed, settled
from syndicator.model import Identity, PostHead

NOW = datetime(2026, 5, 1, 12, 0, 0, 999, tzinfo=UTC)
PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)


def head(path: str = "_posts/a.md", id: str = "https://x/a", text: str = "t", **more: object) -> PostHead:
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


def test_a_new_post_is_who_it_says() -> None:
    """Nothing is known of it, so it is not an update either."""
    assert identify(head(), None, NOW) == Identity(path="_posts/a.md", id="https://x/a", text_digest="t", updated=None)


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
    assert settled(head(updated=said), seen).updated == said
    assert settled(head(), seen).updated == NOW.replace(microsecond=0)


def test_a_change_before_publication_is_no_update() -> None:
    """A post that was worked on while it waited appears as new, not as changed."""
    waiting = head(text="new", published=datetime(2026, 12, 1, tzinfo=UTC))
    assert settled(waiting, identify(waiting, known(), NOW)).updated is None


def test_a_rename_is_one_gone_and_one_come_with_the_same_text() -> None:
    """The new path continues the old identity."""
    assert renamed([head("b.md")], [known("a.md")]) == {"b.md": known("a.md")}


def test_a_copy_is_a_new_post() -> None:
    """Of two that came, one continues the one that left; the other is new."""
    assert renamed([head("b.md"), head("c.md")], [known("a.md")]) == {"b.md": known("a.md")}
    assert renamed([head("b.md")], []) == {}
    assert renamed([head("b.md", text="other")], [known("a.md")]) == {}


def test_two_posts_never_share_an_id() -> None:
    """The one that has it keeps it; the other gets one of its own, and a problem that names both."""
    mine, fine = distinct(known(), {"https://old/a": "_posts/a.md"})
    other, problem = distinct(known("_posts/2026-01-02-b.md"), {"https://old/a": "_posts/a.md"})
    assert (mine.id, fine) == ("https://old/a", None)
    assert other.id == "https://old/a#2026-01-02-b"
    assert problem is not None
    assert str(problem) == "_posts/2026-01-02-b.md: has the same id as _posts/a.md: https://old/a"
