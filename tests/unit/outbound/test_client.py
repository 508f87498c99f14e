"""HTTP to the outside: whole timeouts, small reads, no redirects, and strangers only at public addresses."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from answering import OK, a_client, certified, get, serving
from command import AT_ONCE

from syndicator.model.outbox import Request
from syndicator.outbound import BODY_LIMIT
from syndicator.outbound.client import LOOKUPS


def test_an_exchange() -> None:
    """What was decided is what is sent, with our name and nothing of the environment's."""
    with (
        serving(
            b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nok"
        ) as server,
        a_client() as client,
    ):
        request = Request(
            method="POST",
            url=f"http://127.0.0.1:{server.port}/hub?a=1",
            headers={"X-Y": "z"},
            body=b"a=b",
        )
        answer = client.send(request)
    assert (answer.status, answer.headers["retry-after"], answer.body, answer.error) == (
        202,
        "7",
        b"ok",
        None,
    )
    assert server.requests == [
        b"POST /hub?a=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: syndicator (+https://a.example/)\r\nAccept: */*\r\nX-Y: z\r\nContent-Length: 3\r\n\r\na=b"
        % server.port
    ]


@pytest.mark.parametrize(
    "target",
    [
        "/cb?token=%7e%7E~%2f&x=[1]|{2}&&=&a=b+c%20d",
        "/a%2Fb/../c//d?",
        "/?k=%41",
        "/p;x=1?q?q#",
        "/'(*)!$,",
    ],
)
def test_the_target_is_sent_as_it_is_written(target: str) -> None:
    """W3C WebSub §5.1.1: a callback's query is kept. requests would decode %7e and urllib3 spell %2f as %2F."""
    with serving(OK) as server, a_client() as client:
        client.send(get(f"http://127.0.0.1:{server.port}{target}"))
    assert server.requests[0].split(b" ")[1].decode() == target.removesuffix("#")


@pytest.mark.parametrize(
    ("url", "target"), [("http://127.0.0.1:{}", "/"), ("http://127.0.0.1:{}?a=/b", "/?a=/b")]
)
def test_no_path_is_the_root(url: str, target: str) -> None:
    """RFC 9112 §3.2.1."""
    with serving(OK) as server, a_client() as client:
        client.send(get(url.format(server.port)))
    assert server.requests[0].split(b" ")[1].decode() == target


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers(status: int) -> None:
    """Nothing is followed: what a redirect means is decided elsewhere."""
    redirect = b"HTTP/1.1 %d R\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n" % status
    with serving(redirect) as server, a_client() as client:
        answer = client.send(get(f"http://127.0.0.1:{server.port}/"))
    assert (answer.status, answer.headers["location"], len(server.requests)) == (
        status,
        "/other",
        1,
    )


def test_cookies_are_not_kept() -> None:
    """One subscriber's cookie is nobody's business, its own included."""
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    with serving(cookie) as server, a_client() as client:
        for _ in range(2):
            client.send(get(f"http://127.0.0.1:{server.port}/"))
    assert b"cookie" not in server.requests[1].lower()


def test_the_environment_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no .netrc: requests takes both from the environment unless it is kept from it."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    for name, value in {
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "NETRC": str(tmp_path / ".netrc"),
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    with serving(OK) as server, a_client(allow=("127.0.0.1/32",)) as client:
        for stranger in (False, True):
            assert client.send(get(f"http://127.0.0.1:{server.port}/", stranger)).status == 200
    assert not [request for request in server.requests if b"authorization" in request.lower()]


def test_connections_are_kept() -> None:
    """Many requests to one host in turn share a connection."""
    with serving(OK) as server, a_client() as client:
        for _ in range(5):
            client.send(get(f"http://127.0.0.1:{server.port}/"))
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_kept_connection_that_died_is_no_failure() -> None:
    """A server may close an idle connection at any moment; the request then goes over a new one."""
    turns = iter(range(100))

    def drop_every_second(connection: socket.socket) -> None:
        if next(turns) % 2:
            connection.shutdown(socket.SHUT_RDWR)  # after reading the request, without an answer
        else:
            connection.sendall(OK)

    with serving(drop_every_second) as server, a_client() as client:
        answers = [client.send(get(f"http://127.0.0.1:{server.port}/")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]


# ------------------------------------------------------------------------------------------- time and size


def hang(connection: socket.socket) -> None:
    connection.recv(1)


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def continue_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [(hang, None), (drip_headers, None), (continue_for_ever, None), (drip_body, 200)],
)
@pytest.mark.parametrize("stranger", [False, True])
def test_the_timeout_is_for_the_whole_exchange(
    behaviour: Callable[[socket.socket], None], status: int | None, stranger: bool
) -> None:
    """A server that sends a byte now and then ends as soon as one that is silent."""
    with serving(behaviour) as server, a_client(timeout=0.4, allow=("127.0.0.1/32",)) as client:
        started = time.monotonic()
        answer = client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
        assert time.monotonic() - started < AT_ONCE
    assert (answer.status, answer.error) == (status, "no whole answer within 0.4 s")


def test_a_listener_that_never_reads_ends_too() -> None:
    """The body we send is inside the timeout as well."""

    with socket.create_server(("127.0.0.1", 0), backlog=1) as deaf, a_client(timeout=0.4) as client:
        started = time.monotonic()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        answer = client.send(Request(method="POST", url=url, body=b"x" * 50_000_000))
        assert time.monotonic() - started < AT_ONCE
    assert answer.error == "no whole answer within 0.4 s"


def test_an_endless_answer_is_read_no_further_than_needed() -> None:
    """A few KiB are read, then the connection is closed."""
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with serving(pour) as server, a_client() as client:
        answer = client.send(get(f"http://127.0.0.1:{server.port}/"))
    assert (answer.status, len(answer.body), answer.error) == (200, BODY_LIMIT, None)
    assert sum(sent) < 20_000_000


def test_an_answer_is_not_unpacked() -> None:
    """No zip bombs: nothing we ask needs a coding, so what comes coded stays as it is."""
    coded = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    with serving(coded) as server, a_client() as client:
        assert client.send(get(f"http://127.0.0.1:{server.port}/")).body == b"abcd"


def test_closing_ends_what_is_under_way() -> None:
    """A hub that hangs doesn't hold the process: closing aborts it, and says so."""
    answers = []
    with serving(hang) as server, a_client(timeout=60) as client:
        thread = threading.Thread(
            target=lambda: answers.append(client.send(get(f"http://127.0.0.1:{server.port}/")))
        )
        thread.start()
        while not server.requests:
            time.sleep(0.001)
        client.close()
        thread.join(2)
        assert not thread.is_alive()
        assert client.send(get(f"http://127.0.0.1:{server.port}/")).stopped
    assert [(answer.status, answer.stopped) for answer in answers] == [(None, True)]


# -------------------------------------------------------------------------------------------------- errors


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_errors_are_in_words_and_without_the_address() -> None:
    """A callback's address is a secret; requests' own messages carry it."""
    with serving(b"SSH-2.0-OpenSSH_9\r\n\r\n") as server, a_client() as client:
        port, secret = server.port, "/cb?token=hush"
        said = {
            url: client.send(get(f"{url}{secret}")).error
            for url in (
                f"http://127.0.0.1:{free_port()}",
                "http://no-such-host.invalid",
                f"http://127.0.0.1:{port}",
            )
        }
        said["odd"] = client.send(get("http://[::1")).error
    assert list(said.values()) == [
        "it refused the connection",
        "its name does not resolve",
        "what it answered is not HTTP",
        "the address is not a URL",
    ]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certified(tmp_path_factory.mktemp("tls"))


def test_certificates_are_verified(tls: ssl.SSLContext) -> None:
    """One that nobody vouches for is as good as none."""
    with serving(OK, tls) as server, a_client(allow=("127.0.0.1/32",)) as client:
        for stranger in (False, True):
            answer = client.send(get(f"https://localhost:{server.port}/", stranger))
            assert (answer.status, answer.error) == (None, "its certificate is not valid")
    assert server.requests == []


# ----------------------------------------------------------------------------------------------- strangers

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.0.8",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
    "[fec0::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0177.0.0.1",
    "①②⑦.0.0.1",
    "localhost",
    "LOCALHOST.",
    "localhost.localdomain",
]


@pytest.mark.parametrize("host", INSIDE)
def test_strangers_reach_nothing_that_is_not_public(host: str) -> None:
    """Every range that isn't public, IPv4 inside IPv6, and every odd spelling: no connection is made."""
    with serving(OK) as server, a_client(timeout=2) as client:
        answer = client.send(get(f"http://{host}:{server.port}/", stranger=True))
        assert server.connections == 0
    assert answer.status is None
    assert answer.refused or answer.error == "its name does not resolve"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "http://user:pw@a.example/",
        "http://a.example:0/",
        "http:///x",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://a.example/\r\nX: y",
        "http://2130706433/",
    ],
)
def test_what_is_plain_without_looking_a_name_up(url: str) -> None:
    """A bad callback can be refused before anything is asked of anyone."""
    with a_client() as client:
        assert client.refusal(url)


def test_ordinary_addresses_are_not_refused() -> None:
    """Any port of any public host, by http and https."""
    with a_client() as client:
        assert client.refusal("https://reader.example.com:8443/cb?k=1") is None
        assert client.refusal("http://93.184.215.14/") is None


def test_allow_private_names_exactly_what_strangers_may_reach() -> None:
    """127.0.0.2/32 opens that address and no neighbour."""
    with serving(OK) as server, a_client(allow=("127.0.0.1/32",)) as client:
        assert client.send(get(f"http://127.0.0.1:{server.port}/", stranger=True)).status == 200
        assert client.send(get(f"http://127.0.0.2:{server.port}/", stranger=True)).refused
        assert client.send(get(f"http://[::ffff:127.0.0.2]:{server.port}/", stranger=True)).refused


def test_the_operator_may_name_any_address() -> None:
    """A hub on the operator's own network is the operator's own word."""
    with serving(OK) as server, a_client() as client:
        assert client.send(get(f"http://localhost:{server.port}/")).status == 200


def test_the_address_checked_is_the_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: a name that is public when it is looked up first, and inside when it is looked up again."""
    looked_up = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *args: int) -> object:
        if host != "rebind.example":
            return real(host, port, *args)
        looked_up.append(host)
        address = "127.0.0.3" if len(looked_up) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with serving(OK) as server, a_client(allow=("127.0.0.3/32",)) as client:
        answer = client.send(get(f"http://rebind.example:{server.port}/", stranger=True))
        assert (answer.error, server.connections, len(looked_up)) == (
            "it refused the connection",
            0,
            1,
        )
        assert client.send(get(f"http://rebind.example:{server.port}/", stranger=True)).refused
        assert server.connections == 0


def test_a_name_with_one_foot_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a public and a private address is how rebinding looks from outside."""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.215.14", "127.0.0.1")
        ],
    )
    with a_client() as client:
        assert client.send(get("http://both.example/", stranger=True)).refused


def test_a_name_that_takes_for_ever_to_resolve_ends_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """getaddrinfo has no timeout; the exchange has."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: over.wait(10) and [])
    with a_client(timeout=0.3) as client:
        started = time.monotonic()
        answer = client.send(get("http://slow.example/", stranger=True))
        over.set()
    assert time.monotonic() - started < AT_ONCE
    assert answer.error == "no whole answer within 0.3 s"


def test_places_for_look_ups_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system allows no other thread, the request fails. Its place is free again, as after each look-up."""

    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    port = free_port()
    found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [found])
    with a_client(timeout=0.5) as client:
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", refused)
            for _ in range(LOOKUPS):
                with pytest.raises(RuntimeError):
                    client.send(get("http://a.example/"))
        said = {client.send(get("http://a.example/")).error for _ in range(LOOKUPS + 1)}
    assert said == {"it refused the connection"}
