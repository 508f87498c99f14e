"""Servers that send given bytes as responses, and a client for them."""

import shlex
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from syndicator.model.outbox import Request
from syndicator.outbound.client import Client

#: Ports that browsers block and an unprivileged user may listen on.
BLOCKED = (6697, 6669, 6668, 6667, 6666, 6665, 6566, 10080, 5061, 5060, 4190, 4045, 3659, 1723)

#: The network of `Server`, for clients that may send strangers' requests to it.
LOOPBACK = ("127.0.0.1/32",)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server on a real socket. Calls `answer` with the connection after each request."""

    def __init__(
        self,
        answer: Callable[[socket.socket], None],
        tls: ssl.SSLContext | None = None,
        ports: Iterable[int] = (0,),
    ) -> None:
        self.answer = answer
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self.socket = listen(ports)
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while head := self.read(connection):
                self.requests.append(head)
                self.answer(connection)

    @staticmethod
    def read(connection: socket.socket) -> bytes:
        """The next request. Empty if the client closes before its end."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65536)):
                return b""
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = next(
            (
                int(line[16:])
                for line in head.split(b"\r\n")
                if line.startswith(b"Content-Length: ")
            ),
            0,
        )
        while len(body) < length:
            if not (more := connection.recv(65536)):
                return b""
            body += more
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            # Otherwise it stays open until its thread accepts once more.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def listen(ports: Iterable[int]) -> socket.socket:
    """Listen on the first free port; 0 is any."""
    for port in ports:
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port), backlog=128)
    raise OSError("all ports are in use")


@contextmanager
def serving(
    answer: Callable[[socket.socket], None] | bytes,
    tls: ssl.SSLContext | None = None,
    ports: Iterable[int] = (0,),
) -> Iterator[Server]:
    behaviour = answer if callable(answer) else lambda connection: connection.sendall(answer)
    server = Server(behaviour, tls, ports)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def a_client(timeout: float = 5, allow: tuple[str, ...] = ()) -> Iterator[Client]:
    limit = timedelta(seconds=timeout)
    client = Client(
        user_agent="syndicator (+https://a.example/)",
        timeout=limit,
        stranger_timeout=limit,
        allow_private=allow,
    )
    try:
        yield client
    finally:
        client.close()


def get(url: str, stranger: bool = False) -> Request:
    return Request(method="GET", url=url, stranger=stranger)


def certified(folder: Path) -> ssl.SSLContext:
    """For a server named localhost, with a self-signed certificate: `cert.pem` in the folder."""
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    )
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def pouring(begin: bytes, more: bytes) -> Callable[[socket.socket], None]:
    """Send `begin`, and then repeat `more` until the client closes."""
    much = more * max(1, 65536 // len(more))

    def pour(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(much)

    return pour


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

#: Endless responses by the part that is endless: how each begins, and what it repeats.
ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", b"x"),
    "header lines": (HEAD, b"X-Y: z\r\n"),
    "a header line": (HEAD + b"X-Y: ", b"x"),
    "folded lines": (HEAD + b"X-Y: z\r\n", b" x\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "100 Continue with headers": (b"", b"HTTP/1.1 100 Continue\r\n" + b"X-Y: z\r\n" * 50 + b"\r\n"),
    "103 Early Hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 8000 + b"\r\nx\r\n"),
    "trailers": (CHUNKED + b"2\r\nok\r\n0\r\n", b"X-Y: z\r\n"),
    "a trailer": (CHUNKED + b"2\r\nok\r\n0\r\nX-Y: ", b"z"),
    "a chunk of negative size": (CHUNKED + b"-1\r\n", b"x"),
}

#: Those of them whose head never ends, so that they have no status.
HEADLESS = tuple(kind for kind, (begin, _) in ENDLESS.items() if not begin.startswith(CHUNKED))
