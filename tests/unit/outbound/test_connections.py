"""Connections: names and certificates, early responses, and which connections are kept."""

import http.client
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from answering import LOOPBACK, OK, a_client, certified, get, serving
from command import AT_ONCE

from syndicator.model.outbox import Request
from syndicator.outbound.addresses import public, with_port
from syndicator.outbound.connections import (
    IDLE_LIMIT,
    JOINED_LIMIT,
    CheckedConnection,
    Connector,
    IdleConnections,
)
from syndicator.outbound.deadlines import Exchange


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For a server named localhost, whose certificate clients trust."""
    context = certified(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "cert.pem"))
    monkeypatch.setattr("certifi.where", lambda: str(tmp_path / "cert.pem"))
    return context


def test_a_certificate_is_verified_for_the_name(
    tls: ssl.SSLContext, stranger: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the URL, not the address that it resolves to.

    It is also sent, without the dot of the root (RFC 6066 §3), and as Host.
    """
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        ],
    )
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    with serving(OK, tls) as server, a_client(allow=LOOPBACK) as client:
        named = client.send(get(f"https://localhost:{server.port}/", stranger))
        dotted = client.send(get(f"https://localhost.:{server.port}/", stranger))
        address = client.send(get(f"https://127.0.0.1:{server.port}/", stranger))
        assert (named.status, dotted.status) == (200, 200)
        assert (address.status, address.error) == (None, "its certificate is not valid")
        assert names == ["localhost", "localhost", None]
        assert {head.split(b"\r\n")[1] for head in server.requests} == {
            b"Host: localhost:%d" % server.port
        }


def test_the_timeout_includes_the_tls_handshake() -> None:
    """A server that accepts a connection, and then sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, a_client(0.4, LOOPBACK) as client:
        started = time.monotonic()
        response = client.send(get(f"https://127.0.0.1:{silent.getsockname()[1]}/", stranger=True))
        assert time.monotonic() - started < AT_ONCE
    assert response.error == "no complete response within 0.4 s"


def test_a_response_before_the_end_of_the_request_counts(stranger: bool) -> None:
    """RFC 9112 §9.5: a server may respond and close before it has read the body."""

    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening, a_client(allow=LOOPBACK) as client:
        threading.Thread(target=refuse, args=(listening,), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        request = Request(method="POST", url=url, body=b"x" * 50_000_000, stranger=stranger)
        assert client.send(request).status == 410


def test_the_oldest_idle_connections_are_closed() -> None:
    """Their number is limited, whatever number of hosts strangers have."""
    idle = IdleConnections()
    connections = []
    with serving(OK) as server:
        for number in range(IDLE_LIMIT + 2):
            sock = socket.create_connection(("127.0.0.1", server.port))
            target = with_port(public(LOOPBACK), server.port).check_url(server.url)
            connection = CheckedConnection(target, "127.0.0.1", sock)
            connections.append(connection)
            idle.add(f"http://host{number}.example/", connection)
        assert [connection.sock is None for connection in connections[:3]] == [True, True, False]
        assert idle.take("http://host0.example/") is None
        assert idle.take("http://host2.example/") is connections[2]
        assert idle.take("http://host2.example/") is None
        idle.close()
        assert all(connection.sock is None for connection in connections[3:])
        idle.add("http://host2.example/", connections[2])
        assert connections[2].sock is None


def test_a_connection_never_connects_by_itself() -> None:
    """http.client would look the name up again, and connect to an address that was not checked."""
    connector = Connector(public(LOOPBACK))
    exchange = Exchange(time.monotonic() + AT_ONCE, target="/", body_limit=0)
    with serving(OK) as server:
        connection = connector.open(f"{server.url}/", exchange)
        connection.close()
        connection.request("GET", "/")
        with pytest.raises(http.client.NotConnected):
            connection.flush()
        assert server.requests == []


def test_a_large_body_arrives_whole(stranger: bool) -> None:
    """Larger than what is sent by one call."""
    body = bytes(range(256)) * (JOINED_LIMIT // 256 + 1)
    with serving(OK) as server, a_client(allow=LOOPBACK) as client:
        request = Request(method="POST", url=server.url, body=body, stranger=stranger)
        assert client.send(request).status == 200
        assert server.requests[0].endswith(b"\r\n\r\n" + body)


def test_lines_of_one_header_are_joined(stranger: bool) -> None:
    """RFC 9110 §5.3; and names are compared without regard to case."""
    answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"
    with serving(answer) as server, a_client(allow=LOOPBACK) as client:
        assert client.send(get(server.url, stranger)).headers["x-a"] == "1, 2"
