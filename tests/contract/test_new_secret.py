"""A subscriber renews with another secret while something is on its way; on each database."""

import threading
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import select
from wave_hub import TOPIC, Hub, names

from syndicator.model.outbox import (
    Done,
    Job,
    JobState,
    Mode,
    Request,
    Response,
    Subscription,
    Verification,
)
from syndicator.push.record import record
from syndicator.store import outbox
from syndicator.store.outbox import JobRow
from syndicator.store.push_schema import jobs
from syndicator.websub.signatures import signature
from syndicator.websub.tasks import Confirmed, TaskOutcome

OLD, NEW = b"old", b"new"


def renew(hub: Hub, callbacks: list[str], secret: bytes | None, had: int | None = None) -> None:
    """Confirm requests to subscribe, as a pass does. `had`: the version then; None: the present."""
    version = hub.version if had is None else had
    detail = Verification(mode=Mode.SUBSCRIBE, topic=TOPIC, had=f"d{version}")
    with hub.database.begin(push=True) as connection:
        rows = [JobRow(detail=detail, target=callback, topic=TOPIC) for callback in callbacks]
        outbox.enqueue(connection, rows, hub.now)
        of_kind = select(jobs.c.id, jobs.c.target).where(jobs.c.kind == detail.kind)
        found = connection.execute(of_kind).all()
        connection.execute(
            jobs.update()
            .where(jobs.c.kind == detail.kind)
            .values(state=JobState.CLAIMED, claimer="me", expires=2**60)
        )
        outcomes = [
            TaskOutcome(
                job=Job(
                    id=row.id, detail=detail, target=row.target, topic=TOPIC, attempts=0,
                    since=hub.now, due=hub.now,
                ),
                outcome=Done(),
                change=Confirmed(
                    subscription=Subscription(
                        topic=TOPIC, callback=row.target, secret=secret, since=hub.now,
                        expires=hub.now + timedelta(days=9),
                    ),
                    verification=detail,
                ),
            )
            for row in found
        ]  # fmt: skip
        record(connection, outcomes, hub.now, claimer="me")


@pytest.mark.parametrize("by_pages", [True, False])
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("secret", [NEW, OLD])
def test_what_is_under_way_is_sent_again(
    hub: Hub, secret: bytes, status: int, by_pages: bool
) -> None:
    """It is signed with the secret of before. Those that keep theirs get it once."""
    callbacks = names(200, 20)
    renew(hub, callbacks, OLD, had=None if by_pages else 0)
    if by_pages:
        hub.change()
    received = defaultdict[str, list[str]](list)
    lock, is_renewed = threading.Lock(), threading.Event()
    send = hub.client.send

    def signed(request: Request) -> Response:
        with lock:
            received[request.url].append(request.headers["X-Hub-Signature"])
            if not is_renewed.is_set():
                renew(hub, callbacks, secret)
                is_renewed.set()
                return Response(status=status)
        return send(request)

    hub.client.send = signed  # type: ignore[method-assign]
    hub.deliver_all()
    assert len(received) == len(callbacks)
    wanted = signature(secret, str(hub.version).encode())
    assert all(each[-1] == wanted for each in received.values())
    number = sum(map(len, received.values()))
    if secret == OLD:
        assert number == len(callbacks) + (status == 500)
    renew(hub, callbacks, b"newest")
    hub.deliver_all()
    assert sum(map(len, received.values())) == number
