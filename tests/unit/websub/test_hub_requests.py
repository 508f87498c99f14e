"""Requests to the hub are accepted or refused from their text alone."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from syndicator.model.outbox import Mode, Verification
from syndicator.websub.hub_requests import (
    Accepted,
    LeaseBounds,
    PublishRequest,
    Refused,
    host_quota,
    parse,
)
from syndicator.websub.topic_urls import normalized

TOPIC = "https://news.example.com/feeds/all.rss"
LEASE = LeaseBounds(min=timedelta(minutes=5), default=timedelta(days=10), max=timedelta(days=30))
FORM = "application/x-www-form-urlencoded"


def parse_form(
    form: object, kind: str = FORM, refusal: str | None = None
) -> Accepted | PublishRequest | Refused:
    body = form if isinstance(form, bytes) else urlencode(form, doseq=True).encode()  # type: ignore[arg-type]
    return parse(
        kind,
        body,
        known=lambda topic: topic if topic.startswith("https://news.example.com/feeds/") else None,
        refusal=lambda callback: refusal,
        lease=LEASE,
    )


def subscribe(**more: object) -> dict[str, object]:
    form = {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.callback": "https://Reader.example:8443/cb?k=%7e",
    }
    return form | {f"hub.{name}": value for name, value in more.items()}


def test_a_subscription() -> None:
    """The callback as it was written, our URL of the topic, and what its verification needs."""
    requested = TOPIC.replace("all", "%61ll")
    assert parse_form(subscribe(topic=requested, secret="ü", lease_seconds="600")) == Accepted(
        callback="https://Reader.example:8443/cb?k=%7e",
        host="reader.example",
        topic=TOPIC,
        verification=Verification(
            mode=Mode.SUBSCRIBE, topic=requested, lease=600, secret="ü".encode()
        ),
    )


def test_an_unsubscription_has_neither_lease_nor_secret() -> None:
    """Both are ignored, even if they are invalid (§5.1)."""
    result = parse_form(subscribe(mode="unsubscribe", secret="x" * 999, lease_seconds="-1"))
    assert isinstance(result, Accepted)
    assert result.verification == Verification(mode=Mode.UNSUBSCRIBE, topic=TOPIC)


def test_an_empty_secret_is_none() -> None:
    """An empty key gives no protection."""
    result = parse_form(subscribe(secret=""))
    assert isinstance(result, Accepted)
    assert result.verification.secret is None


def test_an_address_that_is_not_allowed_is_refused() -> None:
    """With a reason that a client may see."""
    result = parse_form(subscribe(), refusal="is not at a public address")
    assert result == Refused(status=400, text="hub.callback is not at a public address")


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("127.0.0.1", True),  # `refusal` decides whether it is allowed
        ("[::1]", True),
        ("a.example", True),
        ("a1.2b", True),
        ("localhost", True),
        ("127.1", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("0x7f000001", False),
        ("017700000001", False),
        ("127.0.0.01", False),
        ("127.0.0.1.", False),
        ("1.2.3.4.5", False),
        ("a.0x", False),
    ],
)
def test_an_ipv4_address_is_four_decimal_numbers(host: str, accepted: bool) -> None:
    """To a resolver, a host that ends in a number is an address (WHATWG URL); we are strict."""
    assert isinstance(parse_form(subscribe(callback=f"http://{host}/")), Accepted) == accepted


@pytest.mark.parametrize("name", ["hub.url", "hub.topic"])
def test_a_publish(name: str) -> None:
    """Both names are allowed, and several topics; each is listed once."""
    assert parse_form({"hub.mode": "publish", name: [TOPIC, f"{TOPIC}2", TOPIC]}) == PublishRequest(
        topics=(TOPIC, f"{TOPIC}2")
    )


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"hub.mode": "publish"}, 400),
        ({"hub.mode": "publish", "hub.url": [TOPIC, "https://elsewhere.example/"]}, 404),
        (subscribe(topic="https://elsewhere.example/"), 404),
        (subscribe(topic=[TOPIC, TOPIC]), 400),
        (subscribe(mode=["subscribe", "unsubscribe"]), 400),
        (subscribe(mode="Subscribe"), 400),
        (subscribe(secret="x" * 200), 400),
        (subscribe(lease_seconds="1e3"), 400),
        (b"hub.mode=%ff", 400),
        (b"\xff", 400),
        (b"", 400),
        (b"&".join([b"a=b"] * 201), 400),
    ],
)
def test_refused_requests(form: object, status: int) -> None:
    """Each kind of mistake has its own 4xx status."""
    result = parse_form(form)
    assert isinstance(result, Refused)
    assert result.status == status


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/json", "multipart/form-data; boundary=x"]
)
def test_only_forms(kind: str) -> None:
    """§5.1 allows one type."""
    result = parse_form(subscribe(), kind=kind)
    assert isinstance(result, Refused)
    assert result.status == 415


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/%7Ejo/%61%2d%5f%2E%39", "https://a.example/~jo/a-_.9"),
        ("https://a.example/b%c3%bc%2f?x=%3d", "https://a.example/b%C3%BC%2F?x=%3D"),
        ("HTTPS://A.Example/B", "https://a.example/B"),
        ("https://A.example?B", "https://a.example?B"),
        ("https://a.example/%", "https://a.example/%"),
        ("https://a.example/%zz", "https://a.example/%zz"),
        ("all.rss", "all.rss"),
    ],
)
def test_urls_are_normalized(url: str, expected: str) -> None:
    """RFC 3986 §6.2.2: unreserved characters decoded, digits upper case, scheme and host lower."""
    assert normalized(url) == expected


@pytest.mark.parametrize("requested", ["", "0", "00", None])
def test_no_lease_and_a_lease_of_zero_are_the_default(requested: str | None) -> None:
    """Subscribers send both when they leave it to the hub (PubSubHubbub 0.3 §6.1)."""
    form = subscribe() if requested is None else subscribe(lease_seconds=requested)
    accepted = parse_form(form)
    assert isinstance(accepted, Accepted)
    assert accepted.verification.lease == 864000


@pytest.mark.parametrize(
    ("requested", "granted"),
    [(None, 864000), (1, 300), (300, 300), (7200, 7200), (2592001, 2592000)],
)
def test_a_lease_is_kept_within_bounds(requested: int | None, granted: int) -> None:
    """None gets the default."""
    assert LEASE.granted(requested) == granted


def publish(urls: list[str], most: int = 600) -> tuple[object, list[str], list[int]]:
    """The result of a publish request, the topics looked up, and the numbers counted."""
    looked_up, counted = list[str](), list[int]()
    result = parse(
        FORM,
        urlencode([("hub.mode", "publish"), *(("hub.url", url) for url in urls)]).encode(),
        known=lambda url: (looked_up.append(url), url if url.endswith(".rss") else None)[1],
        refusal=lambda callback: None,
        lease=LEASE,
        allowed=lambda number: (counted.append(number), number <= most)[1],
    )
    return result, looked_up, counted


def test_spellings_of_one_topic_are_looked_up_once() -> None:
    """But each counts against the limit."""
    spellings = [
        TOPIC,
        TOPIC.replace("all", "%61ll"),
        TOPIC.replace("https", "HTTPS"),
        TOPIC.replace("news", "NEWS"),
    ]
    assert publish(spellings * 40) == (PublishRequest(topics=(TOPIC,)), [TOPIC], [160])


def test_a_publish_is_bounded() -> None:
    """No lookup beyond the client's limit or the request's, or after an unknown topic."""
    topics = [f"https://news.example.com/{number}.rss" for number in range(101)]
    result, looked_up, _ = publish(topics, most=100)
    assert (result, looked_up) == (
        Refused(status=429, text="Too many topics from your address", wait=60),
        [],
    )
    result, looked_up, _ = publish(topics)
    assert (isinstance(result, Refused) and result.status, looked_up) == (400, [])
    result, looked_up, _ = publish(["https://x.example/", *topics[:99]])
    assert (isinstance(result, Refused) and result.status, looked_up) == (
        404,
        ["https://x.example/"],
    )


@pytest.mark.parametrize(
    ("limit", "in_all", "most"),
    [(5000, 100_000, 5000), (5000, 3000, 1500), (5000, 30, 15), (5000, 2, 10), (3, 100_000, 3)],
)
def test_one_host_never_gets_all_places(limit: int, in_all: int, most: int) -> None:
    """It gets its own limit or half of all, whichever is less; a few are always allowed."""
    assert host_quota(limit, in_all, 2) == most
