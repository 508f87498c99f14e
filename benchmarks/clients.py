"""What HTTP clients need to send 50 KB to many hosts, from one process.

    pip install -e '.[bench]'
    python benchmarks/clients.py [--rounds 3] [--seconds 3] [client ...]

All but "requests" connect to the address that they checked. The sink is nginx; the hosts are names
of 127.1.x.y, and a CA of the test signs their certificate. Each run is a process of its own, and
the clients take turns. The table has medians: deliveries a second, milliseconds of the process's
processor time for a delivery, and the process's peak memory in MiB.
"""

import argparse
import asyncio
import itertools
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from many_hosts import DOMAIN, PORTS, lookup, sink

HOSTS = 1000
#: Hosts to which connections are kept. requests takes a minute to open a thousand with TLS.
KEPT_HOSTS = 200
AT_ONCE = 64
BODY = os.urandom(25_000).hex().encode()
HEADERS = {"Content-Type": "application/rss+xml", "X-Hub-Signature": "sha256=" + 64 * "0"}
TIMEOUT = 30.0


def policy() -> Any:
    from ssrfguard import Policy

    ports = frozenset(PORTS.values())
    return Policy(allowed_networks=("127.0.0.0/8",), allowed_ports=ports)


def checked(url: str, allowed: Any) -> list[str]:
    from ssrfguard import resolve

    return [str(found.ip) for found in resolve(allowed.check_url(url), policy=allowed)]


class Threads:
    """A client that sends one request in each thread."""

    def run(self, urls: Sequence[str]) -> int:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(status == 200 for status in pool.map(self.send, urls))

    def send(self, url: str) -> int | None:
        raise NotImplementedError


class Requests(Threads):
    """requests.post, without a check; with one session for all if connections are kept."""

    def __init__(self, ca: str, keep: bool) -> None:
        import requests

        session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_connections=HOSTS, pool_maxsize=4)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        self.post = session.post if keep else requests.post
        self.ca = ca

    def send(self, url: str) -> int:
        answer = self.post(url, data=BODY, headers=HEADERS, timeout=TIMEOUT, verify=self.ca)
        return int(answer.status_code)


class CheckedRequests(Requests):
    """ssrfguard's session for all threads."""

    def __init__(self, ca: str, keep: bool) -> None:
        from ssrfguard.requests import Session

        session = Session(policy=policy(), pool_connections=HOSTS, pool_maxsize=4)
        if not keep:
            session.headers["Connection"] = "close"
        self.post = session.post
        self.ca = ca


class Urllib3(Threads):
    """The pools of ssrfguard's session, with one TLS context."""

    def __init__(self, ca: str, keep: bool) -> None:
        from ssrfguard.requests import SafeAdapter

        adapter = SafeAdapter(policy=policy(), pool_connections=HOSTS, pool_maxsize=4)
        self.pools = adapter.poolmanager
        self.pools.connection_pool_kw["ssl_context"] = ssl.create_default_context(cafile=ca)
        self.options: dict[str, Any] = {"timeout": TIMEOUT, "retries": False, "redirect": False}
        self.options["headers"] = HEADERS if keep else {**HEADERS, "Connection": "close"}

    def send(self, url: str) -> int:
        return int(self.pools.urlopen("POST", url, body=BODY, **self.options).status)


class Ours(Threads):
    """What `outbound` sends to strangers: http.client, with all its limits."""

    def __init__(self, ca: str, keep: bool) -> None:
        import certifi

        from syndicator.outbound import connections
        from syndicator.outbound.client import Client

        certifi.where = lambda: ca
        connections.IDLE_LIMIT = 4 * HOSTS if keep else 0
        limit = timedelta(seconds=TIMEOUT)
        networks = ("127.0.0.0/8",)
        self.client = Client(
            user_agent="bench", timeout=limit, stranger_timeout=limit, allow_private=networks
        )

    def send(self, url: str) -> int | None:
        from syndicator.model.outbox import Request

        request = Request(method="POST", url=url, headers=HEADERS, body=BODY, stranger=True)
        return self.client.send(request).status


class Aiohttp:
    """aiohttp on uvloop, with a resolver that checks."""

    def __init__(self, ca: str, keep: bool) -> None:
        import uvloop

        self.loop = uvloop.new_event_loop()
        self.session = self.loop.run_until_complete(self.start(ca, keep))

    async def start(self, ca: str, keep: bool) -> Any:
        import aiohttp

        allowed = policy()

        class Resolver(aiohttp.abc.AbstractResolver):
            async def resolve(self, host: str, port: int = 0, family: int = 0) -> Any:
                found = checked(f"https://{host}:{port}/", allowed)
                same = {"hostname": host, "port": port, "proto": 0, "flags": 0}
                return [{**same, "host": ip, "family": socket.AF_INET} for ip in found]

            async def close(self) -> None: ...

        connector = aiohttp.TCPConnector(
            limit=0 if keep else AT_ONCE,
            force_close=not keep,
            resolver=Resolver(),
            use_dns_cache=False,
            ssl=ssl.create_default_context(cafile=ca),
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    def run(self, urls: Sequence[str]) -> int:
        return self.loop.run_until_complete(self.send_all(iter(urls)))

    async def send_all(self, urls: Iterator[str]) -> int:
        statuses: list[int] = []

        async def work() -> None:
            for url in urls:
                async with self.session.post(url, data=BODY, headers=HEADERS) as answer:
                    await answer.read()
                    statuses.append(answer.status)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return statuses.count(200)


class Pycurl:
    """pycurl's multi interface: one thread, and libcurl told the addresses that were checked."""

    def __init__(self, ca: str, keep: bool) -> None:
        import pycurl

        self.policy = policy()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_MAXCONNECTS, 2 * HOSTS)
        self.free = [self.handle(ca, keep) for _ in range(AT_ONCE)]

    def handle(self, ca: str, keep: bool) -> Any:
        import pycurl

        handle = pycurl.Curl()
        handle.setopt(pycurl.POSTFIELDS, BODY)
        lines = [f"{name}: {value}" for name, value in HEADERS.items()]
        handle.setopt(pycurl.HTTPHEADER, [*lines, "Expect:"])
        handle.setopt(pycurl.CAINFO, ca)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.WRITEFUNCTION, len)
        handle.setopt(pycurl.FORBID_REUSE, not keep)
        return handle

    def begin(self, url: str) -> None:
        handle = self.free.pop()
        host = url.split("/")[2]
        handle.setopt(handle.RESOLVE, [f"+{host}:{','.join(checked(url, self.policy))}"])
        handle.setopt(handle.URL, url)
        self.multi.add_handle(handle)

    def run(self, urls: Sequence[str]) -> int:
        waiting, left, arrived = iter(urls), len(urls), 0
        while left:
            for url in itertools.islice(waiting, len(self.free)):
                self.begin(url)
            self.multi.perform()
            _, done, failed = self.multi.info_read()
            for handle in [*done, *(each[0] for each in failed)]:
                arrived += handle.getinfo(handle.RESPONSE_CODE) == 200
                self.multi.remove_handle(handle)
                self.free.append(handle)
                left -= 1
            if left and not done:
                self.multi.select(1.0)
        return arrived


CLIENTS: dict[str, Any] = {
    "requests": Requests,
    "requests, checked": CheckedRequests,
    "urllib3": Urllib3,
    "aiohttp": Aiohttp,
    "pycurl": Pycurl,
    "http.client (ours)": Ours,
}


def measure(name: str, scheme: str, keep: bool, seconds: float, ca: str) -> None:
    """Send batches for so many seconds, and print what they took."""
    socket.getaddrinfo = lookup
    hosts = range(KEPT_HOSTS if keep else HOSTS)
    urls = [f"{scheme}://h{n}{DOMAIN}:{PORTS[scheme]}/callback/{n}" for n in hosts]
    client = CLIENTS[name](ca, keep)
    client.run(urls if keep else urls[:AT_ONCE])
    batches = itertools.cycle([urls[at : at + 250] for at in range(0, len(urls), 250)])
    sent = arrived = 0
    began, before = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        batch = next(batches)
        arrived += client.run(batch)
        sent += len(batch)
    used, took = time.process_time() - before, time.perf_counter() - began
    assert arrived == sent, f"{sent - arrived} of {sent} failed"
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps([sent / took, 1000 * used / sent, peak]))
    sys.stdout.flush()
    os._exit(0)  # threads and connections need no end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="*", help=f"of {', '.join(CLIENTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)  # one run, in its own process
    options = parser.parse_args()
    if options.run:
        name, scheme, keep, ca = options.run
        measure(name, scheme, keep == "kept", options.seconds, ca)
    names = options.clients or list(CLIENTS)
    figures = defaultdict[tuple[str, str, str], list[list[float]]](list)
    kinds = list(itertools.product(PORTS, ("new", "kept"), names))
    with tempfile.TemporaryDirectory() as folder, sink(Path(folder)) as ca:
        for _ in range(options.rounds):
            for scheme, connections, name in kinds:
                run = ["--seconds", str(options.seconds), "--run", name, scheme, connections, ca]
                printed = subprocess.check_output([sys.executable, __file__, *run])
                figures[scheme, connections, name].append(json.loads(printed))
    for kind in kinds:
        rate, used, peak = map(statistics.median, zip(*figures[kind], strict=True))
        print(f"{kind[0]:6}{kind[1]:6}{kind[2]:20}{rate:8.0f}/s {used:8.2f} ms {peak:6.0f} MiB")


if __name__ == "__main__":
    main()
