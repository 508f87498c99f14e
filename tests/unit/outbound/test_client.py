"""The HTTP client: total timeouts, short reads, no redirects, public addresses for strangers."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from answering import LOOPBACK, OK, a_client, certified, get, serving
from command import AT_ONCE, PATIENCE, free_port, until

from syndicator.model.outbox import Request
from syndicator.outbound.lookups import LOOKUPS
from syndicator.outbound.responses import BODY_LIMIT


def test_an_exchange(stranger: bool) -> None:
    """The request is sent as given, with our User-Agent and nothing from the environment."""
    with (
        serving(
            b"HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nok"
        ) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        request = Request(
            method="POST",
            url=f"http://127.0.0.1:{server.port}/hub?a=1",
            headers={"X-Y": "z"},
            body=b"a=b",
            stranger=stranger,
        )
        response = client.send(request)
    assert (response.status, response.headers["retry-after"], response.body, response.error) == (
        202,
        "7",
        b"ok",
        None,
    )
    assert server.requests == [
        b"POST /hub?a=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\n"
        b"User-Agent: syndicator (+https://a.example/)\r\nAccept: */*\r\nX-Y: z\r\n"
        b"Content-Length: 3\r\n\r\na=b" % server.port
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
def test_the_target_is_sent_unchanged(target: str, stranger: bool) -> None:
    """W3C WebSub §5.1.1: a callback's query is kept.

    requests would decode %7e, and urllib3 would change %2f to %2F.
    """
    with serving(OK) as server, a_client(allow=LOOPBACK) as client:
        client.send(get(f"http://127.0.0.1:{server.port}{target}", stranger))
    assert server.requests[0].split(b" ")[1].decode() == target.removesuffix("#")


@pytest.mark.parametrize(
    ("url", "target"), [("http://127.0.0.1:{}", "/"), ("http://127.0.0.1:{}?a=/b", "/?a=/b")]
)
def test_an_empty_path_becomes_the_root(url: str, target: str, stranger: bool) -> None:
    """RFC 9112 §3.2.1."""
    with serving(OK) as server, a_client(allow=LOOPBACK) as client:
        client.send(get(url.format(server.port), stranger))
    assert server.requests[0].split(b" ")[1].decode() == target


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, stranger: bool) -> None:
    """`websub` decides about a redirect."""
    redirect = b"HTTP/1.1 %d R\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n" % status
    with serving(redirect) as server, a_client(allow=LOOPBACK) as client:
        response = client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
    assert (response.status, response.headers["location"], len(server.requests)) == (
        status,
        "/other",
        1,
    )


def test_cookies_are_not_kept(stranger: bool) -> None:
    """Not even for the same subscriber."""
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    with serving(cookie) as server, a_client(allow=LOOPBACK) as client:
        for _ in range(2):
            client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
    assert b"cookie" not in server.requests[1].lower()


def test_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxies and .netrc, which requests would use by default."""
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


def test_connections_are_kept(stranger: bool) -> None:
    """Successive requests to one host share a connection."""
    with serving(OK) as server, a_client(allow=LOOPBACK) as client:
        for _ in range(5):
            client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
    assert (server.connections, len(server.requests)) == (1, 5)


def test_a_closed_idle_connection_is_not_a_failure(stranger: bool) -> None:
    """A server may close an idle connection at any time; the request then uses a new one."""
    turns = iter(range(100))

    def drop_every_second(connection: socket.socket) -> None:
        if next(turns) % 2:
            connection.shutdown(socket.SHUT_RDWR)  # after reading the request, without a response
        else:
            connection.sendall(OK)

    with serving(drop_every_second) as server, a_client(allow=LOOPBACK) as client:
        responses = [
            client.send(get(f"http://127.0.0.1:{server.port}/", stranger)) for _ in range(3)
        ]
    assert [response.status for response in responses] == [200, 200, 200]


# ------------------------------------------------------------ time and size


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


def drip_body_until_the_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def endless_interim_responses(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (hang, None),
        (drip_headers, None),
        (endless_interim_responses, None),
        (drip_body, 200),
        (drip_body_until_the_end, 200),
    ],
)
def test_the_timeout_is_for_the_whole_exchange(
    behaviour: Callable[[socket.socket], None], status: int | None, stranger: bool
) -> None:
    """A server that sends a byte now and then times out as soon as a silent one."""
    with serving(behaviour) as server, a_client(timeout=0.4, allow=("127.0.0.1/32",)) as client:
        started = time.monotonic()
        response = client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
        assert time.monotonic() - started < AT_ONCE
    assert (response.status, response.error) == (status, "no complete response within 0.4 s")


def test_the_timeout_includes_sending_the_body(stranger: bool) -> None:
    """A server that never reads times out, too."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1) as deaf,
        a_client(timeout=0.4, allow=LOOPBACK) as client,
    ):
        started = time.monotonic()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        request = Request(method="POST", url=url, body=b"x" * 50_000_000, stranger=stranger)
        response = client.send(request)
        assert time.monotonic() - started < AT_ONCE
    assert response.error == "no complete response within 0.4 s"


def test_nothing_of_a_request_arrives_after_its_timeout() -> None:
    """Its end may arrive after the request that is sent next, with an older version of a feed."""
    with socket.socket() as server, a_client(timeout=0.4, allow=LOOPBACK) as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        request = Request(method="POST", url=url, body=bytes(60_000), stranger=True)
        assert client.send(request).error == "no complete response within 0.4 s"
        connection, _ = server.accept()
        connection.settimeout(AT_ONCE)
        with connection, connection.makefile("rb") as received, pytest.raises(ConnectionResetError):
            received.read()


def test_an_endless_body_is_not_read_to_its_end(stranger: bool) -> None:
    """A few KiB are read, then the connection is closed."""
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with serving(pour) as server, a_client(allow=LOOPBACK) as client:
        response = client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
    assert (response.status, len(response.body), response.error) == (200, BODY_LIMIT, None)
    assert sum(sent) < 20_000_000


def test_a_response_is_not_decompressed(stranger: bool) -> None:
    """No zip bombs: we accept no encoding, so an encoded body is kept as it is."""
    coded = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    with serving(coded) as server, a_client(allow=LOOPBACK) as client:
        assert client.send(get(f"http://127.0.0.1:{server.port}/", stranger)).body == b"abcd"


def test_closing_aborts_requests_under_way(stranger: bool) -> None:
    """A hub that hangs doesn't delay the end of the process. The response has `stopped`."""
    responses = []
    with serving(hang) as server, a_client(timeout=10 * PATIENCE, allow=LOOPBACK) as client:
        thread = threading.Thread(
            target=lambda: responses.append(
                client.send(get(f"http://127.0.0.1:{server.port}/", stranger))
            ),
            daemon=True,
        )
        thread.start()
        until(lambda: server.requests, what="the request")
        client.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert client.send(get(f"http://127.0.0.1:{server.port}/", stranger)).stopped
    assert [(response.status, response.stopped) for response in responses] == [(None, True)]


# ------------------------------------------------------------ errors


def test_errors_do_not_contain_the_url(stranger: bool) -> None:
    """A callback's URL is a secret; requests' own messages contain it."""
    with (
        serving(b"SSH-2.0-OpenSSH_9\r\n\r\n") as server,
        a_client(allow=LOOPBACK) as client,
    ):
        port, secret = server.port, "/cb?token=hush"
        errors = {
            url: client.send(get(f"{url}{secret}", stranger)).error
            for url in (
                f"http://127.0.0.1:{free_port()}",
                "http://no-such-host.invalid",
                f"http://127.0.0.1:{port}",
            )
        }
        errors["odd"] = client.send(get("http://[::1", stranger)).error
    assert list(errors.values()) == [
        "it refused the connection",
        "its name does not resolve",
        "its response is not HTTP",
        "the address is not a valid URL",
    ]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certified(tmp_path_factory.mktemp("tls"))


def test_certificates_are_verified(tls: ssl.SSLContext) -> None:
    """A self-signed certificate is refused."""
    with serving(OK, tls) as server, a_client(allow=("127.0.0.1/32",)) as client:
        for stranger in (False, True):
            response = client.send(get(f"https://localhost:{server.port}/", stranger))
            assert (response.status, response.error) == (None, "its certificate is not valid")
    assert server.requests == []


# ------------------------------------------------------------ strangers

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
def test_strangers_reach_public_addresses_only(host: str) -> None:
    """No connection to private ranges, IPv4 inside IPv6, and unusual spellings."""
    with serving(OK) as server, a_client(timeout=2) as client:
        response = client.send(get(f"http://{host}:{server.port}/", stranger=True))
        assert server.connections == 0
    assert response.status is None
    assert response.refused or response.error == "its name does not resolve"


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
def test_urls_refused_without_a_dns_lookup(url: str) -> None:
    """A bad callback can be refused before any request."""
    with a_client() as client:
        assert client.refusal(url)


def test_ordinary_urls_are_not_refused() -> None:
    """Public hosts at ordinary ports, by http and https."""
    with a_client() as client:
        assert client.refusal("https://reader.example.com:8443/cb?k=1") is None
        assert client.refusal("http://93.184.215.14/") is None


def test_allow_private_allows_only_its_networks() -> None:
    """127.0.0.1/32 allows that address and no neighbour."""
    with serving(OK) as server, a_client(allow=("127.0.0.1/32",)) as client:
        assert client.send(get(f"http://127.0.0.1:{server.port}/", stranger=True)).status == 200
        assert client.send(get(f"http://127.0.0.2:{server.port}/", stranger=True)).refused
        assert client.send(get(f"http://[::ffff:127.0.0.2]:{server.port}/", stranger=True)).refused


def test_the_operators_urls_may_have_any_address() -> None:
    """A hub may be on the operator's own network."""
    with serving(OK) as server, a_client() as client:
        assert client.send(get(f"http://localhost:{server.port}/")).status == 200


def test_the_address_checked_is_the_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a name that resolves to a public address first, then to a private one."""
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
        response = client.send(get(f"http://rebind.example:{server.port}/", stranger=True))
        assert (response.error, server.connections, len(looked_up)) == (
            "it refused the connection",
            0,
            1,
        )
        assert client.send(get(f"http://rebind.example:{server.port}/", stranger=True)).refused
        assert server.connections == 0


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A public and a private address together are a sign of DNS rebinding."""
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


def test_a_slow_dns_lookup_ends_at_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """getaddrinfo itself has no timeout."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: over.wait(PATIENCE) and [])
    with a_client(timeout=0.3) as client:
        started = time.monotonic()
        response = client.send(get("http://slow.example/", stranger=True))
        over.set()
    assert time.monotonic() - started < AT_ONCE
    assert response.error == "no complete response within 0.3 s"


def test_permits_for_dns_lookups_are_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each lookup, and if the system allows no further thread."""

    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    port = free_port()
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [address])
    with a_client(timeout=AT_ONCE) as client:
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", refused)
            for _ in range(LOOKUPS):
                with pytest.raises(RuntimeError):
                    client.send(get("http://a.example/"))
        errors = {client.send(get("http://a.example/")).error for _ in range(LOOKUPS + 1)}
    assert errors == {"it refused the connection"}


def test_threads_of_dns_lookups_are_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting one for each lookup takes longer than most lookups."""
    threads = set()

    def lookup(_host: str, port: int, *_args: int) -> object:
        threads.add(threading.current_thread())
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    port = free_port()
    with a_client(allow=LOOPBACK) as client:
        errors = {client.send(get(f"http://a.example:{port}/", True)).error for _ in range(50)}
    assert errors == {"it refused the connection"}
    assert len(threads) < 25
