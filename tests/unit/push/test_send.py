"""The request of one task is sent, or waits until its hub may get a ping."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from answering import OK, a_client, serving
from msgspec.structs import replace

from syndicator.model.outbox import (
    Delivery,
    Denial,
    Job,
    JobDetail,
    Mode,
    Ping,
    Request,
    Response,
    Verification,
)
from syndicator.outbound.client import Client
from syndicator.push.send import PausedTask, SentTask, TaskSender
from syndicator.websub.publisher import MAX_HOPS
from syndicator.websub.tasks import Task

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
MOVED = b"HTTP/1.1 307 \r\nLocation: /moved\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def client() -> Iterator[Client]:
    with a_client() as client:
        yield client


def ping(url: str) -> Task:
    job = Job(id=1, detail=Ping(), target=url, topic="t", attempts=0, since=NOW, due=NOW)
    return Task(job=job, request=Request(method="POST", url=url))


def denial(url: str) -> Task:
    task = ping(url)
    return replace(task, job=replace(task.job, detail=Denial()))


def test_a_response_belongs_to_its_task(client: Client) -> None:
    """With the time at which its request was sent."""
    with serving(OK) as server:
        task = ping(server.url)
        sent = TaskSender(client, lambda: NOW).send(task)
    assert isinstance(sent, SentTask)
    assert (sent.task, sent.began, sent.response.status) == (task, NOW, 200)


@pytest.mark.parametrize(
    ("make", "until", "requests"),
    [(ping, LATER, 0), (ping, NOW, 1), (ping, None, 1), (denial, LATER, 1)],
)
def test_a_hub_that_asked_for_a_wait_gets_no_ping_before_its_end(
    client: Client, make: Callable[[str], Task], until: datetime | None, requests: int
) -> None:
    """Requests to callbacks do not wait for one another."""
    with serving(OK) as server:
        task_sender = TaskSender(client, lambda: NOW)
        if until:
            task_sender.paused_hubs[server.url] = until
        task = make(server.url)
        sent = task_sender.send(task)
        assert len(server.requests) == requests
    assert requests or sent == PausedTask(task, LATER)


@pytest.mark.parametrize(("make", "requests"), [(ping, 1 + MAX_HOPS), (denial, 1)])
def test_redirects_are_followed_for_pings_only(
    client: Client, make: Callable[[str], Task], requests: int
) -> None:
    """So many in a row. A callback that moved has to subscribe again."""
    with serving(MOVED) as server:
        sent = TaskSender(client, lambda: NOW).send(make(server.url))
        assert len(server.requests) == requests
    assert isinstance(sent, SentTask)
    assert sent.response.status == 307


class Breaking(Client):
    """A client in which a library raises."""

    def send(self, request: Request) -> Response:
        raise IndexError("out of range")


def test_a_request_that_raises_has_an_internal_error_as_its_response() -> None:
    """The others go on, and it is retried."""
    limit = timedelta(seconds=1)
    breaking = Breaking(user_agent="syndicator", timeout=limit, stranger_timeout=limit)
    sent = TaskSender(breaking, lambda: NOW).send(ping("https://hub.example/"))
    breaking.close()
    assert isinstance(sent, SentTask)
    assert (sent.response.status, sent.response.error) == (
        None,
        "an internal error; the log has its traceback",
    )


@pytest.mark.parametrize(
    ("detail", "share"),
    [
        (Ping(), "a.example:80"),
        (Delivery(), "a.example:80"),
        (Verification(mode=Mode.SUBSCRIBE, topic="t"), ""),
        (Denial(), ""),
    ],
)
def test_callbacks_that_are_verified_have_one_share(detail: JobDetail, share: str) -> None:
    """Anyone may ask for them. Hubs and subscribers have one each."""
    sent = list[Request]()

    class Recorder:
        def send(self, request: Request) -> Response:
            sent.append(request)
            return Response(status=200)

        def close(self) -> None: ...

    task = ping("http://a.example/")
    job = replace(task.job, detail=detail, host="a.example:80")
    TaskSender(Recorder(), lambda: NOW).send(replace(task, job=job))
    assert [request.share for request in sent] == [share]
