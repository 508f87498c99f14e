"""What is owed: coalesced, claimed in turns, given back, settled; the same on each database."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from syndicator.model.outbox import Job, JobKind, JobOutcome
from syndicator.store import claims, outbox
from syndicator.store.database import Database
from syndicator.store.outbox import HubState, JobRow

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=2)
A, B = "https://a.example/hub", "https://b.example/hub"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def owe(database: Database, *hubs: str, topics: Sequence[str] = ("t",), now: datetime = NOW) -> int:
    with database.begin() as connection:
        return outbox.enqueue_pings(connection, [(topic, hubs) for topic in topics], now)


def claim(
    database: Database,
    now: datetime = NOW,
    limit: int = 99,
    per_host: int = 99,
    claimer: str = "me",
) -> tuple[Job, ...]:
    with database.begin() as connection:
        return claims.claim(
            connection, now, claimer=claimer, limit=limit, per_host=per_host, lease=LEASE
        )


def settle(database: Database, *settlements: JobOutcome, now: datetime = NOW) -> None:
    with database.begin() as connection:
        claims.record(connection, settlements, now)


def states(database: Database) -> dict[tuple[JobKind, str], int]:
    with database.read() as connection:
        return dict(outbox.counts(connection))


def test_a_debt_as_it_is_owed_and_claimed(database: Database) -> None:
    """Everything that was said of it comes back."""
    job = JobRow(
        kind=JobKind.VERIFY,
        target="https://c.example/cb?k=ü",
        topic="t",
        variant="v",
        detail={"a": [1, "ü"]},
    )
    with database.begin() as connection:
        assert outbox.enqueue(connection, [job], NOW) == 1
    (claimed,) = claim(database)
    assert claimed == Job(
        id=claimed.id,
        kind=JobKind.VERIFY,
        target="https://c.example/cb?k=ü",
        topic="t",
        attempts=0,
        since=NOW,
        due=NOW,
        detail={"a": [1, "ü"]},
    )
    assert states(database) == {(JobKind.VERIFY, "claimed"): 1}


def test_each_hub_is_owed_each_topic_once(database: Database) -> None:
    """Changes that come before the ping went are one ping, owed since the first of them."""
    assert owe(database, A, B, topics=("t", "u")) == 4
    assert owe(database, A, now=after(9)) == 1
    assert owe(database) == 0
    assert states(database) == {(JobKind.PING, "waiting"): 4}
    assert {job.since for job in claim(database, now=after(9))} == {NOW}


def test_a_change_while_its_ping_is_under_way_is_a_new_debt(database: Database) -> None:
    """It waits for the first to end, and then is paid by itself."""
    owe(database, A)
    (first,) = claim(database)
    owe(database, A, now=after(1))
    assert claim(database, now=after(1)) == ()
    settle(database, JobOutcome(job=first, done=True))
    (second,) = claim(database, now=after(1))
    assert (second.since, second.id != first.id) == (after(1), True)


def test_a_failure_merges_with_what_was_owed_meanwhile(database: Database) -> None:
    """One debt remains: with fresh retries, owed since the older change."""
    owe(database, A)
    (first,) = claim(database)
    owe(database, A, now=after(1))
    settle(database, JobOutcome(job=first, retry_at=after(300), error="it answered 500"))
    (job,) = claim(database, now=after(2))
    assert (job.since, job.attempts) == (NOW, 0)
    assert states(database) == {(JobKind.PING, "claimed"): 1}


def test_kinds_and_variants_do_not_merge(database: Database) -> None:
    """To subscribe and to unsubscribe are two questions. They are asked one after the other, as they came."""
    jobs = {
        mode: JobRow(kind=JobKind.VERIFY, target=A, topic="t", variant=mode, detail={"m": mode})
        for mode in "su"
    }
    for mode in "sus":
        with database.begin() as connection:
            outbox.enqueue_last(connection, jobs[mode], NOW)
    owe(database, A)
    asked = []
    while claimed := claim(database):
        verify = [job for job in claimed if job.kind is JobKind.VERIFY]
        asked.append([job.detail["m"] for job in verify])
        settle(database, *(JobOutcome(job=job, done=True) for job in verify))
    assert asked == [["u"], ["s"]]


def test_the_second_question_waits_for_the_first(database: Database) -> None:
    """Also when that has to be asked again: else it would have the last word."""
    for second, mode in enumerate("su"):
        with database.begin() as connection:
            outbox.enqueue_last(
                connection,
                JobRow(kind=JobKind.VERIFY, target=A, topic="t", variant=mode),
                after(second),
            )
    (first,) = claim(database, now=after(1))
    assert claim(database, now=after(1)) == ()
    settle(database, JobOutcome(job=first, retry_at=after(5), error="it did not answer in time"))
    assert claim(database, now=after(4)) == ()
    assert [job.id for job in claim(database, now=after(5))] == [first.id]


def test_the_newest_detail_counts(database: Database) -> None:
    """Who asks again before the answer asks for what they said last."""
    with database.begin() as connection:
        for lease in (1, 2):
            outbox.enqueue(
                connection,
                [JobRow(kind=JobKind.VERIFY, target=A, topic="t", detail={"lease": lease})],
                NOW,
            )
    (job,) = claim(database)
    assert job.detail == {"lease": 2}


def test_nothing_is_claimed_before_it_is_due_or_twice(database: Database) -> None:
    """A claim is exclusive, and a wait is kept."""
    owe(database, A)
    assert claim(database, now=after(-1)) == ()
    (job,) = claim(database)
    assert claim(database) == ()
    settle(database, JobOutcome(job=job, retry_at=after(5), error="x"))
    assert claim(database, now=after(4)) == ()
    (again,) = claim(database, now=after(5))
    assert (again.attempts, again.since) == (1, NOW)


def test_a_dead_host_is_never_all_there_is(database: Database) -> None:
    """Hosts take turns, and no more than so many debts of one are claimed at a time."""
    owe(database, A, topics=[str(n) for n in range(50)])
    owe(database, B, now=after(1))
    first = claim(database, now=after(1), limit=4)
    assert B in {job.target for job in first}
    assert len(claim(database, now=after(1), per_host=5)) == 2  # three of A's five are out
    assert claim(database, now=after(1), per_host=5) == ()


def test_what_was_never_tried_goes_first(database: Database) -> None:
    """Whoever failed waits behind those who may answer."""
    owe(database, A)
    (failed,) = claim(database)
    settle(database, JobOutcome(job=failed, retry_at=after(1), error="x"))
    owe(database, B, now=after(2))
    assert [job.target for job in claim(database, now=after(2), limit=1)] == [B]


def test_the_claims_of_the_dead_are_given_back(database: Database) -> None:
    """When the lease is over, as they were; where the same is owed anew, that stands for both."""
    owe(database, A, B)
    assert len(claim(database, claimer="dead")) == 2
    owe(database, A, now=after(1))
    assert claim(database, now=after(119)) == ()
    assert {(job.target, job.since, job.attempts) for job in claim(database, now=after(120))} == {
        (A, NOW, 0),
        (B, NOW, 0),
    }


def test_a_claimer_that_starts_again_gets_its_own_back_at_once(database: Database) -> None:
    """And nobody else's."""
    owe(database, A, B)
    claim(database, limit=1, claimer="other")
    claim(database, limit=1, claimer="me")
    with database.begin() as connection:
        assert claims.release(connection, "me") == 1
    assert states(database) == {(JobKind.PING, "claimed"): 1, (JobKind.PING, "waiting"): 1}


def test_an_attempt_that_was_not_made_is_not_counted(database: Database) -> None:
    """Stopping gives a debt back as it was."""
    owe(database, A)
    (job,) = claim(database)
    settle(database, JobOutcome(job=job, retry_at=job.due, attempted=False))
    (again,) = claim(database)
    assert (again.attempts, again.due) == (0, NOW)
    with database.read() as connection:
        assert [state.last_failure for state in outbox.hub_states(connection)] == [None]


def test_given_up_stays_in_sight_until_the_next_change(database: Database) -> None:
    """Then it is owed again, from the beginning, since the first change nobody told of."""
    owe(database, A)
    (job,) = claim(database)
    settle(database, JobOutcome(job=job, error="it answered 500"))
    with database.read() as connection:
        assert outbox.next_due(connection) is None
    assert states(database) == {(JobKind.PING, "gave up"): 1}
    assert claim(database, now=after(999_999)) == ()
    owe(database, A, now=after(60))
    (again,) = claim(database, now=after(60))
    assert (again.attempts, again.since) == (0, NOW)


def test_two_that_fail_for_one_topic_leave_one(database: Database) -> None:
    """A debt that is given up while the same waits leaves the one that waits."""
    owe(database, A)
    (job,) = claim(database)
    owe(database, A, now=after(1))
    settle(database, JobOutcome(job=job, error="x"))
    assert states(database) == {(JobKind.PING, "waiting"): 1}


def test_what_a_hub_asked_for_holds_for_the_next_change_too(database: Database) -> None:
    """A new change makes the ping due at once, but not before the time the hub named."""
    owe(database, A, B)
    first, second = claim(database)
    asked = JobOutcome(
        job=first, retry_at=after(120), not_before=after(120), error="it answered 503"
    )
    settle(database, asked, JobOutcome(job=second, retry_at=after(120), error="it answered 500"))
    owe(database, A, B, now=after(30))
    assert [job.target for job in claim(database, now=after(30))] == [B]
    assert [job.target for job in claim(database, now=after(120))] == [A]


def test_what_a_hub_asked_for_holds_for_a_change_that_came_meanwhile(database: Database) -> None:
    """It came while the hub was being told of the one before: the answer is about this one too."""
    owe(database, A)
    (first,) = claim(database)
    owe(database, A, now=after(1))
    settle(
        database,
        JobOutcome(job=first, retry_at=after(120), not_before=after(120), error="it answered 503"),
    )
    assert claim(database, now=after(119)) == ()
    (job,) = claim(database, now=after(120))
    assert (job.since, job.attempts) == (NOW, 0)


def test_a_change_that_comes_while_a_failure_is_written_down(database: Database) -> None:
    """Its run may have said so and not yet be through with it, on PostgreSQL: both are one debt again."""
    owe(database, A)
    (first,) = claim(database)
    answered = threading.Thread(
        target=settle, args=(database, JobOutcome(job=first, retry_at=after(300), error="x"))
    )
    with database.begin() as connection:
        outbox.enqueue_pings(connection, [("t", [A])], after(1))
        answered.start()
        if not database.sqlite:
            with database.read() as beside:
                waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                while answered.is_alive() and not beside.scalar(waits):
                    pass
    answered.join(30)
    assert states(database) == {(JobKind.PING, "waiting"): 1}
    (job,) = claim(database, now=after(1))
    assert (job.since, job.attempts) == (NOW, 0)


def test_when_the_next_is_due(database: Database) -> None:
    """The earliest that waits, or the end of a claim."""

    def next_due() -> datetime | None:
        with database.read() as connection:
            return outbox.next_due(connection)

    assert next_due() is None
    owe(database, A, now=after(9))
    assert next_due() == after(9)
    (job,) = claim(database, now=after(9))
    assert next_due() == after(9) + LEASE
    settle(database, JobOutcome(job=job, retry_at=after(50), error="x"), now=after(10))
    assert next_due() == after(50)


def test_hubs_as_their_operator_sees_them(database: Database) -> None:
    """Last success and fetch, last failure with its reason, what waits, what was given up, the next try."""
    owe(database, A, B, topics=("t", "u"))
    jobs = {(job.target, job.topic): job for job in claim(database)}
    settle(database, JobOutcome(job=jobs[A, "t"], done=True), now=after(1))
    settle(
        database,
        JobOutcome(job=jobs[A, "u"], retry_at=after(9), error="it answered 500"),
        now=after(2),
    )
    settle(database, JobOutcome(job=jobs[B, "t"], error="it refused the connection"), now=after(3))
    settle(database, JobOutcome(job=jobs[B, "u"], done=True), now=after(4))
    with database.begin() as connection:
        outbox.record_fetch(connection, [B], after(4))
        outbox.record_fetch(connection, [B], after(5))
    with database.read() as connection:
        assert outbox.hub_states(connection) == (
            HubState(
                url=A,
                waiting=1,
                gave_up=0,
                next_try=after(9),
                last_success=after(1),
                fetched=None,
                last_failure=after(2),
                error="it answered 500",
            ),
            HubState(
                url=B,
                waiting=0,
                gave_up=1,
                next_try=None,
                last_success=after(4),
                fetched=after(5),
                last_failure=after(3),
                error="it refused the connection",
            ),
        )


def test_what_is_not_committed_is_not_owed(database: Database) -> None:
    """The caller's transaction is the debt's: files published and pings owed, both or neither."""
    with suppress(RuntimeError), database.begin() as connection:
        outbox.enqueue_pings(connection, [("t", [A])], NOW)
        raise RuntimeError
    assert states(database) == {}


def test_two_that_claim_at_once_never_get_the_same(database: Database) -> None:
    """Each debt goes to one of them."""
    owe(database, A, B, topics=[str(n) for n in range(100)])
    got: list[int] = []
    start = threading.Barrier(4)

    def work(claimer: str) -> None:
        start.wait(5)
        while jobs := claim(database, limit=7, per_host=999, claimer=claimer):
            got.extend(job.id for job in jobs)

    workers = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(got) == len(set(got)) == 200


def test_verifications_take_turns_by_the_client_that_asked(database: Database) -> None:
    """One client with a hundred names is one; a kind that isn't wanted stays."""
    asked = [("many", f"https://a{number}.example/") for number in range(20)] + [
        ("one", "https://b.example/")
    ]
    with database.begin() as connection:
        jobs = [
            JobRow(
                kind=JobKind.VERIFY, target=target, topic="t", variant="subscribe", client=client
            )
            for client, target in asked
        ]
        outbox.enqueue(connection, jobs, NOW)
        found = outbox.pending(connection, "a3.example", "many")
        assert (found.total, found.host, found.client) == (21, 1, 20)
    owe(database, A)
    with database.begin() as connection:
        kinds = [JobKind.VERIFY]
        claimed = claims.claim(
            connection, NOW, claimer="me", limit=99, per_host=3, lease=LEASE, kinds=kinds
        )
        assert outbox.pending(connection, "a0.example", "one") == outbox.PendingJobs(
            total=21, host=1, client=1
        )
    assert sorted(job.host for job in claimed) == [
        "a0.example",
        "a1.example",
        "a2.example",
        "b.example",
    ]
    assert JobKind.PING in {job.kind for job in claim(database)}
