"""The hub's requests to callbacks: verification, delivery, denial. https://www.w3.org/TR/websub/"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Job, Mode, Request, Response, Subscription, Verification
from syndicator.websub.links import link_header
from syndicator.websub.signatures import signature

# Reasons, which subscribers get with a denial and operators see as the error of a job.
TOPIC_ENDED = "this feed is no longer published"
UNREACHABLE = "every delivery failed for a week"
LIMIT_REACHED = "this host has reached its limit of subscriptions"
NOT_CONFIRMED = "the callback did not confirm the request"


def verification(callback: str, of: Verification, challenge: str) -> Request:
    """Ask a callback to confirm that it wants to subscribe or unsubscribe (§5.3)."""
    query = {"hub.mode": of.mode, "hub.topic": of.topic, "hub.challenge": challenge}
    if of.mode is Mode.SUBSCRIBE:
        query["hub.lease_seconds"] = str(of.lease)
    return Request(method="GET", url=_with_query(callback, query), stranger=True)


def is_verified(answer: Response, challenge: str) -> bool:
    """Whether the answer confirms: a 2xx with exactly the challenge as its body (§5.3.1)."""
    return (
        answer.succeeded
        and answer.error is None
        and hmac.compare_digest(answer.body, challenge.encode())
    )


def subscription(
    job: Job, verified: Verification, began: datetime, network: str | None = None
) -> Subscription:
    """The subscription after its verification. The lease runs from when that was sent (§5.3)."""
    return Subscription(
        topic=job.topic,
        callback=job.target,
        secret=verified.secret,
        expires=began + timedelta(seconds=verified.lease),
        since=began,
        network=network,
    )


def delivery(to: Subscription, file: FeedFile) -> Request:
    """The topic as it is served, with its type and links, signed if there is a secret (§7)."""
    headers = {"Content-Type": file.media_type, "Link": link_header(file.hubs, file.url)}
    if to.secret is not None:
        headers["X-Hub-Signature"] = signature(to.secret, file.data)
    return Request(method="POST", url=to.callback, headers=headers, body=file.data, stranger=True)


def denial(callback: str, topic: str, reason: str | None = None) -> Request:
    """Notify a callback that it is not, or no longer, subscribed (§5.2)."""
    query = {"hub.mode": "denied", "hub.topic": topic}
    if reason:
        query["hub.reason"] = reason
    return Request(method="GET", url=_with_query(callback, query), stranger=True)


def _with_query(callback: str, query: Mapping[str, str]) -> str:
    """The callback with parameters added; its own query stays, byte for byte (§5.1.1)."""
    separator = "" if callback.endswith(("?", "&")) else "&" if "?" in callback else "?"
    return callback + separator + urlencode(query, quote_via=quote)
