"""What of a status needs a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syndicator.model.content import Problem
from syndicator.ops.status import Failure, Status, concerns
from syndicator.store.outbox import HubState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GIB = 2**30
HUB = HubState(
    url="https://hub.example/",
    waiting=0,
    gave_up=0,
    next_try=None,
    last_success=NOW,
    last_failure=None,
    error=None,
    fetched=None,
)
WELL = Status(
    version="1",
    daemon="pid 7 on here",
    since=NOW,
    url="https://example.com/",
    polled=NOW,
    state="/var/state.db",
    state_octets=1,
    output="/srv/feeds",
    output_octets=1,
    disk_free_octets=GIB,
    state_free_octets=GIB,
    posts=1,
    waiting=None,
    last_run=None,
    last_failure=None,
    feeds=(),
    problems=(),
    hubs=(HUB,),
    owed={},
    gave_up={},
    owed_since=None,
    next_try=None,
    subscribers=0,
    audiences={},
)


def said(found: Status, *, daemon_wanted: bool = True) -> tuple[str, ...]:
    return concerns(found, NOW, late=timedelta(minutes=2), daemon_wanted=daemon_wanted)


def test_all_is_well() -> None:
    """What mends itself is no concern: a debt of a minute, a post that is read with a warning, a poll just missed."""
    assert said(WELL) == ()
    warned = Problem(path="_posts/a.md", message="odd")
    passing = replace(
        WELL,
        owed_since=NOW - timedelta(minutes=1),
        problems=(warned,),
        polled=NOW - timedelta(minutes=1),
    )
    assert said(passing) == ()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"last_failure": Failure(at=NOW, message="feeds can't be written to", hint=None)},
            "feeds can't be written to",
        ),
        ({"daemon": None}, "the daemon is not running"),
        ({"polled": NOW - timedelta(minutes=3)}, "2026-05-01 11:57:00 UTC: it hangs"),
        ({"problems": (Problem(path="a", message="b", fatal=True),)}, "1 problem keeps a post"),
        (
            {"hubs": (replace(HUB, gave_up=3, error="404"),)},
            "https://hub.example/: 3 pings given up: 404",
        ),
        (
            {
                "owed_since": NOW - timedelta(hours=2),
                "hubs": (replace(HUB, waiting=1, error="no answer"),),
            },
            "owed since 2026-05-01 10:00 UTC; https://hub.example/: no answer",
        ),
        ({"disk_free_octets": 4096}, "/srv/feeds: 4,096 octets are free"),
        ({"state_free_octets": 0}, "/var/state.db: 0 octets are free"),
    ],
)
def test_what_needs_a_person(wrong: dict[str, object], words: str) -> None:
    """Each in one line that says what and where."""
    (line,) = said(replace(WELL, **wrong))  # type: ignore[arg-type]
    assert words in line


def test_where_no_daemon_ever_ran_none_is_missed() -> None:
    """Builds and pushes may be timed by others."""
    assert said(replace(WELL, daemon=None, polled=None), daemon_wanted=False) == ()
