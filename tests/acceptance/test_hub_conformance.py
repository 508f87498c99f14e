"""The hub, tested over HTTP: each requirement of W3C WebSub on hubs, and misbehaving subscribers.

§ means https://www.w3.org/TR/websub/. Tests of a MUST or SHOULD are numbered in the order of the
text.
"""

import hmac
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from email.message import Message
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import requests
from command import AT_ONCE, PATIENCE, free_port
from hubsite import LIMITS, Received, Reply, Running, Site, Subscriber, agree
from msgspec.structs import replace

from syndicator.store import audiences

NUMBERS = count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests: each has its own topic and its own reader.

    With SYNDICATOR_RUNNING=path/to/syndicator.toml it is the daemon that runs with this config, see
    `Running`.
    """
    running = os.environ.get("SYNDICATOR_RUNNING")
    site = (
        Running(Path(running))
        if running
        else Site(
            tmp_path_factory.mktemp("site"), limits=replace(LIMITS, client=100_000, host=100_000)
        )
    )
    yield site
    site.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """A site of its own, for a test that sets its clock or reaches its limits."""
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def topic(site: Site) -> str:
    return site.begin(f"{next(NUMBERS)}/all.rss")


@pytest.fixture
def reader() -> Iterator[Subscriber]:
    reader = Subscriber()
    yield reader
    reader.close()


def links(header: str) -> list[tuple[str, str]]:
    return re.findall(r'<([^>]*)>; rel="([^"]*)"', header)


def plain(response: requests.Response) -> str:
    """The text of a refusal, which must be readable for people."""
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.text.strip()
    return response.text


# ---- requests (§5.1)


def test_h01_a_form_is_accepted(site: Site, topic: str, reader: Subscriber) -> None:
    """A POST with hub.mode, hub.topic and hub.callback; the type may have a charset."""
    form = urlencode(
        {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": f"{reader.url}/cb"}
    )
    for kind in (
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
    ):
        assert site.ask(form, **{"Content-Type": kind}).status_code == 202
    site.until(lambda: bool(site.live(topic)))


def test_h02_the_answer_is_202(site: Site, topic: str, reader: Subscriber) -> None:
    """The verification follows at once."""
    assert site.subscribe(topic, f"{reader.url}/cb").status_code == 202
    reader.wait(1, "GET")


def test_h03_the_answer_does_not_depend_on_the_verification(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """A callback that refuses, one that hangs and a missing one all get 202 at once."""
    hang = threading.Event()
    reader.verify = lambda received: (
        (404, {}, b"") if hang.wait(PATIENCE) or "no" in received.target else (200, {}, b"")
    )
    closed = f"http://127.0.0.1:{free_port()}/"
    for callback in (f"{reader.url}/no", f"{reader.url}/hang", closed, "http://x.invalid/"):
        began = time.monotonic()
        assert site.subscribe(topic, callback).status_code == 202
        assert time.monotonic() - began < AT_ONCE
    hang.set()
    assert site.live(topic) == set()


BAD = {
    "no mode": {"hub.mode": None},
    "an unknown mode": {"hub.mode": "denied"},
    "no topic": {"hub.topic": None},
    "an empty topic": {"hub.topic": ""},
    "two topics": {"hub.topic": ["https://a.example/", "https://b.example/"]},
    "a topic of another site": {"hub.topic": "https://elsewhere.example/feed"},
    "a topic that is not a URL": {"hub.topic": "all.rss"},
    "no callback": {"hub.callback": None},
    "an empty callback": {"hub.callback": ""},
    "two callbacks": {"hub.callback": ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]},
    "a relative callback": {"hub.callback": "/cb"},
    "an FTP callback": {"hub.callback": "ftp://127.0.0.1/cb"},
    "a file callback": {"hub.callback": "file:///etc/passwd"},
    "a JavaScript callback": {"hub.callback": "javascript:alert(1)"},
    "a callback with a user": {"hub.callback": "http://a:b@127.0.0.1/cb"},
    "a callback with a line break": {"hub.callback": "http://127.0.0.1/cb\r\nX-Y: z"},
    "a callback with a space": {"hub.callback": "http://127.0.0.1/c b"},
    "a callback with a NUL": {"hub.callback": "http://127.0.0.1/\0"},
    "a callback not in ASCII": {"hub.callback": "http://127.0.0.1/ü"},
    "a callback with a fragment": {"hub.callback": "http://127.0.0.1/cb#x"},
    "a callback without a host": {"hub.callback": "http:///cb"},
    "a callback with a bad port": {"hub.callback": "http://127.0.0.1:99999/"},
    "a callback at the SMTP port": {"hub.callback": "http://127.0.0.1:25/"},
    "a callback at the port of another protocol": {"hub.callback": "https://127.0.0.1:10080/"},
    "a callback with half an IPv6 address": {"hub.callback": "http://[::1/"},
    "a callback too long": {"hub.callback": "http://127.0.0.1/" + "a" * 1500},
    "a negative lease": {"hub.lease_seconds": "-5"},
    "a lease in words": {"hub.lease_seconds": "long"},
    "half a second": {"hub.lease_seconds": "0.5"},
    "a lease in non-ASCII digits": {"hub.lease_seconds": "٣"},
    "two leases": {"hub.lease_seconds": ["600", "700"]},
    "a long secret": {"hub.secret": "x" * 200},
    "two secrets": {"hub.secret": ["a", "b"]},
}


@pytest.mark.parametrize("bad", BAD)
def test_h04_a_bad_request_is_refused(site: Site, topic: str, reader: Subscriber, bad: str) -> None:
    """With 4xx and a readable text, and without a request to any server."""
    form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": f"{reader.url}/cb"}
    form |= BAD[bad]
    response = site.ask({name: value for name, value in form.items() if value is not None})
    assert 400 <= response.status_code < 500
    assert "hub." in plain(response)
    assert site.queued(topic) == 0
    assert reader.received == []


def test_h04_only_forms_are_accepted(site: Site) -> None:
    """JSON, multipart, invalid UTF-8, too many fields, long bodies, other methods are refused."""
    assert site.ask("{}", **{"Content-Type": "application/json"}).status_code == 415
    assert site.ask("a", **{"Content-Type": "multipart/form-data; boundary=x"}).status_code == 415
    assert site.ask(b"hub.mode=%ff&hub.topic=\xff").status_code == 400
    assert site.ask("&".join("a=b" for _ in range(500))).status_code == 400
    assert site.ask(b"hub.mode=" + b"x" * 20_000).status_code == 413
    for method in ("PUT", "DELETE", "PATCH"):
        response = requests.request(method, site.url, timeout=4)
        assert response.status_code == 405
        assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_h05_only_our_own_topics(site: Site, topic: str, reader: Subscriber) -> None:
    """Topics of other sites, and URLs similar to ours, are refused and never fetched."""
    for other in (
        f"{reader.url}/feed.xml",
        f"{topic}x",
        topic.replace("://", "://x."),
        f"{topic}?a=b",
    ):
        assert site.subscribe(other, f"{reader.url}/cb").status_code == 404
        assert site.ask({"hub.mode": "publish", "hub.url": other}).status_code == 404
    assert reader.received == []


def test_h06_unknown_parameters_are_ignored(site: Site, topic: str, reader: Subscriber) -> None:
    """From old versions, from other programs, and with the prefix `hub.`."""
    more = {
        "foo": "bar",
        "hub.foo": "hub.bar",
        "hub.verify": ["sync", "async"],
        "hub.verify_token": "x",
    }
    form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": f"{reader.url}/cb"}
    assert site.ask(form | more).status_code == 202
    assert "foo" not in reader.wait(1, "GET")[0].target


def test_h07_subscribing_again_is_one_subscription(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """It causes no delivery, and a change still causes one."""
    site.follow(reader, topic)
    site.change(topic)
    reader.wait(1)
    site.follow(reader, topic)
    reader.wait(2, "GET")
    site.wait_until_idle(topic)
    assert len(reader.of("POST")) == 1
    site.change(topic)
    reader.wait(2)
    site.wait_until_idle(topic)
    assert len(reader.of("POST")) == 2


def test_h07_a_failed_renewal_changes_nothing(own: Site, reader: Subscriber) -> None:
    """Neither secret nor lease of the verified subscription."""
    topic = own.begin("all.rss")
    own.follow(reader, topic, secret="old", lease_seconds=86400)
    reader.verify = lambda received: (200, {}, b"no")
    own.subscribe(topic, f"{reader.url}/cb", secret="new", lease_seconds=300)
    reader.wait(2, "GET")
    own.wait_until_idle(topic)
    own.ahead = timedelta(hours=1)
    own.change(topic)
    (delivery,) = reader.wait(1)
    assert (
        delivery.headers["X-Hub-Signature"]
        == f"sha256={hmac.digest(b'old', delivery.body, 'sha256').hex()}"
    )


@pytest.mark.parametrize("secret", ["new", None])
def test_h08_a_renewal_replaces_the_secret(
    site: Site, topic: str, reader: Subscriber, secret: str | None
) -> None:
    """By another one, or by none."""
    site.follow(reader, topic, secret="old")
    site.subscribe(topic, f"{reader.url}/cb", **({} if secret is None else {"secret": secret}))
    reader.wait(2, "GET")
    site.wait_until_idle(topic)
    site.change(topic)
    (delivery,) = reader.wait(1)
    expected = (
        None
        if secret is None
        else f"sha256={hmac.digest(secret.encode(), delivery.body, 'sha256').hex()}"
    )
    assert delivery.headers.get("X-Hub-Signature") == expected


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        (None, 864000),
        ("", 864000),
        ("7200", 7200),
        ("0007200", 7200),
        ("1", 300),
        ("99999999", 2592000),
        ("9" * 400, 2592000),
    ],
)
def test_h09_a_lease_is_kept_within_bounds(
    site: Site, topic: str, reader: Subscriber, requested: str | None, granted: int
) -> None:
    """The verification states the granted lease."""
    site.subscribe(
        topic, f"{reader.url}/cb", **({} if requested is None else {"lease_seconds": requested})
    )
    assert reader.wait(1, "GET")[0]["lease_seconds"] == str(granted)


def test_h09_a_lease_is_ignored_when_unsubscribing(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """Even an invalid one."""
    site.follow(reader, topic)
    assert (
        site.subscribe(topic, f"{reader.url}/cb", "unsubscribe", lease_seconds="x").status_code
        == 202
    )
    assert "hub.lease_seconds" not in reader.wait(2, "GET")[1].query


def test_h10_a_lease_ends(own: Site, reader: Subscriber) -> None:
    """No delivery follows; a renewed subscription continues."""
    topic = own.begin("all.rss")
    own.follow(reader, topic, "/ends", lease_seconds=600)
    own.follow(reader, topic, "/goes-on", lease_seconds=7200)
    own.ahead = timedelta(seconds=601)
    own.change(topic)
    own.wait_until_idle(topic)
    assert [received.target for received in reader.wait(1)] == ["/goes-on"]


def test_h11_a_secret_has_fewer_than_200_bytes(site: Site, topic: str, reader: Subscriber) -> None:
    """Bytes, not characters; 199 are allowed, of any value."""
    assert site.subscribe(topic, f"{reader.url}/cb", secret="ü" * 100).status_code == 400
    secret = "ü" * 99 + "!"
    site.follow(reader, topic, secret=secret)
    site.change(topic)
    (delivery,) = reader.wait(1)
    assert (
        delivery.headers["X-Hub-Signature"]
        == f"sha256={hmac.digest(secret.encode(), delivery.body, 'sha256').hex()}"
    )


def test_h12_callbacks_by_http_and_https(site: Site, topic: str) -> None:
    """Both are accepted, and https is used for https (it fails here, without a certificate)."""
    with socket.create_server(("127.0.0.1", 0)) as plain_socket:
        plain_socket.settimeout(4)
        callback = f"https://127.0.0.1:{plain_socket.getsockname()[1]}/cb"
        assert site.subscribe(topic, callback).status_code == 202
        connection, _ = plain_socket.accept()
        with connection:
            assert connection.recv(1) == b"\x16"  # a TLS handshake


def test_h13_unreserved_characters_may_be_encoded(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """`%61` is `a`; the verification still has the topic as it was requested."""
    requested = topic.replace("all", "%61l%6C").replace("http", "HTTP")
    site.subscribe(requested, f"{reader.url}/cb")
    assert reader.wait(1, "GET")[0]["topic"] == requested
    site.until(lambda: bool(site.live(topic)))
    assert site.live(topic) == {(topic, f"{reader.url}/cb")}


def test_h15_unsubscribing_is_verified(site: Site, topic: str, reader: Subscriber) -> None:
    """After it nothing is sent. Unsubscribing without a subscription is not an error."""
    site.follow(reader, topic)
    for _ in range(2):
        assert site.subscribe(topic, f"{reader.url}/cb", "unsubscribe").status_code == 202
        site.wait_until_idle(topic)
    assert [received["mode"] for received in reader.of("GET")] == [
        "subscribe",
        "unsubscribe",
        "unsubscribe",
    ]
    site.change(topic)
    site.wait_until_idle(topic)
    assert reader.of("POST") == []


def test_h15_a_forged_unsubscribe_ends_nothing(site: Site, topic: str, reader: Subscriber) -> None:
    """The callback refuses, and its subscription continues."""
    site.follow(reader, topic)
    reader.verify = lambda received: (404, {}, received["challenge"].encode())
    site.subscribe(topic, f"{reader.url}/cb", "unsubscribe")
    reader.wait(2, "GET")
    site.wait_until_idle(topic)
    site.change(topic)
    reader.wait(1)


def test_h15_a_forged_unsubscribe_does_not_replace_a_subscribe(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """Both are verified, whichever came later."""
    go = threading.Event()

    def confirm_subscribe(received: Received) -> Reply:
        go.wait(4)
        return (
            (200, {}, received["challenge"].encode())
            if received["mode"] == "subscribe"
            else (404, {}, b"")
        )

    reader.verify = confirm_subscribe
    site.subscribe(topic, f"{reader.url}/cb")
    site.subscribe(topic, f"{reader.url}/cb", "unsubscribe")
    go.set()
    site.wait_until_idle(topic)
    assert site.live(topic) == {(topic, f"{reader.url}/cb")}


@pytest.mark.parametrize(
    "modes", [["subscribe", "unsubscribe"], ["subscribe", "unsubscribe", "subscribe"]]
)
def test_the_last_request_decides(
    site: Site, topic: str, reader: Subscriber, modes: list[str]
) -> None:
    """However soon it follows another, and however long the callback takes to answer that."""

    def slowly(received: Received) -> Reply:
        if received["mode"] == modes[-2]:
            with reader.arrival:  # long enough for the next verification to arrive
                number = len(reader.of("GET"))
                reader.arrival.wait_for(lambda: len(reader.of("GET")) > number, 0.3)
        return agree(received)

    reader.verify = slowly
    for mode in modes:
        site.subscribe(topic, f"{reader.url}/cb", mode)
    site.wait_until_idle(topic)
    assert bool(site.live(topic)) == (modes[-1] == "subscribe")


# ---- verification and denial (§5.2, §5.3)


def test_h16_the_verification(site: Site, topic: str, reader: Subscriber) -> None:
    """A GET with mode, topic, challenge and lease, and no other parameter."""
    site.subscribe(topic, f"{reader.url}/cb", lease_seconds=7200)
    (received,) = reader.wait(1, "GET")
    assert (received["mode"], received["topic"], received["lease_seconds"]) == (
        "subscribe",
        topic,
        "7200",
    )
    assert set(received.query) == {"hub.mode", "hub.topic", "hub.challenge", "hub.lease_seconds"}
    assert received.body == b""
    assert received.target.split("?")[0] == "/cb"


def test_h17_a_challenge_is_random_and_used_once(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """Its characters are safe for any subscriber, and it is too long to be guessed."""
    for mode in ("subscribe", "subscribe", "unsubscribe"):
        site.subscribe(topic, f"{reader.url}/cb", mode)
        site.wait_until_idle(topic)
    challenges = [received["challenge"] for received in reader.of("GET")]
    assert len(set(challenges)) == 3
    assert all(re.fullmatch(r"[+\-./0-9=A-Z_a-z]{20,100}", challenge) for challenge in challenges)


@pytest.mark.parametrize(
    "callback",
    [
        "/cb?token=%7e%7E~%2f%2F&b=1&a=2&&c&=d",
        "/cb?hub.mode=mine&hub.topic=mine&hub.challenge=mine",
        "/cb?",
        "/cb?x=a+b%20c",
        "/p%61th/../cb;v=1?q=[]{}|^'\"",
    ],
)
def test_h18_the_callbacks_own_query_is_kept(
    site: Site, topic: str, reader: Subscriber, callback: str
) -> None:
    """Byte for byte, before our parameters, in the verification and in the delivery."""
    challenge = re.compile(r"hub\.challenge=([\w-]{20,})")
    reader.verify = lambda received: (200, {}, challenge.search(received.target)[1].encode())  # type: ignore[index]
    site.follow(reader, topic, callback)
    target = reader.wait(1, "GET")[0].target
    assert target.startswith(callback)
    assert re.match(r"\??&?hub\.mode=subscribe&hub\.topic=", target[len(callback) :])
    assert f"hub.topic={quote(topic, safe='')}" in target.replace("%3A", "%3A")
    site.change(topic)
    assert reader.wait(1)[0].target == callback


WRONG: dict[str, object] = {
    "another body": lambda received: (200, {}, b"ok"),
    "an empty body": lambda received: (200, {}, b""),
    "a line break after it": lambda received: (200, {}, received["challenge"].encode() + b"\n"),
    "a space before it": lambda received: (200, {}, b" " + received["challenge"].encode()),
    "half of it": lambda received: (200, {}, received["challenge"].encode()[:-1]),
    "another case": lambda received: (200, {}, received["challenge"].swapcase().encode()),
    "within a page": lambda received: (200, {}, f"<p>{received['challenge']}</p>".encode()),
    "repeated": lambda received: (200, {}, received["challenge"].encode() * 1000),
    "with 404": lambda received: (404, {}, received["challenge"].encode()),
    "with 500": lambda received: (500, {}, received["challenge"].encode()),
    "with 304": lambda received: (304, {}, b""),
    "no content": lambda received: (204, {}, b""),
    "with 302 to a confirming URL": lambda received: (
        302,
        {"Location": f"/agrees?hub.challenge={received['challenge']}"},
        received["challenge"].encode(),
    ),
    "with 307 to a confirming URL": lambda received: (
        307,
        {"Location": f"/agrees?hub.challenge={received['challenge']}"},
        b"",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("mode", ["subscribe", "unsubscribe"])
def test_h19_only_2xx_with_the_exact_challenge_confirms(
    site: Site, topic: str, reader: Subscriber, wrong: str, mode: str
) -> None:
    """Any other answer refuses, for both modes; a redirect is not followed."""
    if mode == "unsubscribe":
        site.follow(reader, topic)
    before = site.live(topic)
    reader.received.clear()
    reader.verify = WRONG[wrong]  # type: ignore[assignment]
    site.subscribe(topic, f"{reader.url}/cb", mode)
    reader.wait(1, "GET")
    site.wait_until_idle(topic)
    assert site.live(topic) == before
    assert [received.target.split("?")[0] for received in reader.received] == ["/cb"]


@pytest.mark.parametrize(
    "reply",
    [(200, "text/plain"), (201, "application/octet-stream"), (202, "text/html"), (299, "x/y")],
)
def test_h19_any_2xx_and_any_type_confirms(
    site: Site, topic: str, reader: Subscriber, reply: tuple[int, str]
) -> None:
    """A subscriber may choose a type that is safe for it."""
    status, kind = reply
    reader.verify = lambda received: (
        status,
        {"Content-Type": kind},
        received["challenge"].encode(),
    )
    site.follow(reader, topic)


def test_h19_a_replayed_challenge_refuses(site: Site, topic: str, reader: Subscriber) -> None:
    """A challenge is valid only for its own request."""
    challenges: list[bytes] = []

    def replay(received: Received) -> Reply:
        challenges.append(received["challenge"].encode())
        return 200, {}, challenges[0]

    reader.verify = replay
    site.follow(reader, topic)
    site.subscribe(topic, f"{reader.url}/cb", "unsubscribe")
    reader.wait(2, "GET")
    site.wait_until_idle(topic)
    assert len(site.live(topic)) == 1


def test_h19_an_endless_answer_refuses(site: Site, topic: str) -> None:
    """A slow stream of bytes ends at the timeout, and others are verified meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        site.subscribe(topic, f"http://127.0.0.1:{server.getsockname()[1]}/cb")
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
            good = Subscriber()
            site.follow(good, topic)
            good.close()
            began = time.monotonic()
            with suppress(OSError):
                while time.monotonic() - began < PATIENCE:
                    connection.sendall(b"x")
                    time.sleep(0.02)
            assert time.monotonic() - began < AT_ONCE
    site.wait_until_idle(topic)
    assert len(site.live(topic)) == 1


def test_h19_an_unanswered_verification_is_retried(tmp_path: Path) -> None:
    """A subscriber that restarts at that time is still subscribed."""
    site, away = Site(tmp_path, retry=(0.5, 0.5)), Subscriber()
    topic, port = site.begin("all.rss"), away.server.server_port
    away.close()
    site.subscribe(topic, f"{away.url}/cb")
    site.until(lambda: site.errors() == ["it refused the connection"])
    back = Subscriber(port=port)
    back.wait(1, "GET")
    site.wait_until_idle(topic)
    assert site.live(topic) == {(topic, f"{away.url}/cb")}
    site.close()
    back.close()


def test_h20_when_a_topic_ends_its_subscribers_are_denied(own: Site, reader: Subscriber) -> None:
    """Each gets a GET with `denied` and the topic; after that the topic is unknown."""
    topic = own.begin("all.rss")
    own.follow(reader, topic, "/cb?k=1")
    own.drop(topic)
    denied = reader.wait(2, "GET")[1]
    assert (denied["mode"], denied["topic"]) == ("denied", topic)
    assert denied.target.startswith("/cb?k=1&hub.mode=denied&")
    assert "hub.challenge" not in denied.query
    own.wait_until_idle(topic)
    assert own.live(topic) == set()
    assert own.subscribe(topic, f"{reader.url}/cb").status_code == 404


@pytest.mark.parametrize("reply", [200, 503])
def test_h20_a_topic_that_ends_during_a_verification(
    own: Site, reader: Subscriber, reply: int
) -> None:
    """The callback gets `denied` afterwards, whatever it answered, and no subscription is left."""
    topic, dropped = own.begin("all.rss"), threading.Event()

    def confirm(received: Received) -> Reply:
        dropped.wait(2)
        return (
            reply if "hub.challenge" in received.query else 200,
            {},
            received.query.get("hub.challenge", [""])[0].encode(),
        )

    reader.verify = confirm
    own.subscribe(topic, f"{reader.url}/cb")
    reader.wait(1, "GET")
    own.drop(topic)
    dropped.set()
    modes = [received["mode"] for received in reader.wait(2, "GET")]
    own.wait_until_idle(topic)
    assert (modes, own.live(topic)) == (["subscribe", "denied"], set())


def test_unsubscribing_and_subscribing_during_a_delivery(own: Site, reader: Subscriber) -> None:
    """The next delivery starts when that one ended: never two at once, never the older last."""
    topic, hold = own.begin("all.rss"), threading.Event()
    own.follow(reader, topic)
    delivered: list[bytes] = []

    def slow(received: Received) -> Reply:
        if len(reader.of("POST")) == 1:
            hold.wait(1.5)
        delivered.append(received.body)
        return 200, {}, b""

    reader.receive = slow
    first = own.change(topic)
    reader.wait(1)
    own.subscribe(topic, f"{reader.url}/cb", "unsubscribe")
    own.until(lambda: not own.live(topic))
    own.follow(reader, topic)
    newest = own.change(topic)
    own.until(lambda: own.queued(topic) == 2 or len(delivered) == 1)
    hold.set()
    own.wait_until_idle(topic)
    assert delivered == [first, newest]


def test_h21_the_host_header_is_the_callbacks(site: Site, topic: str, reader: Subscriber) -> None:
    """With its port."""
    site.follow(reader, topic)
    host = reader.url.removeprefix("http://")
    assert reader.wait(1, "GET")[0].headers["Host"] == host


# ---- distribution (§7)


def test_h23_h24_h25_h26_the_delivery(site: Site, topic: str, reader: Subscriber) -> None:
    """A POST with the topic's bytes and type, and one Link header: our hub first, and self."""
    site.follow(reader, topic, "/cb?token=hush")
    new = site.change(topic)
    (delivery,) = reader.wait(1)
    assert (delivery.target, delivery.body) == ("/cb?token=hush", new)
    headers = Message()
    for name, value in delivery.headers.items():
        headers[name] = value
    assert headers.get_all("Content-Type") == ["application/rss+xml; charset=utf-8"]
    (link,) = headers.get_all("Link") or []
    assert links(link) == [(site.url, "hub"), ("https://other.example/", "hub"), (topic, "self")]
    assert headers.get_all("Content-Length") == [str(len(new))]
    assert "Content-Encoding" not in headers
    assert "X-Hub-Signature" not in headers


def test_h24_nothing_is_sent_before_a_change(site: Site, topic: str, reader: Subscriber) -> None:
    """The first delivery is that of the next change."""
    site.follow(reader, topic)
    site.wait_until_idle(topic)
    assert reader.of("POST") == []


def test_a_change_during_the_verification_is_sent(own: Site, reader: Subscriber) -> None:
    """A subscriber has the version of its request: it gets a later one, once."""
    topic, quiet = own.begin("all.rss"), own.begin("quiet.rss")
    go = threading.Event()
    reader.verify = lambda received: (
        200 if go.wait(1.5) else 500,
        {},
        received["challenge"].encode(),
    )
    for each in (topic, quiet):
        own.subscribe(each, f"{reader.url}/cb")
    reader.wait(2, "GET")
    newest = own.change(topic)
    go.set()
    reader.wait(1)
    for each in (topic, quiet):
        own.wait_until_idle(each)
        own.follow(reader, each)  # a renewal
        own.wait_until_idle(each)
    assert [received.body for received in reader.of("POST")] == [newest]


def test_h27_a_delivery_is_signed(site: Site, topic: str, reader: Subscriber) -> None:
    """HMAC-SHA256 of exactly the bytes sent, in lower case."""
    site.follow(reader, topic, secret="a b&c=ü")
    site.change(topic)
    (delivery,) = reader.wait(1)
    expected = hmac.digest("a b&c=ü".encode(), delivery.body, "sha256").hex()
    assert delivery.headers["X-Hub-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_h28_any_2xx_is_success(site: Site, topic: str, reader: Subscriber, status: int) -> None:
    """It is not retried."""
    site.follow(reader, topic)
    reader.receive = lambda received: (status, {}, b"")
    site.change(topic)
    reader.wait(1)
    site.wait_until_idle(topic)
    assert len(reader.of("POST")) == 1


def test_h28_gone_ends_the_subscription(site: Site, topic: str, reader: Subscriber) -> None:
    """After a 410 nothing is sent."""
    site.follow(reader, topic)
    reader.receive = lambda received: (410, {}, b"")
    site.change(topic)
    reader.wait(1)
    site.wait_until_idle(topic)
    assert site.live(topic) == set()
    site.change(topic)
    site.wait_until_idle(topic)
    assert len(reader.of("POST")) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 403, 404, 429, 500, 503])
def test_h28_every_other_status_is_failure(
    site: Site, topic: str, reader: Subscriber, status: int
) -> None:
    """Even a redirect, which is not followed. Each is retried."""
    site.follow(reader, topic)
    replies = iter([status])
    reader.receive = lambda received: (next(replies, 200), {"Location": "/elsewhere"}, b"")
    site.change(topic)
    assert [received.target for received in reader.wait(2)] == ["/cb", "/cb"]
    site.wait_until_idle(topic)
    assert [received.target for received in reader.of("GET")] == [reader.of("GET")[0].target]


def test_h29_the_body_of_the_answer_is_ignored(site: Site, topic: str, reader: Subscriber) -> None:
    """Whatever its length and content."""
    site.follow(reader, topic)
    reader.receive = lambda received: (
        200,
        {"Content-Type": "text/html"},
        b"500 error 410 gone " * 50_000,
    )
    site.change(topic)
    reader.wait(1)
    site.wait_until_idle(topic)
    assert (len(reader.of("POST")), len(site.live(topic))) == (1, 1)


def test_h30_h31_after_giving_up_the_subscription_continues(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """One attempt and one after each wait; then the job is given up; the next change is sent."""
    site.follow(reader, topic)
    reader.receive = lambda received: (500, {}, b"")
    site.change(topic)
    reader.wait(3)
    site.wait_until_idle(topic)
    assert (len(reader.of("POST")), len(site.live(topic))) == (3, 1)
    reader.receive = lambda received: (200, {}, b"")
    new = site.change(topic)
    assert reader.wait(4)[3].body == new


def test_h31_a_slow_subscriber_gets_the_newest_version_once(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """Older versions are skipped."""
    site.follow(reader, topic)
    hold = threading.Event()

    def slow(received: Received) -> Reply:
        hold.wait(4)
        return 200, {}, b""

    reader.receive = slow
    first = site.change(topic)
    reader.wait(1)
    newest = [site.change(topic) for _ in range(4)][-1]
    hold.set()
    site.wait_until_idle(topic)
    assert [received.body for received in reader.of("POST")] == [first, newest]


def test_slow_subscribers_delay_no_others(tmp_path: Path, reader: Subscriber) -> None:
    """Not even a hundred of them."""
    site = Site(tmp_path, timeout=PATIENCE)
    topic = site.begin("all.rss")
    hold = threading.Event()
    slow = Subscriber(receive=lambda received: (200 if hold.wait(PATIENCE) else 500, {}, b""))
    for number in range(100):
        site.subscribe(topic, f"{slow.url}/{number}")
    site.until(lambda: len(site.live(topic)) == 100)
    site.follow(reader, topic)
    site.change(topic)
    reader.wait(1, within=AT_ONCE)
    hold.set()
    slow.close()
    site.close()


# ---- publish


def test_publish_sends_the_newest_version_once(site: Site, topic: str, reader: Subscriber) -> None:
    """By `hub.url` or `hub.topic`, any number of times: a subscriber that has it gets nothing."""
    site.follow(reader, topic)
    for name in ("hub.url", "hub.topic"):
        for _ in range(3):
            assert 200 <= site.ask({"hub.mode": "publish", name: topic}).status_code < 300
    site.wait_until_idle(topic)
    assert [received.body for received in reader.of("POST")] == [site.body(topic)]


def test_publish_reaches_a_callback_that_is_being_verified(
    site: Site, topic: str, reader: Subscriber
) -> None:
    """A client that subscribes and then publishes gets the topic once its subscription began."""
    received, go = threading.Event(), threading.Event()

    def verify(request: Received) -> Reply:
        received.set()
        assert go.wait(PATIENCE)
        return agree(request)

    reader.verify = verify
    assert site.subscribe(topic, f"{reader.url}/cb").status_code == 202
    assert received.wait(PATIENCE)
    assert site.ask({"hub.mode": "publish", "hub.url": topic}).status_code == 202
    go.set()
    assert [delivery.body for delivery in reader.wait(1)] == [site.body(topic)]


def test_publish_sends_given_up_deliveries_too(site: Site, topic: str, reader: Subscriber) -> None:
    """Every subscriber without the newest version gets it, even one that was away for long."""
    site.follow(reader, topic)
    reader.receive = lambda received: (500, {}, b"")
    site.change(topic)
    reader.wait(3)
    site.wait_until_idle(topic)
    reader.receive = agree
    site.ask({"hub.mode": "publish", "hub.url": topic})
    assert reader.wait(4)[3].body == site.body(topic)


@pytest.mark.parametrize("form", [{}, {"hub.url": ""}, {"hub.url": "https://elsewhere.example/"}])
def test_publish_for_other_sites_is_refused(site: Site, form: dict[str, str]) -> None:
    """Nothing is fetched: the hub knows its own feeds."""
    assert 400 <= site.ask({"hub.mode": "publish"} | form).status_code < 500


# ---- strangers


INTERNAL = [
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.0.0.3:{port}/",
]


@pytest.mark.parametrize("callback", INTERNAL)
def test_strangers_can_not_reach_internal_addresses(tmp_path: Path, callback: str) -> None:
    """Only those in `allow_private` are connected to, however the address is written."""
    site = Site(tmp_path, allow_private=("127.0.0.2/32",))
    trap = Subscriber()
    allowed = Subscriber("127.0.0.2")
    topic = site.begin("all.rss")
    response = site.subscribe(topic, callback.format(port=trap.url.rpartition(":")[2]))
    assert 200 <= response.status_code < 500
    site.follow(allowed, topic)
    site.wait_until_idle(topic)
    assert trap.received == []
    site.close()
    trap.close()
    allowed.close()


def test_requests_are_limited_by_client_and_by_host(tmp_path: Path, reader: Subscriber) -> None:
    """Beyond the limit they get 429 with Retry-After."""
    site = Site(tmp_path, limits=replace(LIMITS, client=5, host=3))
    topic = site.begin("all.rss")
    codes = [site.subscribe(topic, f"{reader.url}/{n}").status_code for n in range(4)]
    assert codes == [202, 202, 202, 429]
    assert [site.subscribe(topic, f"http://127.0.0.{n}/").status_code for n in (3, 4)] == [202, 429]
    refused = site.subscribe(topic, f"{reader.url}/9")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    site.ahead = timedelta(minutes=1)
    assert site.subscribe(topic, f"{reader.url}/9").status_code == 202
    site.close()


def test_subscriptions_are_limited(tmp_path: Path, reader: Subscriber) -> None:
    """At the limit a new one is refused; an existing one can be renewed and ended."""
    site = Site(tmp_path, limits=replace(LIMITS, subscriptions=2))
    topic = site.begin("all.rss")
    site.follow(reader, topic, "/a")
    site.follow(reader, topic, "/b")
    assert site.subscribe(topic, f"{reader.url}/c").status_code == 503
    assert site.subscribe(topic, f"{reader.url}/b").status_code == 202
    assert site.subscribe(topic, f"{reader.url}/b", "unsubscribe").status_code == 202
    site.close()


def test_limits_on_pending_verifications_spare_renewals(tmp_path: Path, reader: Subscriber) -> None:
    """New ones are refused beyond ten of a host or client; renewals only beyond the total."""
    site = Site(tmp_path, limits=replace(LIMITS, pending=13))
    topic = site.begin("all.rss")
    callbacks = [f"{reader.url}/{name}" for name in "abc"]
    for callback in callbacks:
        site.follow(reader, topic, callback.removeprefix(reader.url))
    site.stop_pushing()
    assert {
        site.subscribe(topic, f"{reader.url}/{number}").status_code for number in range(10)
    } == {202}
    of_host, of_client = (
        site.subscribe(topic, f"http://127.0.0.{number}/").text for number in (1, 2)
    )
    assert (of_host, of_client) == (
        "Too many pending verifications for this callback's host.\n",
        "Too many pending verifications from your address.\n",
    )
    modes = ("subscribe", "unsubscribe", "subscribe")
    answers = [
        site.subscribe(topic, callback, mode)
        for callback, mode in zip(callbacks, modes, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [202] * 3
    refused = site.subscribe(topic, callbacks[0])
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert refused.text == "Too many pending verifications.\n"
    site.close()


def test_three_hundred_feeds_in_a_burst(own: Site, reader: Subscriber) -> None:
    """A reader subscribes to a whole site; the limits refuse none of its requests."""
    topics = [own.begin(f"tag/{number}.rss") for number in range(300)]
    for number, topic in enumerate(topics):
        assert own.subscribe(topic, f"{reader.url}/cb?k={number}").status_code == 202
    own.until(lambda: len(own.live()) == 300)


def test_a_page_for_people(site: Site) -> None:
    """GET returns an explanation with a link to the feeds; HEAD the same without the body."""
    page = requests.get(site.url, timeout=4)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert f'href="{site.home}"' in page.text
    head = requests.head(site.url, timeout=4)
    assert (head.status_code, head.text) == (200, "")
    assert head.headers["Content-Length"] == str(len(page.content))


def test_secrets_stay_secret(
    site: Site, topic: str, reader: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a secret nor a callback's token appears in an answer, a report or the log."""
    caplog.set_level(0)
    reader.receive = lambda received: (500, {}, b"")
    site.follow(reader, topic, "/cb?token=hush", secret="hushhush")
    site.change(topic)
    reader.wait(3)
    site.wait_until_idle(topic)
    with site.database.read() as connection:
        listed = repr(audiences.subscribers(connection, site.clock()))
    assert "hush" not in listed
    assert "127.0.0.1" in listed
    assert "hush" not in caplog.text
    assert "hush" not in site.subscribe("x", f"{reader.url}/cb?token=hush", secret="hushhush").text
