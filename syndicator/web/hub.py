"""The hub's endpoint. It writes down what was asked and answers; every request that follows from it is made later."""

import html
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from syndicator.errors import OutputError, StateError
from syndicator.model.outbox import JobKind
from syndicator.store import deliveries, outbox, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.web.poll_limit import Network, client
from syndicator.websub.hub_requests import (
    SUBSCRIPTIONS_PART,
    Accepted,
    LeaseBounds,
    PublishRequest,
    Refused,
    host_quota,
    parse,
)

#: Octets of a request's body. A callback, a topic and a secret at their longest need less.
BODY_LIMIT = 16 * 1024

#: One host, or one client, has at most a tenth of all pending verifications: ten hostile ones are needed to fill them.
PENDING_PART = 10

#: Callers remembered for the limits; the oldest is forgotten first.
REMEMBERED = 20_000

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class HubLimits:
    """What strangers may ask."""

    client: int  #: requests a minute from one client's address
    host: int  #: requests a minute for one callback host
    pending: int  #: verifications not yet made
    subscriptions: int  #: in all
    host_subscriptions: int = 5000  #: of one callback host, or of one network

    @property
    def of_host(self) -> int:
        """Subscriptions that one host, or one network, may have."""
        return host_quota(self.host_subscriptions, self.subscriptions, SUBSCRIPTIONS_PART)

    @property
    def pending_of_host(self) -> int:
        """Pending verifications that one host may have, or one client may ask for."""
        return host_quota(self.pending, self.pending, PENDING_PART)


class Topic(Protocol):
    """A published feed file, as far as the hub needs it."""

    @property
    def url(self) -> str: ...

    @property
    def digest(self) -> str: ...


class HubEndpoint:
    """Takes subscriptions to our own topics.

    `read` gives a topic by its URL, None for what is no topic of ours; anyone may ask for any number of URLs, so a
    wrong one must cost nothing. `refusal` says why a stranger's address is not allowed. `on_owed` is told when there
    is something to send.
    """

    def __init__(
        self,
        database: Database,
        *,
        read: Callable[[str], Topic | None],
        refusal: Callable[[str], str | None],
        lease: LeaseBounds,
        clock: Callable[[], datetime],
        on_owed: Callable[[], None],
        home: str,
        limits: HubLimits,
        trusted: Sequence[Network] = (),
    ) -> None:
        self._database, self._read, self._refusal, self._lease = database, read, refusal, lease
        self._clock, self._on_owed, self._limits, self._trusted = clock, on_owed, limits, trusted
        self._page = _PAGE.format(home=html.escape(home, quote=True))
        self._clients = _Counts(limits.client)
        self._hosts = _Counts(limits.host)

    def routes(self, path: str) -> list[BaseRoute]:
        """The endpoint at its path: POST for programs, GET and HEAD for people, 405 for the rest."""
        return [Route(path, self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(self._page)
        body = await _body(request)
        if body is None:
            return _text(413, f"A request must not be longer than {BODY_LIMIT} octets")
        who = client(request.scope, self._trusted)
        if not self._clients.allow(who, self._clock()):
            return _text(429, "Too many requests from your address", wait=60)
        try:
            return await run_in_threadpool(
                self._decide, request.headers.get("content-type", ""), body, who
            )
        except (StateError, OutputError):  # who builds and who pushes meets it too, and tells of it
            return _text(503, "Not now: please try again later", wait=60)

    def _decide(self, content_type: str, body: bytes, who: str) -> Response:
        found: dict[str, Topic] = {}

        def known(url: str) -> str | None:
            if (topic := self._read(url)) is None:
                return None
            found[topic.url] = topic
            return topic.url

        asked = parse(
            content_type,
            body,
            known=known,
            refusal=self._refusal,
            lease=self._lease,
            allowed=lambda number: self._clients.allow(
                who, self._clock(), number - 1
            ),  # the request counts as one
        )
        match asked:
            case Refused():
                return _text(asked.status, asked.text, wait=asked.wait)
            case PublishRequest():
                return self._publish([found[topic] for topic in asked.topics])
            case Accepted():
                return self._accept(asked, found[asked.topic], who)

    def _accept(self, asked: Accepted, topic: Topic, who: str) -> Response:
        now = self._clock()
        if not self._hosts.allow(asked.host, now):
            return _text(429, "Too many requests for this callback's host", wait=60)
        with self._database.begin() as connection:
            network = subscriptions.network_at(connection, asked.host)
            if (refused := self._no_room(connection, asked, network, who)) is not None:
                return refused
            job = JobRow(
                kind=JobKind.VERIFY,
                target=asked.callback,
                topic=asked.topic,
                variant=asked.mode,
                network=network,
                client=who,
                detail={**asked.detail, "had": topic.digest},
            )
            outbox.enqueue_last(connection, job, now)
        self._on_owed()
        return _text(202, "Accepted: the callback will be asked whether it meant it")

    def _no_room(
        self, connection: Connection, asked: Accepted, network: str | None, who: str
    ) -> Response | None:
        """The refusal of a request beyond a limit; None: there is room. What is there may be renewed and ended."""
        now, limits = self._clock(), self._limits
        pending = outbox.pending(connection, network or asked.host, who)
        if pending.total >= limits.pending:
            return _text(503, "Too many verifications are waiting", wait=60)
        if subscriptions.find(connection, [(asked.topic, asked.callback)], now):
            return None
        if pending.host >= limits.pending_of_host:
            return _text(429, "Too many verifications of this callback's host are waiting", wait=60)
        if pending.client >= limits.pending_of_host:
            return _text(429, "Too many verifications for your address are waiting", wait=60)
        if asked.mode != "subscribe":
            return None
        if subscriptions.total(connection, now) + pending.total >= limits.subscriptions:
            return _text(503, "This hub has as many subscriptions as it takes", wait=3600)
        if (
            subscriptions.total_at(connection, asked.host, network, now) + pending.host
            >= limits.of_host
        ):
            return _text(
                429, "This callback's host has as many subscriptions as it may have", wait=3600
            )
        return None

    def _publish(self, topics: Sequence[Topic]) -> Response:
        now = self._clock()
        with self._database.begin() as connection:
            number = sum(
                deliveries.enqueue_missing(connection, topic.url, topic.digest, now)
                for topic in topics
            )
        if number:
            self._on_owed()
        return _text(202, "Accepted: whoever does not have the newest version will be sent it")


class _Counts:
    """Requests in the current minute, by whom they are counted for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def allow(self, who: str, now: datetime, more: int = 1) -> bool:
        """Count `more` requests; whether all of them are within the limit."""
        since, number = self._seen.get(who, (now, 0))
        if now - since >= _MINUTE or now < since:
            since, number = now, 0
        self._seen[who] = since, number + more
        self._seen.move_to_end(who)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return number + more <= self._limit


async def _body(request: Request) -> bytes | None:
    """The body; None: it is longer than any we take, and no more of it is read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return body


def _text(status: int, text: str, *, wait: int | None = None) -> Response:
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return PlainTextResponse(f"{text}.\n", status_code=status, headers=headers)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A WebSub hub</title>
<h1>This address is for feed readers</h1>
<p>It is a <a href="https://www.w3.org/TR/websub/">WebSub</a> hub: feed readers ask it, by themselves, to be sent
what is new in the feeds of this site as soon as it is there. It carries the feeds of this site and no others.</p>
<p>For you there is nothing to do here. The feeds are at <a href="{home}">{home}</a>.</p>
"""
