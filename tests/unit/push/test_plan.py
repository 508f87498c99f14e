"""Which claimed jobs need a request, and what becomes of the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    Job,
    JobDetail,
    Mode,
    Ping,
    Released,
    Subscription,
    Verification,
)
from syndicator.push.plan import Live, Plan, plan, read_files, topics_of

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
FILE = FeedFile(
    path="all.rss", url="t", data=b"<rss/>", media_type="application/rss+xml", digest="new", hubs=()
)
SUBSCRIPTION = Subscription(
    topic="t", callback="https://a.example/", secret=None, expires=NOW + timedelta(1), since=NOW
)
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


def test_a_file_that_can_not_be_read_is_left_out() -> None:
    """A topic that is no longer published has None."""

    def read(topic: str) -> FeedFile | None:
        if topic == "broken":
            raise OutputError("all.rss is not what was published")
        return FILE if topic == "t" else None

    assert read_files(["t", "ended", "broken"], read) == {"t": FILE, "ended": None}


@pytest.mark.parametrize(
    ("detail", "files", "live", "place"),
    [
        (Ping(), {}, {}, "tasks"),
        (Denial(), {}, {}, "tasks"),
        (VERIFICATION, {"t": FILE}, {}, "tasks"),
        (VERIFICATION, {"t": None}, {}, "tasks"),
        (VERIFICATION, {}, {}, "unreadable"),
        (Delivery(), {"t": FILE}, {("t", "https://a.example/"): (SUBSCRIPTION, "old")}, "tasks"),
        (Delivery(), {"t": FILE}, {("t", "https://a.example/"): (SUBSCRIPTION, "new")}, "unneeded"),
        (Delivery(), {"t": FILE}, {("t", "https://b.example/"): (SUBSCRIPTION, "old")}, "unneeded"),
        (Delivery(), {}, {("t", "https://a.example/"): (SUBSCRIPTION, "old")}, "unreadable"),
    ],
)
def test_a_job_is_sent_or_unneeded_or_waits(
    detail: JobDetail, files: dict[str, FeedFile | None], live: Live, place: str
) -> None:
    """It waits if its topic can't be read. The subscription is that of its topic and callback."""
    planned = plan([claimed := job(detail)], live, files, challenges().__next__)
    assert {
        "tasks": [task.job for task in planned.tasks],
        "unneeded": list(planned.unneeded),
        "unreadable": list(planned.unreadable),
    } == {"tasks": [], "unneeded": [], "unreadable": []} | {place: [claimed]}


def test_each_verification_has_a_challenge_of_its_own() -> None:
    """A callback that learned one can't confirm for another."""
    jobs = [job(VERIFICATION) for _ in range(3)]
    planned = plan(jobs, {}, {"t": FILE}, challenges().__next__)
    assert len({task.expected for task in planned.tasks}) == 3


def test_the_outcomes_of_jobs_without_a_request() -> None:
    """An unneeded one is done; one that can't be read waits for a second, without an attempt."""
    unneeded, unreadable = job(Delivery()), job(Delivery())
    assert Plan(tasks=(), unneeded=(unneeded,), unreadable=(unreadable,)).unsent(NOW) == [
        (unneeded, Done()),
        (unreadable, Released(until=NOW + timedelta(seconds=1))),
    ]
