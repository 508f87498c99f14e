"""Jobs are coalesced, claimed in turns, released and recorded alike on each database."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from syndicator.model.outbox import (
    Done,
    GaveUp,
    Job,
    JobKind,
    JobOutcome,
    JobState,
    Mode,
    Released,
    Retry,
    Verification,
)
from syndicator.push import record as push_record
from syndicator.store import claims, hubs, outbox
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.hubs import HubState
from syndicator.store.outbox import JobRow
from syndicator.store.push_schema import jobs as table
from syndicator.store.times import from_us
from syndicator.websub.tasks import TaskOutcome

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=2)
A, B = "https://a.example/hub", "https://b.example/hub"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def enqueue(
    database: Database, *hubs: str, topics: Sequence[str] = ("t",), now: datetime = NOW
) -> int:
    with database.begin(push=True) as connection:
        return outbox.enqueue_pings(connection, [(topic, hubs) for topic in topics], now)


def claim(
    database: Database,
    now: datetime = NOW,
    limit: int = 99,
    per_host: int = 99,
    claimer: str = "me",
) -> tuple[Job, ...]:
    with database.begin(push=True) as connection:
        return claims.claim(
            connection,
            now,
            claimer=claimer,
            lease=LEASE,
            limits=ClaimLimits(jobs=limit, per_host=per_host),
        )


def test_pings_may_be_limited_to_some_topics(database: Database) -> None:
    """Those of other topics stay queued; other kinds of jobs are claimed all the same."""
    enqueue(database, A, B, topics=["one", "it's two", "three"])
    with database.begin(push=True) as connection:
        outbox.enqueue(connection, [verification(Mode.SUBSCRIBE)], NOW)
        limits = ClaimLimits(jobs=99, per_host=99, pinged_topics=frozenset({"it's two"}))
        claimed = claims.claim(connection, NOW, claimer="me", lease=LEASE, limits=limits)
        assert outbox.queued_ping_topics(connection) == ["one", "three"]
    assert sorted((job.kind, job.topic) for job in claimed) == [
        (JobKind.PING, "it's two"),
        (JobKind.PING, "it's two"),
        (JobKind.VERIFY, "t"),
    ]


def verification(mode: Mode, lease: int = 0) -> JobRow:
    return JobRow(detail=Verification(mode=mode, topic="t", lease=lease), target=A, topic="t")


def record(database: Database, *outcomes: tuple[Job, JobOutcome], now: datetime = NOW) -> None:
    with database.begin(push=True) as connection:
        claims.record(connection, outcomes, now, claimer="me")


def states(database: Database) -> dict[tuple[JobKind, JobState], int]:
    with database.read() as connection:
        return dict(outbox.counts(connection))


def test_a_job_is_claimed_as_it_was_queued(database: Database) -> None:
    """All its values come back."""
    detail = Verification(mode=Mode.SUBSCRIBE, topic="tü", lease=9, secret=b"\0", had="d")
    job = JobRow(detail=detail, target="https://c.example/cb?k=ü", topic="t")
    with database.begin(push=True) as connection:
        assert outbox.enqueue(connection, [job], NOW) == 1
    (claimed,) = claim(database)
    assert claimed == Job(
        id=claimed.id,
        detail=detail,
        target="https://c.example/cb?k=ü",
        topic="t",
        attempts=0,
        since=NOW,
        due=NOW,
        host=claimed.host,
    )
    assert states(database) == {(JobKind.VERIFY, JobState.CLAIMED): 1}


def test_each_hub_has_one_ping_for_each_topic(database: Database) -> None:
    """Changes before the ping is sent are one ping, queued since the first of them."""
    assert enqueue(database, A, B, topics=("t", "u")) == 4
    assert enqueue(database, A, now=after(9)) == 1
    assert enqueue(database) == 0
    assert states(database) == {(JobKind.PING, JobState.WAITING): 4}
    assert {job.since for job in claim(database, now=after(9))} == {NOW}


def test_a_change_while_its_ping_is_claimed_is_a_new_job(database: Database) -> None:
    """It waits until the first is recorded, and then is claimed by itself."""
    enqueue(database, A)
    (first,) = claim(database)
    enqueue(database, A, now=after(1))
    assert claim(database, now=after(1)) == ()
    record(database, (first, Done()))
    (second,) = claim(database, now=after(1))
    assert (second.since, second.id != first.id) == (after(1), True)


def test_a_failed_job_merges_with_one_queued_meanwhile(database: Database) -> None:
    """One job remains, with fresh retries and the `since` of the older change."""
    enqueue(database, A)
    (first,) = claim(database)
    enqueue(database, A, now=after(1))
    record(database, (first, Retry(at=after(300), error="it answered 500")))
    (job,) = claim(database, now=after(2))
    assert (job.since, job.attempts) == (NOW, 0)
    assert states(database) == {(JobKind.PING, JobState.CLAIMED): 1}


def test_kinds_and_variants_do_not_merge(database: Database) -> None:
    """To subscribe and to unsubscribe are two verifications, claimed in the order they came."""
    subscribe, unsubscribe = map(verification, Mode)
    for job in (subscribe, unsubscribe, subscribe):
        with database.begin(push=True) as connection:
            outbox.enqueue_last(connection, job, NOW)
    enqueue(database, A)
    verified = []
    while claimed := claim(database):
        verify = [job for job in claimed if job.kind is JobKind.VERIFY]
        verified.append([job.detail for job in verify])
        record(database, *((job, Done()) for job in verify))
    assert verified == [[unsubscribe.detail], [subscribe.detail]]


def test_the_second_verification_waits_for_the_first(database: Database) -> None:
    """Even while the first is retried: otherwise the first would be decided last."""
    for second, mode in enumerate(Mode):
        with database.begin(push=True) as connection:
            outbox.enqueue_last(connection, verification(mode), after(second))
    (first,) = claim(database, now=after(1))
    assert claim(database, now=after(1)) == ()
    record(database, (first, Retry(at=after(5), error="it did not answer in time")))
    assert claim(database, now=after(4)) == ()
    assert [job.id for job in claim(database, now=after(5))] == [first.id]


def test_the_newest_detail_counts(database: Database) -> None:
    """A repeated request before the verification replaces the earlier one."""
    with database.begin(push=True) as connection:
        for lease in (1, 2):
            outbox.enqueue(
                connection,
                [verification(Mode.SUBSCRIBE, lease)],
                NOW,
            )
    (job,) = claim(database)
    assert job.detail == verification(Mode.SUBSCRIBE, 2).detail


def test_nothing_is_claimed_before_it_is_due_or_twice(database: Database) -> None:
    """A claim is exclusive, and a retry is not claimed early."""
    enqueue(database, A)
    assert claim(database, now=after(-1)) == ()
    (job,) = claim(database)
    assert claim(database) == ()
    record(database, (job, Retry(at=after(5), error="x")))
    assert claim(database, now=after(4)) == ()
    (again,) = claim(database, now=after(5))
    assert (again.attempts, again.since) == (1, NOW)


def test_a_dead_host_never_fills_a_claim(database: Database) -> None:
    """Hosts take turns, and the jobs of one that are claimed at a time are limited."""
    enqueue(database, A, topics=[str(n) for n in range(50)])
    enqueue(database, B, now=after(1))
    first = claim(database, now=after(1), limit=4)
    assert B in {job.target for job in first}
    assert len(claim(database, now=after(1), per_host=5)) == 2  # three of A's five are claimed
    assert claim(database, now=after(1), per_host=5) == ()


def test_new_jobs_are_claimed_before_retries(database: Database) -> None:
    """A job that failed waits behind those that may succeed."""
    enqueue(database, A)
    (failed,) = claim(database)
    record(database, (failed, Retry(at=after(1), error="x")))
    enqueue(database, B, now=after(2))
    assert [job.target for job in claim(database, now=after(2), limit=1)] == [B]


def test_an_expired_claim_is_released(database: Database) -> None:
    """The job is queued unchanged, or merged with an identical one queued meanwhile."""
    enqueue(database, A, B)
    assert len(claim(database, claimer="dead")) == 2
    enqueue(database, A, now=after(1))
    assert claim(database, now=after(119)) == ()
    assert {(job.target, job.since, job.attempts) for job in claim(database, now=after(120))} == {
        (A, NOW, 0),
        (B, NOW, 0),
    }


def test_a_restarted_claimer_releases_its_own_claims_at_once(database: Database) -> None:
    """Claims of other claimers stay."""
    enqueue(database, A, B)
    claim(database, limit=1, claimer="other")
    claim(database, limit=1, claimer="me")
    with database.begin(push=True) as connection:
        claims.release(connection, "me")
    assert states(database) == {
        (JobKind.PING, JobState.CLAIMED): 1,
        (JobKind.PING, JobState.WAITING): 1,
    }


def test_a_requeued_job_is_another_one(database: Database) -> None:
    """What was sent for the first claim does not count for the second."""
    enqueue(database, A)
    (first,) = claim(database)
    with database.begin(push=True) as connection:
        claims.release(connection, "me")
    (second,) = claim(database)
    with database.begin(push=True) as connection:
        push_record.record(connection, [TaskOutcome(job=first, outcome=Done())], NOW, claimer="me")
    assert states(database) == {(JobKind.PING, JobState.CLAIMED): 1}
    record(database, (second, Done()))
    assert states(database) == {}


def test_a_requeued_verification_keeps_its_turn(database: Database) -> None:
    """Before one that was requested later: the last one decides."""
    for second, mode in enumerate(Mode):
        with database.begin(push=True) as connection:
            outbox.enqueue_last(connection, verification(mode), after(second))
    (first,) = claim(database, now=after(1))
    with database.begin(push=True) as connection:
        claims.release(connection, "me")
    assert claim(database, now=after(1)) == (first,)


def test_a_claimer_that_was_away_leaves_the_claims_of_others(database: Database) -> None:
    """Its job may have kept its id: it is a verification."""
    with database.begin(push=True) as connection:
        outbox.enqueue(connection, [verification(Mode.SUBSCRIBE)], NOW)
    (first,) = claim(database, claimer="away")
    assert claim(database, now=after(120), claimer="me") == (first,)
    with database.begin(push=True) as connection:
        late = [TaskOutcome(job=first, outcome=Done())]
        push_record.record(connection, late, after(120), claimer="away")
    assert states(database) == {(JobKind.VERIFY, JobState.CLAIMED): 1}


def test_an_attempt_that_was_not_made_is_not_counted(database: Database) -> None:
    """A stopped pass releases its jobs unchanged."""
    enqueue(database, A)
    (job,) = claim(database)
    record(database, (job, Released()))
    (again,) = claim(database)
    assert (again.attempts, again.due) == (0, NOW)
    with database.read() as connection:
        assert [state.last_failure for state in hubs.states(connection)] == [None]


def test_a_given_up_job_stays_until_the_next_change(database: Database) -> None:
    """Then it is queued again with fresh retries, and the `since` of the first change."""
    enqueue(database, A)
    (job,) = claim(database)
    record(database, (job, GaveUp(error="it answered 500")))
    with database.read() as connection:
        assert outbox.next_due(connection) is None
    assert states(database) == {(JobKind.PING, JobState.GAVE_UP): 1}
    assert claim(database, now=after(999_999)) == ()
    enqueue(database, A, now=after(60))
    (again,) = claim(database, now=after(60))
    assert (again.attempts, again.since) == (0, NOW)


def test_a_given_up_job_merges_with_a_queued_one(database: Database) -> None:
    """The queued one remains."""
    enqueue(database, A)
    (job,) = claim(database)
    enqueue(database, A, now=after(1))
    record(database, (job, GaveUp(error="x")))
    assert states(database) == {(JobKind.PING, JobState.WAITING): 1}


def test_retry_after_delays_the_next_change_too(database: Database) -> None:
    """A new change makes the ping due at once, but not before the hub's Retry-After."""
    enqueue(database, A, B)
    first, second = claim(database)
    busy = (first, Retry(at=after(120), not_before=after(120), error="it answered 503"))
    record(database, busy, (second, Retry(at=after(120), error="it answered 500")))
    enqueue(database, A, B, now=after(30))
    assert [job.target for job in claim(database, now=after(30))] == [B]
    assert [job.target for job in claim(database, now=after(120))] == [A]


def test_retry_after_delays_a_change_that_came_meanwhile(database: Database) -> None:
    """It came while the ping of an earlier change was sent: the answer holds for both."""
    enqueue(database, A)
    (first,) = claim(database)
    enqueue(database, A, now=after(1))
    record(
        database,
        (first, Retry(at=after(120), not_before=after(120), error="it answered 503")),
    )
    assert claim(database, now=after(119)) == ()
    (job,) = claim(database, now=after(120))
    assert (job.since, job.attempts) == (NOW, 0)


def test_a_change_during_the_transaction_that_records_a_failure(database: Database) -> None:
    """On PostgreSQL its run may not have committed yet: both still become one job."""
    enqueue(database, A)
    (first,) = claim(database)
    recording = threading.Thread(
        target=record, args=(database, (first, Retry(at=after(300), error="x")))
    )
    with database.begin(push=True) as connection:
        outbox.enqueue_pings(connection, [("t", [A])], after(1))
        recording.start()
        if not database.sqlite:
            with database.read() as beside:
                waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                while recording.is_alive() and not beside.scalar(waits):
                    pass
    recording.join(30)
    assert states(database) == {(JobKind.PING, JobState.WAITING): 1}
    (job,) = claim(database, now=after(1))
    assert (job.since, job.attempts) == (NOW, 0)


def test_when_the_next_job_is_due(database: Database) -> None:
    """The earliest queued job, or the end of a claim."""

    def next_due() -> datetime | None:
        with database.read() as connection:
            return outbox.next_due(connection)

    assert next_due() is None
    enqueue(database, A, now=after(9))
    assert next_due() == after(9)
    (job,) = claim(database, now=after(9))
    assert next_due() == after(9) + LEASE
    record(database, (job, Retry(at=after(50), error="x")), now=after(10))
    assert next_due() == after(50)


def test_hubs_as_operators_see_them(database: Database) -> None:
    """Last success, fetch and failure with its error; pings queued and given up; the next try."""
    enqueue(database, A, B, topics=("t", "u"))
    jobs = {(job.target, job.topic): job for job in claim(database)}
    record(database, (jobs[A, "t"], Done()), now=after(1))
    record(
        database,
        (jobs[A, "u"], Retry(at=after(9), error="it answered 500")),
        now=after(2),
    )
    record(database, (jobs[B, "t"], GaveUp(error="it refused the connection")), now=after(3))
    record(database, (jobs[B, "u"], Done()), now=after(4))
    with database.begin(push=True) as connection:
        hubs.record_fetch(connection, [B], after(4))
        hubs.record_fetch(connection, [B], after(5))
    with database.read() as connection:
        assert hubs.states(connection) == (
            HubState(
                url=A,
                waiting=1,
                given_up=0,
                next_try=after(9),
                last_success=after(1),
                fetched=None,
                last_failure=after(2),
                error="it answered 500",
            ),
            HubState(
                url=B,
                waiting=0,
                given_up=1,
                next_try=None,
                last_success=after(4),
                fetched=after(5),
                last_failure=after(3),
                error="it refused the connection",
            ),
        )


def test_a_job_of_a_failed_transaction_is_not_queued(database: Database) -> None:
    """Published files and their pings are committed together, or neither is."""
    with suppress(RuntimeError), database.begin(push=True) as connection:
        outbox.enqueue_pings(connection, [("t", [A])], NOW)
        raise RuntimeError
    assert states(database) == {}


def test_concurrent_claimers_never_get_the_same_job(database: Database) -> None:
    """Each job is claimed once."""
    enqueue(database, A, B, topics=[str(n) for n in range(100)])
    job_ids: list[int] = []
    start = threading.Barrier(4)

    def work(claimer: str) -> None:
        start.wait(5)
        while jobs := claim(database, limit=7, per_host=999, claimer=claimer):
            job_ids.extend(job.id for job in jobs)

    workers = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(job_ids) == len(set(job_ids)) == 200


def test_verifications_take_turns_by_client(database: Database) -> None:
    """A client with many host names has one turn; jobs of other kinds stay queued."""
    requests = [("many", f"https://a{number}.example/") for number in range(20)] + [
        ("one", "https://b.example/")
    ]
    with database.begin(push=True) as connection:
        jobs = [
            replace(verification(Mode.SUBSCRIBE), target=target, client=client)
            for client, target in requests
        ]
        outbox.enqueue(connection, jobs, NOW)
        pending = outbox.pending(connection, "a3.example", "many")
        assert (pending.total, pending.host, pending.client) == (21, 1, 20)
    enqueue(database, A)
    with database.begin(push=True) as connection:
        kinds = [JobKind.VERIFY]
        claimed = claims.claim(
            connection,
            NOW,
            claimer="me",
            lease=LEASE,
            limits=ClaimLimits(jobs=99, per_host=3),
            kinds=kinds,
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


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Done(), None),
        (Done(error="it did not confirm"), None),
        (Retry(at=after(5), error="x"), (JobState.WAITING, 2, after(5), None, "x")),
        (
            Retry(at=after(9), not_before=after(7), error="x"),
            (JobState.WAITING, 2, after(9), after(7), "x"),
        ),
        (GaveUp(error="x"), (JobState.GAVE_UP, 2, NOW, None, "x")),
        (
            GaveUp(error="x", not_before=after(7)),
            (JobState.GAVE_UP, 2, NOW, after(7), "x"),
        ),
        (Released(), (JobState.WAITING, 1, NOW, None, None)),
        (Released(until=after(1)), (JobState.WAITING, 1, after(1), None, None)),
        (
            Released(until=after(1), not_before=after(1)),
            (JobState.WAITING, 1, after(1), after(1), None),
        ),
    ],
)
def test_what_an_outcome_does_to_a_job(
    database: Database, outcome: JobOutcome, expected: tuple[object, ...] | None
) -> None:
    """State, attempts, due, Retry-After and error; a job that is done is deleted."""
    enqueue(database, A)
    (first,) = claim(database)
    record(database, (first, Retry(at=NOW, not_before=NOW, error="before")))
    (second,) = claim(database)
    record(database, (second, outcome))
    with database.read() as connection:
        row = connection.execute(select(table)).one_or_none()
    assert expected == (
        row
        and (row.state, row.attempts, from_us(row.due), from_us(row.not_before or None), row.error)
    )
    assert row is None or (row.claimer, row.expires) == (None, None)


def test_a_job_that_an_earlier_version_queued_is_claimed(database: Database) -> None:
    """With all that its verification needs."""
    with database.begin(push=True) as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (kind, target, topic, variant, host, state, attempts, since, due,"
                " not_before, detail) VALUES ('verify', 'https://a.example/', 't', 'subscribe',"
                " 'a.example', 'waiting', 0, 0, 0, 0, :detail)"
            ),
            {"detail": '{"mode": "subscribe", "topic": "T", "lease": 60, "secret": "6869"}'},
        )
    (job,) = claim(database)
    detail = Verification(mode=Mode.SUBSCRIBE, topic="T", lease=60, secret=b"hi")
    assert (job.detail, job.target, job.host) == (detail, "https://a.example/", "a.example")


def test_a_claim_takes_as_long_whatever_waits(tmp_path: Path) -> None:
    """Counted in steps of SQLite's machine, with many due jobs of a host and of many hosts."""
    steps = dict[int, int]()
    for number in (50, 5000):
        database = Database(f"sqlite:///{tmp_path}/{number}.db")
        dead = [(str(n), [A]) for n in range(number)]
        many = [(str(n), [f"https://h{n}.example/"]) for n in range(number)]
        with database.begin(push=True) as connection:
            outbox.enqueue_pings(connection, dead + many, NOW)
            outbox.enqueue_pings(connection, [("t", [B])], after(1))
        claim(database, now=NOW, limit=1)  # compiles the statements
        counted = 0

        def count() -> int:
            nonlocal counted
            counted += 1
            return 0

        with database.begin(push=True) as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.set_progress_handler(count, 1)
            limits = ClaimLimits(jobs=20, per_host=5)
            got = claims.claim(connection, after(2), claimer="me", lease=LEASE, limits=limits)
            raw.set_progress_handler(None, 1)
        database.close()
        assert len(got) == 20
        assert len({job.host for job in got}) == 20
        steps[number] = counted
    assert steps[5000] < 1.5 * steps[50], steps


def test_a_claim_beside_many_verifications_reads_few_rows(postgresql: str) -> None:
    """Of one client, in a table that PostgreSQL has not analyzed yet. It had read two million."""
    database = Database(postgresql)
    requests = [
        replace(verification(Mode.SUBSCRIBE), target=f"https://h{n}.example/", client="many")
        for n in range(1000)
    ]
    with database.begin(push=True) as connection:
        outbox.enqueue(connection, requests, NOW)
    assert len(claim(database, per_host=50)) == 50
    enqueue(database, A)
    read = text(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs'"
    )
    with database.begin(push=True) as connection:
        limits = ClaimLimits(jobs=99, per_host=50)
        got = claims.claim(connection, NOW, claimer="me", lease=LEASE, limits=limits)
        number = connection.scalar(read)
    database.close()
    assert [job.target for job in got] == [A]
    assert number < 50_000


def test_more_hosts_than_a_claim_takes_have_their_turns(database: Database) -> None:
    """The next claim goes on where the last one ended, also if hosts have more jobs than one."""
    hosts = [f"https://h{n:02}.example/" for n in range(30)]
    enqueue(database, *hosts, topics=["t", "u"])
    limits = ClaimLimits(jobs=10, per_host=2)
    claimed = list[str]()
    for _ in range(3):
        with database.begin(push=True) as connection:
            jobs = claims.claim(connection, NOW, claimer="me", lease=LEASE, limits=limits)
        claimed += {job.target for job in jobs}
    assert len(set(claimed)) >= 28
