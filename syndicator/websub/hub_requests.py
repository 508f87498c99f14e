"""Requests to the hub: a form is parsed and accepted or refused, without I/O (W3C WebSub §5.1)."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.client_keys import host_name
from syndicator.model.outbox import Mode, Verification
from syndicator.websub.topic_urls import normalized

#: Characters of the longest callback. Addresses in use have some hundred; a row in an index of
#: PostgreSQL holds about 2,700 bytes.
CALLBACK_LIMIT = 1500

#: Topics that one publish request may name.
TOPICS_LIMIT = 100

#: Places that one host may have in any case, however few there are in all.
FEW = 10

#: One host gets at most 1/2 of all subscriptions, even if its own limit is higher.
SUBSCRIPTIONS_PART = 2

#: A secret must have fewer bytes than this (§5.1).
SECRET_LIMIT = 200

_FORM = "application/x-www-form-urlencoded"
_ONCE = ("hub.mode", "hub.callback", "hub.lease_seconds", "hub.secret")

#: A host that ends in a number is an IPv4 address in some notation.
#: https://url.spec.whatwg.org/#ends-in-a-number-checker
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
_IPV4_ADDRESS = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")


class LeaseBounds(Struct, frozen=True, kw_only=True):
    """The range of leases, and the default."""

    min: timedelta
    default: timedelta
    max: timedelta

    def granted(self, requested: int | None) -> int:
        """The lease in seconds: as requested, within bounds; None: the default."""
        seconds = int(self.default.total_seconds()) if requested is None else requested
        return int(min(max(seconds, self.min.total_seconds()), self.max.total_seconds()))


class Refused(Struct, frozen=True, kw_only=True):
    """A refused request: its answer, and nothing else happens."""

    status: int
    text: str
    wait: int | None = None  #: for Retry-After, in seconds; None: a retry is pointless


class Accepted(Struct, frozen=True, kw_only=True):
    """A request to subscribe or unsubscribe, whose callback is to be verified."""

    callback: str
    host: str  #: as limits count it, see `model.client_keys.host_name`
    topic: str  #: its URL as the feed itself names it
    verification: Verification


class PublishRequest(Struct, frozen=True, kw_only=True):
    """A request to distribute topics of this site, which the client reports as changed."""

    topics: tuple[str, ...]


def parse(
    content_type: str,
    body: bytes,
    *,
    known: Callable[[str], str | None],
    refusal: Callable[[str], str | None],
    lease: LeaseBounds,
    allowed: Callable[[int], bool] = lambda number: True,
) -> Accepted | PublishRequest | Refused:
    """Parse a request to the hub. Unknown parameters are ignored.

    `known` returns a topic's URL as its feed names it, or None for a URL that is not a topic here.
    `refusal` returns why a callback's address is not allowed, or None. `allowed` counts the topics
    of a publish request, and returns whether the client may name so many.
    """
    if content_type.split(";")[0].strip().lower() != _FORM:
        return Refused(status=415, text=f"The request must be a form: {_FORM}")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=TOPICS_LIMIT * 2,
        )
    except ValueError:  # including UnicodeDecodeError
        return Refused(
            status=400,
            text="The form can't be parsed: it must be UTF-8 with at most 200 fields",
        )
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    if repeated := [name for name in _ONCE if len(form.get(name, ())) > 1]:
        return Refused(status=400, text=f"{repeated[0]} is given more than once")
    match form.get("hub.mode", [""])[0]:
        case Mode.SUBSCRIBE | Mode.UNSUBSCRIBE as mode:
            return _subscribe_or_unsubscribe(Mode(mode), form, known, refusal, lease)
        case "publish":
            return _publish([*form.get("hub.url", ()), *form.get("hub.topic", ())], known, allowed)
        case "":
            return Refused(
                status=400, text="hub.mode is missing: subscribe, unsubscribe or publish"
            )
        case _:
            return Refused(status=400, text="hub.mode must be subscribe, unsubscribe or publish")


def _subscribe_or_unsubscribe(
    mode: Mode,
    form: Mapping[str, Sequence[str]],
    known: Callable[[str], str | None],
    refusal: Callable[[str], str | None],
    lease: LeaseBounds,
) -> Accepted | Refused:
    callback = form.get("hub.callback", [""])[0]
    if fault := _fault(callback):
        return Refused(status=400, text=f"hub.callback {fault}")
    topics = form.get("hub.topic", [])
    if len(topics) != 1 or not topics[0]:
        return Refused(status=400, text="hub.topic must be given once: the feed's rel=self URL")
    if (topic := known(normalized(topics[0]))) is None:
        return Refused(
            status=404, text="hub.topic is not a feed of this site; this hub serves only those"
        )
    if reason := refusal(callback):
        return Refused(status=400, text=f"hub.callback {reason}")
    verification = Verification(mode=mode, topic=topics[0])
    if mode is Mode.SUBSCRIBE:
        seconds = form.get("hub.lease_seconds", [""])[0]
        if seconds and not re.fullmatch(r"[0-9]+", seconds):
            return Refused(status=400, text="hub.lease_seconds must be a number of seconds")
        secret = form.get("hub.secret", [""])[0].encode()
        if len(secret) >= SECRET_LIMIT:
            return Refused(status=400, text=f"hub.secret must be shorter than {SECRET_LIMIT} bytes")
        # Subscribers send 0 or nothing for "as long as you like", as PubSubHubbub 0.3 had it.
        granted = lease.granted(int(seconds[:12] or 0) or None)
        verification = replace(verification, lease=granted, secret=secret or None)
    return Accepted(
        callback=callback, host=host_name(callback), topic=topic, verification=verification
    )


def _publish(
    urls: Sequence[str], known: Callable[[str], str | None], allowed: Callable[[int], bool]
) -> PublishRequest | Refused:
    """Parse a publish request.

    Each URL counts for the client's limit; URLs that normalize to one are looked up once.
    """
    if not urls:
        return Refused(status=400, text="hub.url is missing: name the topic that changed")
    if not allowed(len(urls)):
        return Refused(status=429, text="Too many topics from your address", wait=60)
    unique = dict.fromkeys(map(normalized, urls))
    if len(unique) > TOPICS_LIMIT:
        return Refused(
            status=400, text=f"hub.url names more than {TOPICS_LIMIT} topics: send several requests"
        )
    topics = dict[str, None]()
    for url in unique:
        if (topic := known(url)) is None:
            return Refused(
                status=404,
                text="hub.url is not a feed of this site; this hub serves only those",
            )
        topics[topic] = None
    return PublishRequest(topics=tuple(topics))


def host_quota(limit: int, in_all: int, part: int) -> int:
    """How many of all places one host may have: the lesser of `limit` and 1/`part` of all.

    `FEW` are always allowed, so that a small total does not exclude a reader of several feeds.
    """
    return min(limit, max(FEW, in_all // part))


def subscription_quota(limit: int, in_all: int) -> int:
    """How many subscriptions one host, or one network, may have."""
    return host_quota(limit, in_all, SUBSCRIPTIONS_PART)


def _fault(callback: str) -> str | None:
    """What is wrong with the text of a callback; None: nothing."""
    if not callback:
        return "is missing"
    if len(callback) > CALLBACK_LIMIT:
        return f"is longer than {CALLBACK_LIMIT} characters"
    if not re.fullmatch(r"[!-~]+", callback):
        return "must be a percent-encoded URL in ASCII, without spaces and control characters"
    try:
        parts = urlsplit(callback)
        _port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an absolute http or https URL"
    if "@" in parts.netloc:
        return "must not contain a user name or password"
    if "#" in callback:
        return "must not have a fragment"
    if _ENDS_IN_NUMBER.search(parts.hostname) and not _IPV4_ADDRESS.fullmatch(parts.hostname):
        return "has an IPv4 address that is not four decimal numbers"
    return None
