"""What a report counts, and its summary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    GaveUp,
    Job,
    JobDetail,
    JobKind,
    JobOutcome,
    Mode,
    Ping,
    Released,
    Retry,
    Verification,
)
from syndicator.push.record import REPORTED, PushReport
from syndicator.websub.tasks import Lost, NotDelivered, SubscriptionChange, TaskOutcome

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
HUB, CALLBACK = "https://hub.example/push", "https://reader.example/cb?token=secret"
VERIFICATION = Verification(mode=Mode.SUBSCRIBE, topic="t", lease=9)
RETRY = Retry(at=NOW, error="it answered 500")
GAVE_UP = GaveUp(error="it answered 500")


def an_outcome(
    detail: JobDetail,
    outcome: JobOutcome,
    change: SubscriptionChange | None = None,
    target: str = CALLBACK,
) -> TaskOutcome:
    job = Job(id=1, detail=detail, target=target, topic="t", attempts=0, since=NOW, due=NOW)
    return TaskOutcome(job=job, outcome=outcome, change=change)


def counted(outcomes: Sequence[TaskOutcome]) -> PushReport:
    report = PushReport(started=NOW)
    for outcome in outcomes:
        report.count(outcome)
    return report


@pytest.mark.parametrize(
    ("outcome", "done", "retried", "given_up", "problems"),
    [
        (Done(), 1, 0, 0, []),
        (Done(error="it did not confirm"), 1, 0, 0, ["it did not confirm"]),
        (RETRY, 0, 1, 0, ["it answered 500"]),
        (GAVE_UP, 0, 0, 1, ["it answered 500"]),
        (Released(until=NOW, not_before=NOW), 0, 0, 0, []),
    ],
)
@pytest.mark.parametrize("detail", [Ping(), VERIFICATION, Delivery(), Denial()])
def test_each_attempt_is_counted_once(
    detail: JobDetail,
    outcome: JobOutcome,
    done: int,
    retried: int,
    given_up: int,
    problems: list[str],
) -> None:
    """By kind and outcome. A job that was released was no attempt."""
    report = counted([an_outcome(detail, outcome)])
    counts = (report.done, report.retried, report.given_up)
    assert counts == tuple({detail.kind: n} if n else {} for n in (done, retried, given_up))
    assert [problem.message for problem in report.problems] == problems


@pytest.mark.parametrize(
    ("change", "ended"), [(None, 0), (NotDelivered(error="it answered 500"), 0), (Lost(), 1)]
)
def test_the_subscriptions_that_we_ended_are_counted(
    change: SubscriptionChange | None, ended: int
) -> None:
    """Not those that their callbacks ended."""
    assert counted([an_outcome(Delivery(), GAVE_UP, change)]).ended == ended


def test_a_problem_names_a_hub_and_hides_a_callback() -> None:
    """The last failure of each target. A callback's address may hold a token."""
    hub = [an_outcome(Ping(), Retry(at=NOW, error=error), target=HUB) for error in ("a", "b")]
    first, second = counted([*hub, an_outcome(Delivery(), RETRY)]).problems
    assert (first.path, first.message) == (HUB, "b")
    assert second.path.startswith("reader.example#")
    assert "token" not in second.path


def test_the_problems_of_a_report_are_limited() -> None:
    """The last failure of a target that it names already still replaces the one before."""
    targets = [f"https://a{number}.example/" for number in range(REPORTED + 1)]
    outcomes = [an_outcome(Ping(), RETRY, target=target) for target in targets]
    outcomes.append(an_outcome(Ping(), GaveUp(error="the last"), target=targets[0]))
    problems = counted(outcomes).problems
    assert len(problems) == REPORTED
    assert problems[0].message == "the last"


@pytest.mark.parametrize(
    ("done", "retried", "given_up", "ended", "queued", "summary"),
    [
        ({}, {}, {}, 0, 0, "nothing sent"),
        ({JobKind.PING: 1}, {}, {}, 0, 0, "1 ping sent"),
        (
            {JobKind.PING: 1200, JobKind.DELIVER: 1, JobKind.VERIFY: 2, JobKind.DENY: 2},
            {},
            {},
            0,
            0,
            "1,200 pings, 1 delivery, 2 verifications, 2 denials sent",
        ),
        ({}, {JobKind.PING: 2}, {}, 0, 3, "nothing sent; 2 failed; 3 still queued"),
        (
            {JobKind.PING: 8},
            {JobKind.PING: 1},
            {JobKind.DELIVER: 1},
            1,
            0,
            "8 pings sent; 2 failed (1 given up); 1 subscription ended after a week of failures",
        ),
    ],
)
def test_the_summary_of_a_pass(
    done: Mapping[JobKind, int],
    retried: Mapping[JobKind, int],
    given_up: Mapping[JobKind, int],
    ended: int,
    queued: int,
    summary: str,
) -> None:
    """One line, without what did not happen."""
    report = PushReport(
        started=NOW,
        seconds=0.5,
        done=Counter(done),
        retried=Counter(retried),
        given_up=Counter(given_up),
        ended=ended,
        problems=(),
        queued=queued,
        next_due=None,
    )
    assert report.summary() == summary
