"""Which claimed jobs need a request, and what becomes of the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from msgspec.structs import replace

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    Job,
    JobDetail,
    JobOutcome,
    Mode,
    Ping,
    Released,
    Subscription,
    Verification,
)
from syndicator.push.payloads import Payloads
from syndicator.push.plan import Claimed, Live, plan, topics_of
from syndicator.store.database import Database
from syndicator.websub.pace import NO_PACE, Pace

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
FILE = FeedFile(
    path="all.rss", url="t", data=b"<rss/>", media_type="application/rss+xml", digest="new", hubs=()
)
SUBSCRIPTION = Subscription(
    topic="t", callback="https://a.example/", secret=None, expires=NOW + timedelta(1), since=NOW
)
WAITS = Released(until=NOW + timedelta(seconds=1))
VERIFICATION = Verification(mode=Mode.UNSUBSCRIBE, topic="t")
ids = count(1)


def job(detail: JobDetail, topic: str = "t") -> Job:
    return Job(
        id=next(ids),
        detail=detail,
        target="https://a.example/",
        topic=topic,
        attempts=0,
        since=NOW,
        due=NOW,
    )


def challenges() -> Iterator[str]:
    return map(str, count())


@pytest.mark.parametrize(
    ("detail", "needed"),
    [(Ping(), set()), (Denial(), set()), (Delivery(), {"t"}), (VERIFICATION, {"t"})],
)
def test_which_jobs_need_the_file_of_their_topic(detail: JobDetail, needed: set[str]) -> None:
    """Each topic is read once for all of its subscribers."""
    assert topics_of([job(detail), job(detail)]) == needed


def whole(file: FeedFile, had: str | None) -> FeedFile:
    return file


def test_a_file_that_can_not_be_read_is_left_out() -> None:
    """A topic that is no longer published has None."""

    def read(topic: str) -> FeedFile | None:
        if topic == "broken":
            raise OutputError("all.rss is not what was published")
        return FILE if topic == "t" else None

    database = Database("sqlite://")
    payloads = Payloads(database, read, lambda: NOW, only_changes=False)
    assert payloads.read(["t", "ended", "broken"]) == {"t": FILE, "ended": None}
    database.close()


@pytest.mark.parametrize(
    ("detail", "files", "live", "outcome"),
    [
        (Ping(), {}, {}, None),
        (Denial(), {}, {}, None),
        (VERIFICATION, {"t": FILE}, {}, None),
        (VERIFICATION, {"t": None}, {}, None),
        (VERIFICATION, {}, {}, WAITS),
        (Delivery(), {"t": FILE}, {("t", "https://a.example/"): (SUBSCRIPTION, "old")}, None),
        (Delivery(), {"t": FILE}, {("t", "https://a.example/"): (SUBSCRIPTION, "new")}, Done()),
        (Delivery(), {"t": FILE}, {("t", "https://b.example/"): (SUBSCRIPTION, "old")}, Done()),
        (Delivery(), {}, {("t", "https://a.example/"): (SUBSCRIPTION, "old")}, WAITS),
    ],
)
def test_a_job_is_sent_or_unneeded_or_waits(
    detail: JobDetail, files: dict[str, FeedFile | None], live: Live, outcome: JobOutcome | None
) -> None:
    """It waits if its topic can't be read. The subscription is that of its topic and callback."""
    claimed = Claimed([a_job := job(detail)], live=live, pinged={})
    tasks, unsent = plan(claimed, files, whole, challenges().__next__, NO_PACE, NOW)
    assert [task.job for task in tasks] == ([a_job] if outcome is None else [])
    assert unsent == ([] if outcome is None else [(a_job, outcome)])


RECENT = NOW - timedelta(seconds=1)
PACE_END = NOW + timedelta(seconds=4)
SENT_RECENTLY = replace(SUBSCRIPTION, attempted=RECENT)


@pytest.mark.parametrize(
    ("detail", "subscription", "delivered", "pinged", "until"),
    [
        (Ping(), None, None, {}, None),
        (Ping(), None, None, {("t", "https://a.example/"): RECENT}, PACE_END),
        (Ping(), SENT_RECENTLY, None, {("u", "https://a.example/"): RECENT}, None),
        (Ping(), None, None, {("t", "https://b.example/"): RECENT}, None),
        (Delivery(), SUBSCRIPTION, "old", {("t", "https://a.example/"): RECENT}, None),
        (Delivery(), SENT_RECENTLY, "old", {}, PACE_END),
        (Delivery(), SENT_RECENTLY, None, {}, PACE_END),  # the recent one may have failed
        (VERIFICATION, SENT_RECENTLY, None, {}, None),
        (Denial(), None, None, {}, None),
    ],
)
def test_a_change_keeps_the_pace_of_its_target_and_topic(
    detail: JobDetail,
    subscription: Subscription | None,
    delivered: str | None,
    pinged: dict[tuple[str, str], datetime],
    until: datetime | None,
) -> None:
    """Of pings and deliveries each by itself. Verifications and denials have none."""
    pair = ("t", "https://a.example/")
    live = {pair: (subscription, delivered)} if subscription else {}
    claimed = Claimed([a_job := job(detail)], live=live, pinged=pinged)
    pace = Pace(timedelta(seconds=5))
    tasks, unsent = plan(claimed, {"t": FILE}, whole, challenges().__next__, pace, NOW)
    assert unsent == ([] if until is None else [(a_job, Released(until=until))])
    assert [task.job for task in tasks] == ([a_job] if until is None else [])


def test_a_delivery_that_is_not_needed_does_not_wait_for_its_pace() -> None:
    """The topic has again the bytes that the subscriber has."""
    live = {("t", "https://a.example/"): (SENT_RECENTLY, "new")}
    claimed = Claimed([a_job := job(Delivery())], live=live, pinged={})
    pace = Pace(timedelta(seconds=5))
    planned = plan(claimed, {"t": FILE}, whole, challenges().__next__, pace, NOW)
    assert planned == ([], [(a_job, Done())])


def test_each_verification_has_a_challenge_of_its_own() -> None:
    """A callback that learned one can't confirm for another."""
    jobs = [job(VERIFICATION) for _ in range(3)]
    tasks, _ = plan(
        Claimed(jobs, live={}, pinged={}), {"t": FILE}, whole, challenges().__next__, NO_PACE, NOW
    )
    assert len({task.expected for task in tasks}) == 3


def test_a_topic_that_can_not_be_read_is_tried_again_after_a_second() -> None:
    """The next build repairs it."""
    claimed = Claimed([a_job := job(Delivery())], live={}, pinged={})
    planned = plan(claimed, {}, whole, challenges().__next__, NO_PACE, NOW)
    assert planned == ([], [(a_job, WAITS)])
