"""The hub's HTTP endpoint: subscribe, unsubscribe and publish requests (W3C WebSub §5, §6).

A request becomes jobs in the outbox and is answered at once. `push` makes the requests that
follow: verifications and deliveries.
"""

import html
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from syndicator.errors import OutputError, StateError
from syndicator.model.outbox import Mode
from syndicator.store import deliveries, outbox, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.web.proxies import Network, client_of
from syndicator.websub.hub_requests import (
    Accepted,
    LeaseBounds,
    PublishRequest,
    Refused,
    host_quota,
    parse,
    subscription_quota,
)

#: Bytes of a request's body. The longest callback, topic and secret need less.
BODY_LIMIT = 16 * 1024

#: One host, or one client, may have a tenth of all pending verifications: it takes ten of them to
#: use all.
PENDING_PART = 10

#: Clients and hosts counted at a time; the oldest is dropped first.
COUNTED_KEYS = 20_000

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class HubLimits:
    """Limits on requests of strangers."""

    client: int  #: requests a minute from one client's address
    host: int  #: requests a minute for one callback host
    pending: int  #: pending verifications
    subscriptions: int  #: subscriptions in all
    host_subscriptions: int = 5000  #: subscriptions of one callback host, or of one network

    @property
    def of_host(self) -> int:
        """The limit of subscriptions of one host, or one network."""
        return subscription_quota(self.host_subscriptions, self.subscriptions)

    @property
    def pending_of_host(self) -> int:
        """The limit of pending verifications of one host, or by one client."""
        return host_quota(self.pending, self.pending, PENDING_PART)


class Topic(Protocol):
    """A published feed file, as the hub needs it."""

    @property
    def url(self) -> str: ...

    @property
    def digest(self) -> str: ...


class HubEndpoint:
    """Accepts requests about this site's own topics.

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
        lease: LeaseBounds,
        clock: Callable[[], datetime],
        on_queued: Callable[[], None],
        home: str,
        limits: HubLimits,
        trusted: Sequence[Network] = (),
    ) -> None:
        self._database = database
        self._read = read
        self._refusal = refusal
        self._lease = lease
        self._clock = clock
        self._on_queued = on_queued
        self._limits = limits
        self._trusted = trusted
        self._page = _PAGE.format(home=html.escape(home, quote=True))
        self._clients = _MinuteLimit(limits.client)
        self._hosts = _MinuteLimit(limits.host)

    def routes(self, path: str) -> list[BaseRoute]:
        """The endpoint at a path: POST for programs, GET and HEAD for people, 405 otherwise."""
        return [Route(path, self.handle, methods=["GET", "POST"])]

    async def handle(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(self._page)
        body = await _body(request)
        if body is None:
            return _text(413, f"The request's body is longer than {BODY_LIMIT} bytes")
        client = client_of(request.scope, self._trusted)
        if not self._clients.allow(client, self._clock()):
            return _text(429, "Too many requests from your address", wait=60)
        try:
            return await run_in_threadpool(
                self._decide, request.headers.get("content-type", ""), body, client
            )
        except (StateError, OutputError):  # build and push meet the error as well, and report it
            return _text(503, "Temporarily unavailable: try again later", wait=60)

    def _decide(self, content_type: str, body: bytes, client: str) -> Response:
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
            lease=self._lease,
            # Each topic counts as a request; the first is counted already.
            allowed=lambda number: self._clients.allow(client, self._clock(), number - 1),
        )
        match request:
            case Refused():
                return _text(request.status, request.text, wait=request.wait)
            case PublishRequest():
                return self._publish([topics[topic] for topic in request.topics])
            case Accepted():
                return self._accept(request, topics[request.topic], client)

    def _accept(self, request: Accepted, topic: Topic, client: str) -> Response:
        """Queue the verification of a subscribe or unsubscribe request."""
        now = self._clock()
        if not self._hosts.allow(request.host, now):
            return _text(429, "Too many requests for this callback's host", wait=60)
        with self._database.begin() as connection:
            network = subscriptions.network_at(connection, request.host)
            refusal = self._over_limit(connection, request, network, client)
            if refusal is not None:
                return refusal
            job = JobRow(
                detail=replace(request.verification, had=topic.digest),
                target=request.callback,
                topic=request.topic,
                network=network,
                client=client,
            )
            outbox.enqueue_last(connection, job, now)
        self._on_queued()
        return _text(202, "Accepted: the callback will be verified")

    def _over_limit(
        self, connection: Connection, request: Accepted, network: str | None, client: str
    ) -> Response | None:
        """The refusal of a request beyond a limit; None if it is within all limits.

        Existing subscriptions may be renewed and ended as long as `limits.pending` allows.
        """
        now, limits = self._clock(), self._limits
        pending = outbox.pending(connection, network or request.host, client)
        if pending.total >= limits.pending:
            return _text(503, "Too many pending verifications", wait=60)
        if subscriptions.find(connection, [(request.topic, request.callback)], now):
            return None
        if pending.host >= limits.pending_of_host:
            return _text(429, "Too many pending verifications for this callback's host", wait=60)
        if pending.client >= limits.pending_of_host:
            return _text(429, "Too many pending verifications from your address", wait=60)
        if request.verification.mode is not Mode.SUBSCRIBE:
            return None
        if subscriptions.total(connection, now) + pending.total >= limits.subscriptions:
            return _text(503, "This hub has reached its limit of subscriptions", wait=3600)
        of_host = subscriptions.total_at(connection, request.host, network, now)
        if of_host + pending.host >= limits.of_host:
            return _text(
                429, "This callback's host has reached its limit of subscriptions", wait=3600
            )
        return None

    def _publish(self, topics: Sequence[Topic]) -> Response:
        """Queue deliveries to subscribers that don't have the current version of the topics."""
        now = self._clock()
        with self._database.begin() as connection:
            number = sum(
                deliveries.enqueue_missing(connection, topic.url, topic.digest, now)
                for topic in topics
            )
        if number:
            self._on_queued()
        return _text(202, "Accepted: subscribers without the newest version will be sent it")


class _MinuteLimit:
    """A limit on requests a minute, for each key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def allow(self, key: str, now: datetime, more: int = 1) -> bool:
        """Count `more` requests. Returns whether all of them are within the limit."""
        since, number = self._counts.get(key, (now, 0))
        if now - since >= _MINUTE or now < since:  # or the clock was set back
            since, number = now, 0
        self._counts[key] = since, number + more
        self._counts.move_to_end(key)
        if len(self._counts) > COUNTED_KEYS:
            self._counts.popitem(last=False)
        return number + more <= self._limit


async def _body(request: Request) -> bytes | None:
    """The request's body; None if it is longer than BODY_LIMIT. No more than that is read."""
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
<p>It is a <a href="https://www.w3.org/TR/websub/">WebSub</a> hub: feed readers subscribe here,
automatically, and then receive new entries of this site's feeds as soon as they are published.
It serves this site's feeds only.</p>
<p>You need not do anything here. The feeds are at <a href="{home}">{home}</a>.</p>
"""
