"""The cost of a request: ours, a bare ASGI app on plain uvicorn, and nginx with gzip_static.

    python benchmarks/serving.py [--rounds 5] [--seconds 2]

One worker each, one client thread with 32 connections that send a reader's request, on loopback.
Rounds take turns, since no machine is idle; the table shows medians. CPU is the server's own time
from /proc, the steadier number.
"""

import argparse
import gzip
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

WORDS = (
    "agent",
    "city",
    "river",
    "morning",
    "council",
    "market",
    "said",
    "people",
    "school",
    "night",
    "water",
)
LINK = '<https://hub.example/>; rel="hub", <https://news.example.com/all.rss>; rel="self"'
REQUEST_HEADERS = {
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "NetNewsWire (RSS Reader)",
    "Accept": "*/*",
}
EXAMPLE = Path(__file__).parents[1] / "config" / "nginx.conf"

Headers = list[tuple[bytes, bytes]]


def feed() -> bytes:
    """Fifty entries of 40 words, the same each time."""
    chance = random.Random(1)
    return "\n".join(
        f"<item>{' '.join(chance.choices(WORDS, k=40))}</item>" for _ in range(50)
    ).encode()


def bare(port: int, http: str) -> None:
    """The app that ours is compared with: it ignores the request and always sends the same."""
    import uvicorn

    body = gzip.compress(feed(), mtime=0)
    headers: Headers = [
        *((b"content-type", b"application/rss+xml; charset=utf-8"), (b"content-encoding", b"gzip")),
        *(
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'"d-gz"'),
            (b"vary", b"Accept-Encoding"),
        ),
        *((b"cache-control", b"max-age=300"), (b"last-modified", b"Thu, 15 Jan 2026 05:39:13 GMT")),
        (b"link", LINK.encode()),
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(
        app,
        port=port,
        http=http,
        loop="uvloop",
        log_level="error",
        access_log=False,
        lifespan="off",
    )


def ours(port: int) -> None:
    from syndicator.inspection import Overview
    from syndicator.observe import Metrics
    from syndicator.web.app import counter, make_app
    from syndicator.web.catalogue import Catalogue, PublishedFile
    from syndicator.web.health import Health, Readiness
    from syndicator.web.server import Server

    body, metrics = feed(), Metrics()
    catalogue = Catalogue(max_age=300)
    bodies = {"identity": body, "gzip": gzip.compress(body, mtime=0)}
    when = datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC)
    kind = "application/rss+xml; charset=utf-8"
    file = PublishedFile(
        path="all.rss", media_type=kind, updated=when, digest="d", link=LINK, bodies=bodies
    )
    catalogue.update([file])
    app = make_app(
        catalogue,
        health=Health(
            stuck=list,
            readiness=lambda: Readiness(ready=True, details={}),
            metrics=metrics.text,
            status=str,
            overview=Overview,
        ),
        on_request=counter(metrics.requests),
    )
    server = Server(app, ("127.0.0.1", port))
    server.start()
    signal.sigwait({signal.SIGTERM})
    server.stop()


def nginx_command(port: int, place: Path) -> list[str]:
    (place / "all.rss").write_bytes(feed())
    (place / "all.rss.gz").write_bytes(gzip.compress(feed(), mtime=0))
    example = EXAMPLE.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    example = example.replace("root /srv/syndicator/feeds;", f"root {place};")
    temporary = "".join(
        f"{name}_temp_path {place};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (place / "nginx.conf").write_text(
        f"daemon off; master_process off; worker_processes 1; pid {place}/pid;"
        f"error_log {place}/log;"
        "events { worker_connections 512; } http { access_log off; sendfile on; tcp_nopush on;"
        f"keepalive_requests 10000000; open_file_cache max=100;{temporary}\n{example}}}\n"
    )
    return ["nginx", "-c", str(place / "nginx.conf"), "-e", str(place / "log")]


class Case(NamedTuple):
    name: str
    command: list[str]
    port: int
    headers: dict[str, str]


class Measured(NamedTuple):
    per_second: float
    cpu: float  # the server's microseconds for each request


@contextmanager
def running(case: Case) -> Iterator[int]:
    with subprocess.Popen(case.command, start_new_session=True) as process:
        try:
            end = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", case.port)):
                if time.monotonic() > end:
                    sys.exit(f"{case.name} did not start")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def measure(case: Case, pid: int, seconds: int) -> Measured:
    headers = [word for name, value in case.headers.items() for word in ("-H", f"{name}: {value}")]
    before = cpu(pid)
    wrk = ["wrk", "-t1", "-c32", f"-d{seconds}", *headers, f"http://127.0.0.1:{case.port}/all.rss"]
    text = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in text
    requests = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
    return Measured(rate, (cpu(pid) - before) / requests * 1e6)


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)  # wrk accepts whole seconds only
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    me = [sys.executable, __file__]
    places = [free_port() for _ in range(4)]
    conditional = REQUEST_HEADERS | {"If-None-Match": '"d-gz"'}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases = [
            Case("bare app, h11", [*me, "bare", str(places[0]), "h11"], places[0], REQUEST_HEADERS),
            Case(
                "bare app, httptools",
                [*me, "bare", str(places[1]), "httptools"],
                places[1],
                REQUEST_HEADERS,
            ),
            Case("ours, gzip 200", [*me, "ours", str(places[2])], places[2], REQUEST_HEADERS),
            Case("ours, 304", [*me, "ours", str(places[2])], places[2], conditional),
        ]
        if shutil.which("nginx"):
            cases.append(
                Case(
                    "nginx, gzip_static 200",
                    nginx_command(places[3], place),
                    places[3],
                    REQUEST_HEADERS,
                )
            )
        pids: dict[int, int] = {}
        for case in cases:
            if case.port not in pids:
                pids[case.port] = stack.enter_context(running(case))
        results: dict[str, list[Measured]] = {case.name: [] for case in cases}
        for _ in range(options.rounds):
            for case in cases:
                results[case.name].append(measure(case, pids[case.port], options.seconds))
    show(results)


def show(results: dict[str, list[Measured]]) -> None:
    medians = {
        name: Measured(*(statistics.median(numbers) for numbers in zip(*each, strict=True)))
        for name, each in results.items()
    }
    yardsticks = [name for name in medians if name.startswith(("bare app, httptools", "nginx"))]
    short = [f"× {name.partition(',')[0]}" for name in yardsticks]
    print(
        f"{'':24}{'requests/s':>12}{'µs CPU each':>14}", *(f"{name:>12}" for name in short), sep=""
    )
    for name, each in medians.items():
        ratios = [f"{each.per_second / medians[other].per_second:12.2f}" for other in yardsticks]
        print(f"{name:24}{each.per_second:12,.0f}{each.cpu:14.1f}", *ratios, sep="")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare", port, http]:
            bare(int(port), http)
        case ["ours", port]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            ours(int(port))
        case _:
            main()
