"""The page of `syndicator status`: times, sizes and queued jobs."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from syndicator.cli.status_page import (
    HELD_LINES,
    ago,
    size,
    status_lines,
    subscription_lines,
    time_of,
)
from syndicator.ops.held_posts import HeldPost
from syndicator.ops.status import Status
from syndicator.store.audiences import Audience, Subscriber
from syndicator.store.hubs import HubState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HUB = HubState(
    url="https://hub.example/",
    waiting=2,
    given_up=0,
    next_try=NOW - timedelta(seconds=3),
    last_success=None,
    last_failure=NOW - timedelta(minutes=1),
    error="it answered 503",
    fetched=None,
)
STATUS = Status(
    version="1",
    daemon=None,
    since=None,
    url="https://example.com/",
    polled=None,
    state="/var/state.db",
    state_bytes=1,
    output="/srv/feeds",
    output_bytes=1,
    archive_pages=0,
    archive_waiting=0,
    archive_bytes=0,
    disk_free_bytes=1,
    state_free_bytes=1,
    posts=1,
    waiting=None,
    held=(),
    future=(),
    future_posts=0,
    runs=(),
    last_run=None,
    last_failure=None,
    feeds=(),
    problems=(),
    notes=(),
    hubs=(HUB,),
    queued={"ping": 2, "verify": 0, "deliver": 1, "deny": 0},
    given_up={"ping": 1, "verify": 0, "deliver": 0, "deny": 0},
    queued_since=NOW,
    next_try=NOW - timedelta(seconds=3),
    subscribers=0,
    audiences={},
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (-1, "1 second ago"),
        (-150, "2 minutes ago"),
        (7200, "in 2 hours"),
        (-2 * 86400, "2 days ago (2026-04-29 12:00 UTC)"),
    ],
)
def test_relative_times(seconds: int, text: str) -> None:
    """The largest unit is shown, and the date from a day on."""
    assert ago(NOW + timedelta(seconds=seconds), NOW) == text


def test_times_of_day() -> None:
    """The date is shown unless it is today."""
    assert time_of(NOW, NOW) == "12:00:00 UTC"
    assert time_of(NOW - timedelta(days=1), NOW) == "2026-04-30 12:00:00 UTC"


@pytest.mark.parametrize(
    ("length", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**50, "1024.0 TiB")]
)
def test_sizes(length: int, text: str) -> None:
    """Bytes are shown in the largest fitting unit."""
    assert size(length) == text


def test_queued_jobs() -> None:
    """Jobs are counted by kind and hub. An overdue job is due now, not in the past."""
    page = list(status_lines(STATUS, (), NOW))
    assert "Queued: 2 pings, 1 delivery; next attempt now" in page
    assert "Given up: 1 ping; the feed's next change queues new ones" in page
    start = page.index("  https://hub.example/: 2 pings queued")
    assert page[start + 1 : start + 3] == [
        "    failed 1 minute ago: it answered 503",
        "    next attempt now",
    ]


@pytest.mark.parametrize(
    ("failing", "line"),
    [
        ((0, 0), "Subscribers of our own hub:"),
        (
            (1000, 2),
            "Subscribers of our own hub: deliveries to 1,002 fail, see syndicator hub list",
        ),
    ],
)
def test_subscribers_that_fail(failing: tuple[int, int], line: str) -> None:
    """How many they are in all, and which command lists them."""
    audiences = {
        f"https://example.com/{number}.atom": Audience(
            subscribers=2000, failing=number, last_success=NOW, last_failure=NOW
        )
        for number in failing
    }
    assert line in status_lines(replace(STATUS, audiences=audiences), (), NOW)


@pytest.mark.parametrize(
    ("pages", "waiting", "line"),
    [
        (0, 0, None),
        (1, 0, "  archive 1 page, 1.5 KiB"),
        (1200, 3, "  archive 1,200 pages, 1.5 KiB; 3 posts not in place yet"),
    ],
)
def test_archives(pages: int, waiting: int, line: str | None) -> None:
    """A line of their own, if there are any."""
    status = replace(STATUS, archive_pages=pages, archive_waiting=waiting, archive_bytes=1536)
    lines = status_lines(status, (), NOW)
    assert [each for each in lines if "archive" in each] == ([line] if line else [])


def test_a_stopped_daemon_serves_nothing() -> None:
    """The page names the feeds' address, and claims nothing about who serves it."""
    lines = list(status_lines(STATUS, (), NOW))
    assert lines[:2] == ["syndicator 1, not running", "  feeds   https://example.com/"]


def test_posts_that_wait_for_their_page() -> None:
    """Each with its wait and the last answer; of many, the newest."""
    late = HeldPost(
        path="_posts/a.md",
        url="https://example.com/a/",
        since=NOW - timedelta(hours=2),
        out=True,
        late=True,
        attempts=9,
        asked=NOW - timedelta(minutes=2),
        answer="it answered 404",
        next_try=NOW + timedelta(minutes=3),
    )
    new = replace(late, since=NOW, out=False, late=False, asked=None, answer=None)
    held = (new, replace(late, out=False), late, *[new] * HELD_LINES)
    page = list(status_lines(replace(STATUS, held=held), (), NOW))
    start = page.index(f"Waiting until live: {len(held)} new posts")
    asked = "    https://example.com/a/: it answered 404 (2 minutes ago); next request in 3 minutes"
    assert page[start + 1 : start + 7] == [
        "  _posts/a.md: since now",
        "    https://example.com/a/",
        "  _posts/a.md: since 2 hours ago, late",
        asked,
        "  _posts/a.md: since 2 hours ago, went out late",
        asked,
    ]
    assert "  and 3 more: syndicator status --json lists all" in page


@pytest.mark.parametrize(
    ("failed", "given_up", "expected"),
    [
        (False, False, ["no delivery yet"]),
        (
            True,
            False,
            ["no delivery has arrived", "failed 1 minute ago: it answered 500 (3 in a row)"],
        ),
        (
            True,
            True,
            [
                "no delivery has arrived",
                "failed 1 minute ago: it answered 500 (3 in a row); given up until the next change",
            ],
        ),
    ],
)
def test_a_subscription_says_what_became_of_its_deliveries(
    failed: bool, given_up: bool, expected: list[str]
) -> None:
    """Of one that was never reached, whether anything was tried, and goes on."""
    one = Subscriber(
        topic="t",
        callback="a.example:443#1",
        since=NOW - timedelta(hours=1),
        expires=NOW + timedelta(hours=1),
        failures=3 if failed else 0,
        last_success=None,
        last_failure=NOW - timedelta(minutes=1) if failed else None,
        error="it answered 500" if failed else None,
        given_up=given_up,
    )
    _, *lines, _ = subscription_lines([one], NOW)
    assert [lines[0].rpartition(", ")[2], *map(str.strip, lines[1:])] == expected
