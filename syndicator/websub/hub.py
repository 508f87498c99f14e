"""The hub's half of the protocol: what is sent to callbacks. https://www.w3.org/TR/websub/"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Job, Request, Response, Subscription
from syndicator.websub.links import link_header
from syndicator.websub.signatures import signature

NOT_OURS = "this feed is no longer made"
LOST = "no delivery arrived for a week"
NO_ROOM = "this host has as many subscriptions as it may have"
NOT_MEANT = "it did not confirm that it meant it"


def verification(callback: str, detail: Mapping[str, Any], challenge: str) -> Request:
    """Ask a callback whether it meant to subscribe or unsubscribe (§5.3)."""
    query = {"hub.mode": detail["mode"], "hub.topic": detail["topic"], "hub.challenge": challenge}
    if detail["mode"] == "subscribe":
        query["hub.lease_seconds"] = str(detail["lease"])
    return Request(method="GET", url=_with_query(callback, query), stranger=True)


def is_verified(answer: Response, challenge: str) -> bool:
    """Any 2xx whose body is the challenge, exactly; everything else is no (§5.3.1)."""
    return (
        answer.succeeded
        and answer.error is None
        and hmac.compare_digest(answer.body, challenge.encode())
    )


def subscription(job: Job, began: datetime, network: str | None = None) -> Subscription:
    """What a verified request gives: its lease counts from the moment the callback was asked (§5.3)."""
    secret = job.detail.get("secret")
    return Subscription(
        topic=job.topic,
        callback=job.target,
        secret=None if secret is None else bytes.fromhex(secret),
        expires=began + timedelta(seconds=job.detail["lease"]),
        since=began,
        network=network,
    )


def delivery(to: Subscription, file: FeedFile) -> Request:
    """The whole topic as it is served, with its type, its links, and a signature if there is a secret (§7)."""
    headers = {"Content-Type": file.media_type, "Link": link_header(file.hubs, file.url)}
    if to.secret is not None:
        headers["X-Hub-Signature"] = signature(to.secret, file.data)
    return Request(method="POST", url=to.callback, headers=headers, body=file.data, stranger=True)


def denial(callback: str, topic: str, reason: str | None = None) -> Request:
    """Tell a callback that it is not, or no longer, subscribed (§5.2)."""
    query = {"hub.mode": "denied", "hub.topic": topic}
    if reason:
        query["hub.reason"] = reason
    return Request(method="GET", url=_with_query(callback, query), stranger=True)


def _with_query(callback: str, query: Mapping[str, str]) -> str:
    """The callback with more in its query; what stands there stays, byte for byte (§5.1.1)."""
    separator = "" if callback.endswith(("?", "&")) else "&" if "?" in callback else "?"
    return callback + separator + urlencode(query, quote_via=quote)
