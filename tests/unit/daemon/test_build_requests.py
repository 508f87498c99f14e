"""What a request to build means, and what follows from a run."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from syndicator.daemon.build_requests import (
    FEW,
    NOTHING,
    BuildRequest,
    FollowUp,
    Reason,
    after_interruption,
    follow_up,
    interrupts_archive,
    is_interruptible,
    plan,
)
from syndicator.model.report import Report

ROOT = Path("/site")
POLL, DUE, WATCHER = Reason.POLL, Reason.DUE, Reason.WATCHER
MANY = [f"/site/_posts/{number}.md" for number in range(FEW + 1)]


def wants(*what: Reason | str) -> BuildRequest:
    return BuildRequest(
        reasons=frozenset(each for each in what if isinstance(each, Reason)),
        paths=frozenset(each for each in what if isinstance(each, str)),
    )


def test_merged_requests_ask_for_both() -> None:
    assert wants(POLL, "/site/a.md") | wants(DUE, "/site/b.md") == wants(
        POLL, DUE, "/site/a.md", "/site/b.md"
    )
    assert wants(POLL) | NOTHING == wants(POLL)


@pytest.mark.parametrize(
    ("request_", "now", "later"),
    [
        (wants(POLL), wants(POLL), NOTHING),
        (wants("/site/a.md"), wants("/site/a.md"), NOTHING),
        (wants("/site/a.md", POLL, DUE), wants("/site/a.md"), wants(POLL, DUE)),
        # A folder is scanned with the rest.
        (wants("/site/a.md", "/site/x", POLL), wants("/site/a.md", "/site/x", POLL), NOTHING),
        # A full scan finds that many sooner.
        (wants(*MANY, POLL), wants(*MANY, POLL), NOTHING),
        (wants(*MANY[:FEW], POLL), wants(*MANY[:FEW]), wants(POLL)),
        (NOTHING, NOTHING, NOTHING),
    ],
)
def test_saved_posts_come_before_a_full_scan(
    request_: BuildRequest, now: BuildRequest, later: BuildRequest
) -> None:
    result = plan(request_, ROOT, [], first=False, interruptible=True)
    assert (result.now, result.later) == (now, later)


@pytest.mark.parametrize(("first", "interruptible"), [(True, True), (False, False)])
def test_nothing_comes_before_a_full_scan_that_is_not_interruptible(
    first: bool, interruptible: bool
) -> None:
    """The first run scans all documents, and a scan that was interrupted for long runs at last."""
    request = wants("/site/a.md", POLL)
    result = plan(request, ROOT, [], first=first, interruptible=interruptible)
    assert (result.now, result.later, result.documents) == (request, NOTHING, None)


@pytest.mark.parametrize(
    ("request_", "folders", "documents"),
    [
        (wants("/site/_posts/b.md", "/site/a.md"), [], ("_posts/b.md", "a.md")),
        (
            wants(*(f"/site/{name}.md" for name in "fedcba")),
            [],
            tuple(f"{name}.md" for name in "abcdef"),
        ),
        (wants(*MANY), [], None),
        (wants(POLL), [], None),
        (NOTHING, [], None),  # no request for too long: the scheduler may have ended
        # What a folder contains is not reported, nor what a removed one contained: it may be one
        # if it has no suffix.
        (wants("/site/a.md", "/site/v1.0"), ["/site/v1.0"], None),
        (wants("/site/a.md", "/site/gone"), [], None),
        # A link leads out of the source.
        (wants("/elsewhere/a.md"), [], None),
    ],
)
def test_the_documents_that_may_have_changed(
    request_: BuildRequest, folders: Collection[str], documents: tuple[str, ...] | None
) -> None:
    """None: all are scanned."""
    result = plan(request_, ROOT, folders, first=False, interruptible=True)
    assert result.documents == documents


def test_the_first_run_scans_all_documents() -> None:
    assert plan(wants("/site/a.md"), ROOT, [], first=True, interruptible=False).documents is None


@pytest.mark.parametrize(
    ("now", "scanned_at", "interruptible"),
    [(10.0, None, False), (10.0, 8.0, True), (11.0, 8.0, False), (12.0, 8.0, False)],
)
def test_a_scan_is_interruptible_for_some_time(
    now: float, scanned_at: float | None, interruptible: bool
) -> None:
    """From the last full scan on. The first scan is not."""
    assert is_interruptible(now, scanned_at, timedelta(seconds=3)) is interruptible


@pytest.mark.parametrize(
    ("request_", "left"),
    [(wants(POLL), NOTHING), (wants(POLL, DUE, WATCHER), wants(DUE, WATCHER))],
)
def test_an_interrupted_poll_is_left_to_the_next(
    request_: BuildRequest, left: BuildRequest
) -> None:
    assert after_interruption(request_) == left


START = datetime(2026, 5, 1, tzinfo=UTC)
UNCHANGED = Report(started=START, seconds=1, posts=3)
NOTHING_FOLLOWS = FollowUp(missed=False, repaired=False, reschedule=False, push=False)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (UNCHANGED, NOTHING_FOLLOWS),
        (replace(UNCHANGED, new=1), replace(NOTHING_FOLLOWS, missed=True, push=True)),
        (replace(UNCHANGED, changed=1), replace(NOTHING_FOLLOWS, missed=True, push=True)),
        (replace(UNCHANGED, gone=1), replace(NOTHING_FOLLOWS, missed=True, push=True)),
        # Files that others changed are no posts that the watcher missed.
        (
            replace(UNCHANGED, files_written=2, repaired=2),
            replace(NOTHING_FOLLOWS, repaired=True, push=True),
        ),
        (replace(UNCHANGED, pings=1), replace(NOTHING_FOLLOWS, push=True)),
        (replace(UNCHANGED, next_due=START), replace(NOTHING_FOLLOWS, reschedule=True)),
    ],
)
def test_what_follows_from_a_poll(report: Report, expected: FollowUp) -> None:
    assert follow_up(report, UNCHANGED, wants(POLL), begun=5, reported_at=4) == expected


@pytest.mark.parametrize(
    ("request_", "reported_at", "missed"),
    [
        (wants(POLL), 0.0, True),
        (wants(POLL), 5.0, False),  # it reported the post while the poll was under way
        (wants(POLL), None, False),  # there is no watcher
        (wants(POLL, DUE), 4.0, False),  # a post that became due is new, too
        (wants(WATCHER), 4.0, False),
        (wants("/site/a.md"), 4.0, False),
        (NOTHING, 4.0, False),
    ],
)
def test_only_a_poll_finds_what_the_watcher_missed(
    request_: BuildRequest, reported_at: float | None, missed: bool
) -> None:
    report = replace(UNCHANGED, new=1)
    then = follow_up(report, UNCHANGED, request_, begun=5, reported_at=reported_at)
    assert then.missed is missed


def test_what_follows_from_the_first_run() -> None:
    """Jobs of an earlier process are sent, and its changes were missed by no watcher.

    Nor were files changed by another program: they may be those of an earlier config.
    """
    report = replace(UNCHANGED, new=3, files_written=1, repaired=1, next_due=START)
    then = follow_up(report, None, wants(POLL), begun=5, reported_at=4)
    assert then == replace(NOTHING_FOLLOWS, reschedule=True, push=True)
    then = follow_up(UNCHANGED, None, wants(POLL), begun=5, reported_at=4)
    assert then == replace(NOTHING_FOLLOWS, push=True)


def test_a_post_that_no_longer_waits() -> None:
    """Its time is unscheduled when it is removed; a time that stays is not scheduled again."""
    due = replace(UNCHANGED, next_due=START)
    for report, last, reschedule in ((UNCHANGED, due, True), (due, due, False)):
        then = follow_up(report, last, wants(POLL), begun=5, reported_at=4)
        assert then.reschedule is reschedule


@pytest.mark.parametrize(
    ("pending", "progressed", "interrupts"),
    [
        (NOTHING, True, False),
        (wants(POLL), False, False),
        (wants(POLL), True, True),
        (wants("/site/a.md"), False, True),
        (wants(POLL, DUE), False, True),
        (wants(POLL, "/site/a.md"), False, True),
    ],
)
def test_a_poll_interrupts_archives_only_after_progress(
    pending: BuildRequest, progressed: bool, interrupts: bool
) -> None:
    """Else an update that takes longer than the interval of polls would never be done."""
    assert interrupts_archive(pending, progressed=progressed) is interrupts


@pytest.mark.parametrize(
    ("request_", "urgent"),
    [(wants("/site/a.md"), True), (wants(DUE), True), (wants(POLL), False), (wants(*MANY), False)],
)
def test_deliveries_wait_for_a_save(request_: BuildRequest, urgent: bool) -> None:
    """Also for a post whose time has come. Polls and large changes hold nothing up."""
    assert plan(request_, ROOT, [], first=False, interruptible=False).urgent is urgent
