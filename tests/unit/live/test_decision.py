"""What becomes of a post whose page is awaited, and when its page is asked for."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from syndicator.live.decision import (
    GIVEN_UP_AFTER,
    LONGEST,
    SHORTEST,
    Changes,
    Decision,
    changes,
    decide,
    due,
    next_look,
    next_request,
)
from syndicator.model.awaited import WHEN_SAVED, AwaitedPage, LiveRules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)

PUBLISH = LiveRules(wanted=True, patience=HOUR)
HOLD = replace(PUBLISH, publish_late=False)

#: A post that was saved just now.
PAGE = AwaitedPage(
    path="_posts/a.md",
    url="https://news.example/a/",
    published=NOW - 3 * HOUR,
    since=NOW,
    held=True,
)

WAITS = Decision(out=False, late=False, until=NOW + HOUR)
OUT = Decision(out=True, late=False, until=None)
LATE = Decision(out=True, late=True, until=NOW + HOUR + GIVEN_UP_AFTER)


@pytest.mark.parametrize(
    ("page", "after", "rules", "decision"),
    [
        pytest.param({}, 0 * HOUR, PUBLISH, WAITS, id="it waits"),
        pytest.param({}, HOUR - SECOND, HOLD, WAITS, id="until patience is over"),
        pytest.param({"live": True}, 0 * HOUR, HOLD, OUT, id="its page is live"),
        pytest.param({}, 0 * HOUR, WHEN_SAVED, OUT, id="no page is awaited any more"),
        pytest.param({}, HOUR, PUBLISH, LATE, id="it goes out late"),
        pytest.param({"held": False}, HOUR, PUBLISH, LATE, id="and is a problem then"),
        pytest.param({"held": False}, 0 * HOUR, HOLD, LATE, id="it is not taken back"),
        pytest.param({"held": False}, HOUR + GIVEN_UP_AFTER, PUBLISH, OUT, id="for a week"),
        pytest.param({}, HOUR, HOLD, Decision(out=False, late=True, until=None), id="it is held"),
        pytest.param({"live": True, "late": True}, 9 * HOUR, HOLD, OUT, id="live at last"),
        pytest.param(
            {"since": NOW + 9 * HOUR},
            0 * HOUR,
            HOLD,
            WAITS,
            id="the clock was set back since it was saved",
        ),
        pytest.param(
            {"since": NOW + 9 * HOUR, "published": NOW + 9 * HOUR},
            0 * HOUR,
            HOLD,
            replace(WAITS, until=NOW + 10 * HOUR),
            id="a future post",
        ),
    ],
)
def test_what_becomes_of_a_post(
    page: dict[str, object], after: timedelta, rules: LiveRules, decision: Decision
) -> None:
    assert decide(replace(PAGE, **page), NOW + after, rules) == decision  # type: ignore[arg-type]


def test_what_a_run_has_to_do() -> None:
    """Posts go out once, and a post is found late once."""
    pages = {
        "waiting": PAGE,
        "live": replace(PAGE, live=True),
        "late": replace(PAGE, since=NOW - 2 * HOUR),
        "late and out": replace(PAGE, since=NOW - 2 * HOUR, late=True, held=False),
        "in time again": replace(PAGE, late=True),
        "given up": replace(PAGE, since=NOW - 2 * GIVEN_UP_AFTER, late=True, held=False),
    }
    found = [replace(page, path=name) for name, page in pages.items()]
    assert changes(found, NOW, PUBLISH) == Changes(
        out=frozenset({"live", "late"}),
        over=frozenset({"live", "given up"}),
        late=frozenset({"late"}),
        on_time=frozenset({"in time again"}),
    )
    out_late = replace(PAGE, path="other", late=True, held=False)
    assert not changes([PAGE, out_late], NOW, PUBLISH)


def test_of_too_many_posts_the_newest_wait() -> None:
    """An import is not news: what is older goes out at once. Late posts are not counted."""
    late = replace(PAGE, path="late", since=NOW - 2 * HOUR, late=True)
    newest_first = [late, *(replace(PAGE, path=f"{number}") for number in range(4))]
    found = changes(newest_first, NOW, HOLD, most=3)
    assert found == Changes(out=frozenset({"3"}), over=frozenset({"3"}))


def test_requests_become_rarer() -> None:
    """A page is found late by a fifth of its wait at most, and an hour has few requests."""
    page, times = PAGE, [NOW]
    while times[-1] < NOW + 48 * HOUR:
        page = replace(page, asked=times[-1])
        times.append(next_request(page, times[-1]))
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (SHORTEST, LONGEST)
    assert all(
        wait <= max(SHORTEST, (time - NOW) / 5)
        for time, wait in zip(times[:-1], waits, strict=True)
    )
    assert sum(time <= NOW + HOUR for time in times) < 45


def test_who_is_asked_first() -> None:
    """Pages never asked for, then those asked longest ago; not those that are not due."""
    pages = {
        "live": replace(PAGE, live=True),
        "future": replace(PAGE, since=NOW + HOUR, published=NOW + HOUR),
        "just asked": replace(PAGE, asked=NOW + SECOND),
        "asked last": replace(PAGE, asked=NOW + 3 * SECOND),
        "asked first": replace(PAGE, asked=NOW + 2 * SECOND),
        "new": PAGE,
    }
    found = [replace(page, path=name) for name, page in pages.items()]
    later = NOW + 6 * SECOND
    names = [page.path for page in due(found, later)]
    assert names == ["new", "just asked", "asked first", "asked last"]
    at_once = NOW + 3 * SECOND
    assert [page.path for page in due(found, at_once)] == ["new", "just asked"]
    seen_live = [page.path for page in due(found, at_once, seen_live=at_once)]
    assert seen_live == ["new", "just asked", "asked first"], "a site is published as a whole"
    assert next_request(replace(PAGE, asked=NOW + HOUR), NOW) == NOW, "the clock was set back"


def test_the_next_look() -> None:
    """At the next request, or when a post becomes late."""
    soon_late = replace(PAGE, since=NOW - HOUR + SECOND, asked=NOW)
    assert next_look([PAGE, soon_late], NOW, PUBLISH) == NOW
    assert next_look([soon_late], NOW, PUBLISH) == NOW + SECOND
    assert next_look([replace(PAGE, live=True)], NOW, PUBLISH) is None
