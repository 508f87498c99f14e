"""Which states of a status need attention."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from syndicator.model.content import Problem
from syndicator.ops.git_status import GitState
from syndicator.ops.held_posts import HeldPost
from syndicator.ops.runs import Failure
from syndicator.ops.status import Status, concerns
from syndicator.store.hubs import HubState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GIB = 2**30
HUB = HubState(
    url="https://hub.example/",
    waiting=0,
    given_up=0,
    next_try=None,
    last_success=NOW,
    last_failure=None,
    error=None,
    fetched=None,
)
HELD = HeldPost(
    path="_posts/a.md",
    url="https://example.com/a/",
    since=NOW,
    out=False,
    late=False,
    attempts=0,
    asked=None,
    answer=None,
    next_try=NOW,
)
HEALTHY = Status(
    version="1",
    daemon="pid 7 on here",
    since=NOW,
    url="https://example.com/",
    polled=NOW,
    state="/var/state.db",
    state_bytes=1,
    output="/srv/feeds",
    output_bytes=1,
    archive_pages=0,
    archive_waiting=0,
    archive_bytes=0,
    disk_free_bytes=GIB,
    state_free_bytes=GIB,
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
    queued={},
    given_up={},
    queued_since=None,
    next_try=None,
    subscribers=0,
    audiences={},
)


def concerns_of(status: Status, *, daemon_wanted: bool = True) -> tuple[str, ...]:
    return concerns(status, NOW, late=timedelta(minutes=2), daemon_wanted=daemon_wanted)


def test_a_healthy_status_has_no_concerns() -> None:
    """Nor has a job queued a minute ago, a warning about a post, or one late poll."""
    assert concerns_of(HEALTHY) == ()
    warned = Problem(path="_posts/a.md", message="odd")
    temporary = replace(
        HEALTHY,
        queued_since=NOW - timedelta(minutes=1),
        problems=(warned,),
        polled=NOW - timedelta(minutes=1),
    )
    assert concerns_of(temporary) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"last_failure": Failure(at=NOW, message="feeds can't be written to", hint=None)},
            "feeds can't be written to",
        ),
        ({"daemon": None}, "the daemon is not running"),
        ({"polled": NOW - timedelta(minutes=3)}, "last at 2026-05-01 11:57:00 UTC: restart it"),
        ({"problems": (Problem(path="a", message="b", fatal=True),)}, "1 problem keeps a post"),
        (
            {"hubs": (replace(HUB, given_up=3, error="404"),)},
            "https://hub.example/: 3 pings given up: 404",
        ),
        (
            {
                "queued_since": NOW - timedelta(hours=2),
                "hubs": (replace(HUB, waiting=1, error="no answer"),),
            },
            "queued since 2026-05-01 10:00 UTC; https://hub.example/: no answer",
        ),
        (
            {"held": (HELD, replace(HELD, out=True, late=True))},
            "1 post went out although the page is not live: see syndicator status",
        ),
        ({"disk_free_bytes": 4096}, "/srv/feeds: only 4,096 bytes are free"),
        ({"state_free_bytes": 0}, "/var/state.db: only 0 bytes are free"),
    ],
)
def test_concerns(changes: dict[str, object], message: str) -> None:
    """Each is one line with the problem and its place."""
    (line,) = concerns_of(replace(HEALTHY, **changes))  # type: ignore[arg-type]
    assert message in line


def test_a_job_that_waits_for_its_pace_is_not_late() -> None:
    """Only beyond it, by as much as any other job."""
    waiting = replace(HEALTHY, queued_since=NOW - timedelta(hours=3))
    for hours, expected in ((3, 0), (1, 1)):
        lines = concerns(
            waiting,
            NOW,
            late=timedelta(minutes=2),
            daemon_wanted=True,
            pace=timedelta(hours=hours),
        )
        assert len(lines) == expected


def test_a_daemon_that_never_ran_is_not_missed() -> None:
    """Cron may run builds and pushes instead."""
    assert concerns_of(replace(HEALTHY, daemon=None, polled=None), daemon_wanted=False) == ()


def test_a_remote_that_is_away_for_long_needs_attention() -> None:
    """Not after a single poll: most remotes are away now and then."""
    git = GitState(
        remote="r", branch="main", commit="a", fetched=NOW, failing_since=NOW, error="away", hint=""
    )
    status = replace(HEALTHY, git=git)
    hour = timedelta(hours=1)

    def found(after: timedelta) -> tuple[str, ...]:
        now = NOW + after
        return concerns(replace(status, polled=now), now, late=hour, daemon_wanted=True)

    assert found(hour) == ()
    assert found(2 * hour) == ("nothing could be fetched since 2026-05-01 12:00 UTC: away",)
