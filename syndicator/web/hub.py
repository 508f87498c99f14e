"""The hub's HTTP endpoint: subscribe, unsubscribe and publish requests (W3C WebSub §5, §6).

A request becomes jobs in the outbox and is answered at once. `push` makes the requests that
follow: verifications and deliveries.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from syndicator.errors import OutputError, StateError
from syndicator.formats.html import hub_page
from syndicator.model.outbox import Mode
from syndicator.store import deliveries, outbox, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.web.bodies import read_body
from syndicator.web.hub_limits import HubLimits
from syndicator.web.messages import FIRST_RUN_RETRY
from syndicator.web.proxies import Network, client_of
from syndicator.web.rate_limit import RateLimit
from syndicator.websub.hub_requests import Accepted, PublishRequest, Refused, parse

#: Bytes of a request's body. The longest callback, topic and secret need less.
BODY_LIMIT = 16 * 1024

_MINUTE = 60.0

#: From so many subscriptions on, a count of them is used for some seconds. With a million it takes
#: a quarter of a second on PostgreSQL, and strangers cause it.
MANY = 10_000

#: Seconds for which it is used.
COUNT_INTERVAL = 5.0


class Topic(Protocol):
    """A published feed file, as the hub needs it."""

    @property
    def url(self) -> str: ...

    @property
    def digest(self) -> str: ...


class Hub:
    """Accepts requests about this site's own topics, and queues the jobs that follow from them.

    `read` returns a topic by its URL; None if the URL is not one of ours. Anyone may send any
    number of URLs, so an unknown one must cost nothing. `refusal` returns why a callback's address
    is not allowed; None if it is. `on_queued` is called when there are jobs to run.
    """

    def __init__(
        self,
        database: Database,
        *,
        read: Callable[[str], Topic | None],
        refusal: Callable[[str], str | None],
        limits: HubLimits,
        clock: Callable[[], datetime],
        on_queued: Callable[[], None],
    ) -> None:
        self._database = database
        self._read = read
        self._refusal = refusal
        self._limits = limits
        self._clock = clock
        self._on_queued = on_queued
        self._clients: RateLimit[str] = RateLimit(limits.client, _MINUTE)
        self._hosts: RateLimit[str] = RateLimit(limits.host, _MINUTE)
        self._total, self._counted = 0, 0.0  # subscriptions, and when they were counted

    def allows(self, client: str, requests: int = 1) -> bool:
        """Count requests of a client. Whether they are within the limit a minute."""
        now = self._clock().timestamp()
        return self._clients.wait(client, now, number=requests) is None

    def handle(self, content_type: str, body: bytes, client: str) -> Refused | str:
        """Queue the jobs of a request. Returns why it is refused, or a text for the client.

        Raises StateError and OutputError.
        """
        topics: dict[str, Topic] = {}

        def known(url: str) -> str | None:
            if (topic := self._read(url)) is None:
                return None
            topics[topic.url] = topic
            return topic.url

        request = parse(
            content_type,
            body,
            known=known,
            refusal=self._refusal,
            lease=self._limits.lease,
            # Each topic counts as a request; the first is counted already.
            allowed=lambda number: self.allows(client, number - 1),
        )
        match request:
            case Refused():
                return request
            case PublishRequest():
                return self._publish([topics[topic] for topic in request.topics])
            case Accepted():
                return self._accept(request, topics[request.topic], client)

    def _accept(self, request: Accepted, topic: Topic, client: str) -> Refused | str:
        """Queue the verification of a subscribe or unsubscribe request."""
        now = self._clock()
        if self._hosts.wait(request.host, now.timestamp()) is not None:
            return Refused(status=429, text="Too many requests for this callback's host", wait=60)
        in_all = self._count(now)
        with self._database.begin(push=True) as connection:
            network = subscriptions.network_at(connection, request.host)
            refused = self._over_limit(connection, request, network, client, in_all)
            if refused is not None:
                return refused
            job = JobRow(
                detail=replace(request.verification, had=topic.digest),
                target=request.callback,
                topic=request.topic,
                network=network,
                client=client,
            )
            outbox.enqueue_last(connection, job, now)
        self._on_queued()
        return "Accepted: the callback will be verified"

    def _count(self, now: datetime) -> int:
        """How many live subscriptions there are. Counted while no other transaction waits."""
        if self._total < MANY or time.monotonic() >= self._counted + COUNT_INTERVAL:
            self._counted = time.monotonic()  # first: other threads use the last count meanwhile
            with self._database.read() as connection:
                self._total = subscriptions.total(connection, now)
        return self._total

    def _over_limit(
        self,
        connection: Connection,
        request: Accepted,
        network: str | None,
        client: str,
        in_all: int,
    ) -> Refused | None:
        """The refusal of a request beyond a limit; None if it is within all limits."""
        now = self._clock()
        pending = outbox.pending(connection, network or request.host, client)
        subscribed = bool(subscriptions.find(connection, [(request.topic, request.callback)], now))
        refused = self._limits.refuse_verification(pending, subscribed=subscribed)
        is_new = request.verification.mode is Mode.SUBSCRIBE and not subscribed
        if refused is not None or not is_new:
            return refused
        return self._limits.refuse_subscription(
            pending,
            in_all=in_all,
            of_host=subscriptions.total_at(connection, request.host, network, now),
        )

    def _publish(self, topics: Sequence[Topic]) -> str:
        """Queue deliveries to subscribers that don't have the current version of the topics."""
        now = self._clock()
        with self._database.begin(push=True) as connection:
            number = sum(
                deliveries.enqueue_missing(connection, topic.url, topic.digest, now)
                for topic in topics
            )
        if number:
            self._on_queued()
        return "Accepted: subscribers without the newest version will be sent it"


class HubEndpoint:
    """The hub over HTTP. `home` is the address of the site's feeds, shown to people.

    `is_complete`: whether all topics are known. Until then an unknown one is answered 503: at a 404
    a subscriber may give up.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        home: str,
        is_complete: Callable[[], bool],
        trusted: Sequence[Network] = (),
    ) -> None:
        self._hub = hub
        self._is_complete = is_complete
        self._trusted = trusted
        self._page = hub_page(home=home)

    def routes(self, path: str) -> list[BaseRoute]:
        """The endpoint at a path: POST for programs, GET and HEAD for people, 405 otherwise."""
        return [Route(path, self.handle, methods=["GET", "POST"])]

    async def handle(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(self._page)
        body = await read_body(request, BODY_LIMIT)
        if body is None:
            return _text(413, f"The request's body is longer than {BODY_LIMIT} bytes")
        client = client_of(request.scope, self._trusted)
        if not self._hub.allows(client):
            return _text(429, "Too many requests from your address", wait=60)
        is_complete = self._is_complete()
        try:
            answer = await run_in_threadpool(
                self._hub.handle, request.headers.get("content-type", ""), body, client
            )
        except (StateError, OutputError):  # build and push meet the error as well, and report it
            return _text(503, "Temporarily unavailable: try again later", wait=60)
        if isinstance(answer, Refused):
            if answer.status == 404 and not is_complete:
                return _text(503, "The feeds are being built", wait=FIRST_RUN_RETRY)
            return _text(answer.status, answer.text, wait=answer.wait)
        return _text(202, answer)


def _text(status: int, text: str, *, wait: int | None = None) -> Response:
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return PlainTextResponse(f"{text}.\n", status_code=status, headers=headers)
