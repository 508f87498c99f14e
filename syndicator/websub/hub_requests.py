"""What is asked of the hub: a form, judged without asking anyone (W3C WebSub §5.1)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from syndicator.model.outbox import host_name

#: The longest callback. Addresses in use have some hundred characters; a PostgreSQL index takes 2,700 octets.
CALLBACK_LIMIT = 1500

#: Topics that one publish may name.
TOPICS_LIMIT = 100

#: Places that one host may have, however few there are in all.
FEW = 10

#: One host has at most half of all subscriptions, whatever its own limit is.
SUBSCRIPTIONS_PART = 2

#: Octets a secret must stay below (§5.1).
SECRET_LIMIT = 200

_FORM = "application/x-www-form-urlencoded"
_ONCE = ("hub.mode", "hub.callback", "hub.lease_seconds", "hub.secret")

#: A host that ends in a number is an IPv4 address however it is spelt: https://url.spec.whatwg.org/#ends-in-a-number-checker
_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
_PLAIN_ADDRESS = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")

_UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseBounds:
    """For how long a subscription is given."""

    min: timedelta
    default: timedelta
    max: timedelta

    def granted(self, asked: int | None) -> int:
        """Seconds: what was asked, within bounds; None: it wasn't said."""
        seconds = int(self.default.total_seconds()) if asked is None else asked
        return int(min(max(seconds, self.min.total_seconds()), self.max.total_seconds()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Nothing comes of it, and no request is made."""

    status: int
    text: str
    wait: int | None = None  #: seconds until it is worth asking again; None: it is not


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The callback is to be asked whether it meant it."""

    callback: str
    host: str  #: as limits count it, see `debts.host_name`
    topic: str  #: ours, as it stands in the feed
    mode: str  #: "subscribe" or "unsubscribe"
    detail: Mapping[
        str, Any
    ]  #: what the verification needs: mode, topic as it was given, lease, secret


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """Topics of ours that someone says have changed."""

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
    """What a request to the hub comes to.

    `known` gives our own spelling of a topic's URL, None for what is no topic of ours; `refusal` says why a
    callback's address is not allowed, None if nothing speaks against it. `allowed` counts the topics that a publish
    names, and says whether the client may ask for so many. Parameters nobody knows are ignored.
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
    except ValueError:  # of which UnicodeDecodeError is one
        return Refused(
            status=400,
            text="The form can't be read: UTF-8 is expected, and no more than 200 fields",
        )
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    if twice := [name for name in _ONCE if len(form.get(name, ())) > 1]:
        return Refused(status=400, text=f"{twice[0]} is there more than once")
    match form.get("hub.mode", [""])[0]:
        case "subscribe" | "unsubscribe" as mode:
            return _intent(mode, form, known, refusal, lease)
        case "publish":
            return _published(
                [*form.get("hub.url", ()), *form.get("hub.topic", ())], known, allowed
            )
        case "":
            return Refused(
                status=400, text="hub.mode is missing: subscribe, unsubscribe or publish"
            )
        case _:
            return Refused(status=400, text="hub.mode must be subscribe, unsubscribe or publish")


def _intent(
    mode: str,
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
        return Refused(status=400, text="hub.topic must be there once: the feed's rel=self address")
    if (topic := known(normalized(topics[0]))) is None:
        return Refused(
            status=404, text="hub.topic is no feed of ours: this hub carries the feeds of one site"
        )
    if reason := refusal(callback):
        return Refused(status=400, text=f"hub.callback {reason}")
    detail: dict[str, Any] = {"mode": mode, "topic": topics[0]}
    if mode == "subscribe":
        seconds = form.get("hub.lease_seconds", [""])[0]
        if seconds and not re.fullmatch(r"[0-9]*[1-9][0-9]*", seconds):
            return Refused(status=400, text="hub.lease_seconds must be a positive whole number")
        detail["lease"] = lease.granted(int(seconds[:12]) if seconds else None)
        secret = form.get("hub.secret", [""])[0].encode()
        if len(secret) >= SECRET_LIMIT:
            return Refused(
                status=400, text=f"hub.secret must be shorter than {SECRET_LIMIT} octets"
            )
        if secret:
            detail["secret"] = secret.hex()
    return Accepted(
        callback=callback, host=host_name(callback), topic=topic, mode=mode, detail=detail
    )


def _published(
    urls: Sequence[str], known: Callable[[str], str | None], allowed: Callable[[int], bool]
) -> PublishRequest | Refused:
    """Each URL counts against the client's limit, however it is spelt; a topic is looked up once."""
    if not urls:
        return Refused(status=400, text="hub.url is missing: the topic that changed")
    if not allowed(len(urls)):
        return Refused(status=429, text="Too many topics from your address", wait=60)
    spelt = dict.fromkeys(map(normalized, urls))
    if len(spelt) > TOPICS_LIMIT:
        return Refused(
            status=400, text=f"hub.url names more than {TOPICS_LIMIT} topics: send several requests"
        )
    topics = dict[str, None]()
    for url in spelt:
        if (topic := known(url)) is None:
            return Refused(
                status=404,
                text="hub.url is no feed of ours: this hub carries the feeds of one site",
            )
        topics[topic] = None
    return PublishRequest(topics=tuple(topics))


def host_quota(limit: int, in_all: int, part: int) -> int:
    """How many of all places one host may have: its own limit, or a part of all where that is less.

    `FEW` are always allowed, so that a small limit for all does not exclude a reader of several feeds.
    """
    return min(limit, max(FEW, in_all // part))


def _fault(callback: str) -> str | None:
    """What is wrong with a callback, as can be seen by looking at it; None: nothing."""
    if not callback:
        return "is missing"
    if len(callback) > CALLBACK_LIMIT:
        return f"is longer than {CALLBACK_LIMIT} characters"
    if not re.fullmatch(r"[!-~]+", callback):
        return "must be a URL in ASCII, percent-encoded, without spaces and control characters"
    try:
        parts = urlsplit(callback)
        _port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an absolute http or https URL"
    if "@" in parts.netloc:
        return "must not carry a user name or a password"
    if "#" in callback:
        return "must not have a fragment"
    if _NUMBER.search(parts.hostname) and not _PLAIN_ADDRESS.fullmatch(parts.hostname):
        return "has an address that is not spelt as addresses are"
    return None


def normalized(url: str) -> str:
    """A URL for comparing: `%7E` is `~` (§5.1.1), hexadecimal digits in capitals, scheme and host in small letters."""
    decoded = _UNRESERVED.sub(lambda match: chr(int(match[1], 16)), url)
    capital = _ESCAPE.sub(lambda match: match[0].upper(), decoded)
    scheme, colon, rest = capital.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    return f"{scheme.lower()}{colon}{rest[:end].lower()}{rest[end:]}" if colon else capital
