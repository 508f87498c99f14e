"""Attacks by clients, subscribers, hubs, authors, and other users of the host.

Every test starts the real command on loopback, attacks it, and states what the attack may cost.
Each attack is bounded in count, time and memory.
"""

import asyncio
import fcntl
import json
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from answering import BLOCKED, ENDLESS, HEAD, OK, pouring, serving
from command import AT_ONCE, PATIENCE, Command, Daemon, until
from disks import disks
from hubsite import Subscriber
from settled import age
from support import FEEDS, Site

from syndicator import config
from syndicator.errors import StateError
from syndicator.machine_checks import check_machine
from syndicator.model.content import Problem
from syndicator.model.outbox import Mode, Subscription, Verification
from syndicator.model.progress import Cancel, Phase
from syndicator.service import Service
from syndicator.store import outbox, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow

#: The memory that a daemon may gain under an attack, in MiB.
MOST_GAINED = 120


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def memory(pid: int, field: str = "VmRSS") -> float:
    """The resident memory of a process in MiB: now, or its peak (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


# ------------------------------------------------------------ clients of the web server


#: Requests for every kind of response: from routes, the catalogue and the hub, and a 404.
REQUESTS = (
    *(b"GET /livez", b"GET /livez", b"GET /livez", b"GET /livez", b"GET /nothing", b"HEAD /readyz"),
    *(b"GET /all.rss", b"HEAD /all.rss", b"GET /hub", b"GET /category/news.atom"),
)


def pipeline(command: Command, process: int, seconds: float) -> float:
    """Send requests as fast as possible, and read little or nothing.

    Returns the memory that the process gained, in MiB.
    """
    before = most = memory(process)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", command.port)))
            for _ in REQUESTS
        ]
        requests = [each + b" HTTP/1.1\r\nHost: x\r\n\r\n" for each in REQUESTS]
        sent = [0] * len(REQUESTS)
        end = time.monotonic() + seconds
        while time.monotonic() < end and most - before < 2 * MOST_GAINED:
            for number, client in enumerate(clients):
                client.setblocking(False)
                with suppress(BlockingIOError):
                    request = requests[number]
                    rest = request[sent[number] % len(request) :]
                    sent[number] += client.send(rest + request * 2000)
                if number % 2:
                    with suppress(BlockingIOError):
                        client.recv(300)
            most = max(most, memory(process))
    return most - before


def test_requests_whose_responses_are_not_read(command: Command) -> None:
    """They stay unsent in the client's own memory. Other clients are answered meanwhile."""
    command.post("2026-01-01-a", text="A word. " * 20_000)
    with command.running() as daemon, ThreadPoolExecutor(1) as pool:
        daemon.line(lambda line: '"event": "run"' in line)
        logged = len(daemon.err)
        gained = pool.submit(pipeline, command, daemon.process.pid, 5)
        waited = []
        while not gained.done():
            begun = time.monotonic()
            assert requests.get(f"{command.url}livez", timeout=PATIENCE).text == "ok\n"
            waited.append(time.monotonic() - begun)
        assert gained.result() < MOST_GAINED
        assert max(waited) < AT_ONCE
        assert daemon.err[logged:] == []


def test_aborted_requests_log_nothing(command: Command) -> None:
    """Half bodies, bad chunks, no Host: the client's errors, not ours."""
    command.post("2026-01-01-a")
    head = b"POST /hub HTTP/1.1\r\nHost: x\r\n"
    broken = (
        head + b"Content-Length: 9\r\n\r\nhub",
        head + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhub",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head.replace(b"Host: x\r\n", b"") + b"\r\n",
    )
    with command.running() as daemon:
        daemon.line(lambda line: '"event": "run"' in line)  # the last line until something happens
        logged, before = len(daemon.err), memory(daemon.process.pid)
        for number in range(1000):
            with socket.create_connection(("127.0.0.1", command.port)) as client:
                client.sendall(broken[number % len(broken)])
                if number % 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert requests.get(f"{command.url}livez", timeout=10).text == "ok\n"
        assert daemon.err[logged:] == []
        assert memory(daemon.process.pid) - before < MOST_GAINED


def test_an_untrusted_proxy(command: Command) -> None:
    """It is logged once, however often the header is sent. `doctor` reports it until trusted."""
    command.post("2026-01-01-a")
    headers = {"X-Forwarded-For": "192.0.2.1"}
    with command.running() as daemon:
        for _ in range(50):
            requests.get(f"{command.url}all.rss", headers=headers, timeout=10)
            requests.get(f"{command.url}livez", headers=headers, timeout=10)
        until(lambda: "trusted_proxies" in command("doctor").stdout)
        assert ["web.trusted_proxies" in line and "127.0.0.1" in line for line in daemon.err].count(
            True
        ) == 1
        command.configure('trusted_proxies = ["127.0.0.1/32"]')
        assert "trusted_proxies" not in command("doctor").stdout
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "the config was read again" in line)
        logged = len(daemon.err)
        requests.get(f"{command.url}all.rss", headers=headers, timeout=10)
        assert daemon.err[logged:] == []


# ------------------------------------------------------------ subscribers


SUBSCRIBERS = """
[hub]
url = "{url}hub"
allow_private = ["127.0.0.0/8"]
timeout = "10s"
retry = ["1h"]
limits = {{ client = 100000, host = 100000{limits} }}
"""


class Silent:
    """Callbacks on loopback addresses that answer nothing, or verifications only (`confirm`)."""

    def __init__(self, hosts: list[str], *, confirm: bool) -> None:
        self.confirm = confirm
        self.unanswered = 0  #: requests
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        servers = [
            asyncio.run_coroutine_threadsafe(
                asyncio.start_server(self._serve, host, 0, backlog=4096), self._loop
            )
            for host in hosts
        ]
        sockets = [server.result(5).sockets[0].getsockname() for server in servers]
        self.urls = [f"http://{host}:{port}" for host, port in sockets]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if self.confirm and head.startswith("GET"):
                challenge = parse_qs(urlsplit(head.split()[1]).query)["hub.challenge"][0]
                length = len(challenge)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                writer.write(f"{head}{challenge}".encode())
                await writer.drain()
                writer.close()
            else:
                self.unanswered += 1
                await reader.read()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


def hub_command(root: Path, limits: str = "") -> Command:
    """A site with a hub that allows loopback addresses to subscribe."""
    command = Command(root)
    command.configure(SUBSCRIBERS.format(url=command.url, limits=limits), poll="1s")
    return command


def ask_hub(command: Command, session: requests.Session, **form: str) -> requests.Response:
    return session.post(
        f"{command.url}hub", data={f"hub.{name}": value for name, value in form.items()}, timeout=10
    )


def subscribe(
    command: Command, session: requests.Session, callback: str, path: str = "all.rss"
) -> int:
    topic = command.url + path
    return ask_hub(command, session, mode="subscribe", topic=topic, callback=callback).status_code


def live_subscriptions(command: Command) -> int:
    listed = json.loads(command("hub", "list", "--json").stdout)
    return len(listed["subscriptions"])


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_state(command: Command) -> Database:
    """The state of a built site, to add rows directly: thousands of requests would be too slow."""
    command.build()
    (state,) = command.root.rglob("*.db")
    return Database(f"sqlite:///{state}")


def test_callbacks_that_never_answer_do_not_delay_deliveries(tmp_path: Path) -> None:
    """Verifications have a share of the threads: 1,000 that hang don't slow down a delivery."""
    command, honest = hub_command(tmp_path), Subscriber()
    silent = Silent([f"127.0.0.{n}" for n in range(2, 8)], confirm=False)
    command.post("2026-01-01-one", "First")
    now, topic = datetime.now(UTC), f"{command.url}all.rss"
    detail = Verification(mode=Mode.SUBSCRIBE, topic=topic, lease=9000)
    database = open_state(command)
    with database.begin() as connection:
        subscriptions.upsert(connection, lasting(topic, f"{honest.url}/cb", now))
        outbox.enqueue(
            connection,
            [
                JobRow(
                    detail=detail,
                    target=f"{silent.urls[n % 6]}/{n}",
                    topic=topic,
                )
                for n in range(1000)
            ],
            now,
        )
    database.close()
    with command.running():
        until(lambda: silent.unanswered >= 100, what="hanging verifications")
        began = time.monotonic()
        command.post("2026-01-02-two", "Second")
        honest.wait(1, "POST")
        assert time.monotonic() - began < AT_ONCE
    silent.close()
    honest.close()


def test_deliveries_that_never_end_do_not_delay_the_others(tmp_path: Path) -> None:
    """Half of the threads for deliveries are for hosts that respond, however many others hang."""
    command, honest = hub_command(tmp_path), Subscriber()
    silent = Silent([f"127.0.0.{n}" for n in range(2, 8)], confirm=True)
    command.post("2026-01-01-one", "First")
    now, topic = datetime.now(UTC), f"{command.url}all.rss"
    callbacks = [f"{honest.url}/cb", *(f"{silent.urls[n % 6]}/{n}" for n in range(1000))]
    database = open_state(command)
    with database.begin() as connection:
        for callback in callbacks:
            subscriptions.upsert(connection, lasting(topic, callback, now))
    database.close()
    with command.running():
        command.post("2026-01-02-two", "Second")
        honest.wait(1, "POST")
        until(lambda: silent.unanswered >= 100, what="hanging deliveries")
        began = time.monotonic()
        command.post("2026-01-03-three", "Third")
        honest.wait(2, "POST")
        assert time.monotonic() - began < AT_ONCE
    silent.close()
    honest.close()


def lasting(topic: str, callback: str, now: datetime) -> Subscription:
    return Subscription(
        topic=topic, callback=callback, secret=None, expires=now + timedelta(days=1), since=now
    )


def test_one_host_does_not_get_all_subscriptions_of_the_hub(tmp_path: Path) -> None:
    """Whatever ports, names, paths and queries its callbacks have. Other hosts can subscribe."""
    command = hub_command(tmp_path, limits=", subscriptions = 30, host_subscriptions = 10")
    one, other = Subscriber("127.0.0.2"), Subscriber("127.0.0.2")
    named, honest = Subscriber("127.0.0.1"), Subscriber("127.0.0.3")
    port = named.url.rpartition(":")[2]
    command.post("2026-01-01-one", "First")
    with command.running(), requests.Session() as session:
        codes = [
            subscribe(command, session, f"{(one, other)[number % 2].url}/{number // 7}?k={number}")
            for number in range(12)
        ]
        assert codes == [202] * 10 + [429] * 2
        for number in range(9):  # each name is within its limit, their address is not
            for host in ("127.0.0.1", "LocalHost"):
                assert subscribe(command, session, f"http://{host}:{port}/?k={number}") in (
                    202,
                    429,
                )
        until(lambda: live_subscriptions(command) == 20)
        assert subscribe(command, session, f"{honest.url}/cb") == 202
        until(lambda: live_subscriptions(command) == 21)
    for subscriber in (one, other, named, honest):
        subscriber.close()


def test_spellings_of_one_topic_cost_little(tmp_path: Path) -> None:
    """Each counts towards the client's limit. The topic's file is not read for it."""
    command = hub_command(tmp_path)
    for day in range(1, 20):
        command.post(f"2026-01-{day:02}-post", f"Post {day}", text="Many words. " * 2000)
    # Each letter of "all.rss" is percent-encoded or not: 2^7 spellings, and 64 in lower case.
    spellings = [
        "".join(
            f"%{ord(letter):02X}" if bits >> at & 1 else letter
            for at, letter in enumerate("all.rss")
        )
        for bits in range(128)
    ]
    spellings += [spelling.lower() for spelling in spellings if "%6C" in spelling][:64]
    with command.running() as daemon, requests.Session() as session:
        body = urlencode(
            [("hub.mode", "publish"), *(("hub.url", command.url + path) for path in spellings)]
        )
        wrong = urlencode(
            [("hub.mode", "publish"), *(("hub.url", f"{command.url}{n}.rss") for n in range(95))]
        )
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        spent = []
        for data, code in ((body, 202), (wrong, 404)):
            before = processor_seconds(daemon.process.pid)
            for _ in range(20):
                url = f"{command.url}hub"
                response = session.post(url, data=data, headers=form, timeout=10)
                assert response.status_code == code
            spent.append((processor_seconds(daemon.process.pid) - before) / 20)
        assert max(spent) < 0.05, spent
        # Four publishes of 192 topics are more than 600 in a minute.
    command.configure(
        SUBSCRIBERS.replace("client = 100000", "client = 600").format(url=command.url, limits="")
    )
    with command.running(), requests.Session() as session:
        codes = [
            session.post(f"{command.url}hub", data=body, headers=form, timeout=10).status_code
            for _ in range(4)
        ]
    assert codes == [202, 202, 202, 429]


# ------------------------------------------------------------ hostile responses

#: Settings that allow loopback addresses to subscribe, with short timeouts.
CALLBACKS = """
[hub]
allow_private = ["127.0.0.0/8"]
timeout = "3s"
retry = ["300ms", "300ms"]
"""


def subscribe_to_all(command: Command, callback: str) -> requests.Response:
    form = {"hub.mode": "subscribe", "hub.topic": f"{command.url}all.rss", "hub.callback": callback}
    return requests.post(f"{command.url}hub", data=form, timeout=5)


def facts(command: Command) -> dict[str, Any]:
    """The output of `status --json`."""
    output: dict[str, Any] = json.loads(command("status", "--json").stdout)
    return output


def test_endless_heads_cost_no_memory(command: Command) -> None:
    """Forty callbacks that send 99 header lines of 65 kB: one request each, read up to a limit."""
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with (
        serving(HEAD + (b"X: " + b"y" * 65_000 + b"\r\n") * 99 + b"\r\n") as hostile,
        command.running() as daemon,
    ):
        before = memory(daemon.process.pid)
        for number in range(40):
            assert subscribe_to_all(command, f"{hostile.url}/{number}").status_code == 202
        until(lambda: len(hostile.requests) >= 40)
        until(lambda: not facts(command)["queued"].get("verify"))
        assert memory(daemon.process.pid, "VmHWM") - before < MOST_GAINED
        assert len(hostile.requests) == 40


def test_endless_responses_cost_no_time(command: Command) -> None:
    """Endless interim responses, header lines, chunks and trailers are not retried.

    Other subscribers are served meanwhile.
    """
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with ExitStack() as stack:
        hostile = [stack.enter_context(serving(pouring(*endless))) for endless in ENDLESS.values()]
        honest = Subscriber()
        stack.callback(honest.close)
        daemon = stack.enter_context(command.running())
        used = processor_seconds(daemon.process.pid)
        for number in range(4):
            for server in hostile:
                assert subscribe_to_all(command, f"{server.url}/{number}").status_code == 202
        assert subscribe_to_all(command, f"{honest.url}/cb").status_code == 202
        until(lambda: all(len(server.requests) >= 4 for server in hostile))
        until(lambda: not facts(command)["queued"].get("verify"))
        assert processor_seconds(daemon.process.pid) - used < 3
        assert [len(server.requests) for server in hostile] == [4] * len(hostile)
        assert facts(command)["subscribers"] == 1


def test_a_hub_cannot_redirect_a_ping_into_our_network(command: Command) -> None:
    """A redirect within the hub's own address is allowed; another port counts as a stranger's."""
    with serving(OK) as inside, serving(OK) as hub:
        private = f"http://127.0.0.1:{inside.port}/admin/delete?all=1"
        redirect = b"HTTP/1.1 307 There\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n"

        def answer(connection: socket.socket) -> None:
            path = hub.requests[-1].split(b" ", 2)[1]
            redirects = {b"/away": redirect % private.encode(), b"/old": redirect % b"/new"}
            connection.sendall(redirects.get(path, OK))

        hub.answer = answer
        command.configure(f'[push]\nhubs = ["{hub.url}/away", "{hub.url}/old"]\nretry = []\n')
        command.post("2026-01-02-one")
        command.build()
        command("push")
        state = {one["url"]: one for one in facts(command)["hubs"]}
    assert (inside.connections, inside.requests) == (0, [])
    assert "refused" in state[f"{hub.url}/away"]["error"]
    assert state[f"{hub.url}/old"]["last_success"]


def test_callbacks_at_special_addresses_are_refused(command: Command) -> None:
    """Ports of other protocols, special addresses, IPv6 outside 2000::/3: 400, no connection."""
    command.configure(CALLBACKS)
    command.post("2026-01-02-one")
    with serving(OK, ports=BLOCKED) as blocked, command.running():
        at_blocked_ports = (
            f"{blocked.url}/cb",
            "https://reader.example:25/cb",
            "http://[2606:2800:21f::1]:10080/cb",
        )
        at_special_addresses = (
            *("http://192.0.0.9/cb", "http://[2001:1::1]/cb", "http://[64:ff9b::7f00:1]/cb"),
            *("http://[4000::1]/cb", "http://[2002:5db8:d70e::1]/cb"),
            "http://[::ffff:808:808]/cb",
        )
        for callback in at_blocked_ports:
            response = subscribe_to_all(command, callback)
            assert response.status_code == 400
            assert ", which browsers block" in response.text
        for callback in at_special_addresses:
            response = subscribe_to_all(command, callback)
            assert response.status_code == 400
            assert response.text.strip() == "hub.callback is not at a public address."
        assert blocked.connections == 0


# ------------------------------------------------------------ authors

#: Seconds of processor time that a hostile post may take. Without limits: 17 s to minutes.
SECONDS = 5.0

#: MiB of memory that a hostile post may take.
MEMORY = 400

#: Seconds until a good post that was saved just after it is published, on a busy machine. Without
#: limits: 24 s and more.
NEWS = 2 * AT_ONCE

#: Bytes of the largest file that is read, less its front matter.
LARGEST = 4 * 1024 * 1024 - 200

#: Liquid that counts as heavy although it is cheap.
LIQUID = "{% if page.title %}Text.{% endif %}"


def merged(levels: int) -> str:
    """YAML of a few hundred bytes, with twice as many values at each level."""
    lines = [
        f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}\n"
        for level in range(1, levels)
    ]
    return "a0: &a0 {x: 1}\n" + "".join(lines)


#: Liquid that makes a text of ten characters and an array of 5,120 items.
TEN = (
    "{% assign n = '..........' %}{% assign a = 'x,x,x,x,x' | split: ',' %}"
    + "{% assign a = a | concat: a %}" * 10
)

#: Liquid that makes an array with the text `n` 2,048 times, and inspects it.
REPEATED = (
    "{% assign b = n | split: 'z' %}"
    + "{% assign b = b | concat: b %}" * 11
    + "{{ b | inspect | size }}"
)

#: Hostile front matter and text, by kind.
HOSTILE = {
    "ampersands": ("", "&" * 2_000_000),
    "outputs": ("", '{{ "a" }}' * (LARGEST // 9)),
    "few outputs": ("", '{{ "a" }}' * 58_000),
    "loops": ("", "{% for i in (1..99999) %}{{ i }}{% endfor %}"),
    "merge keys": (merged(25), "Text."),
    "quoted brackets": ("a: [" + ("'" + "]" * 64 + "'," + "[" * 64) * 490, "Text."),
    "tables": ("", "<table>x" * (LARGEST // 8)),
    "pictures": ("", '<img src="a">' * 40_000),
    "list items": ("", "* a\n" * (LARGEST // 4)),
    "footnotes": ("", "[^1]" * 130_000 + "\n\n[^1]: x\n"),
    "open links": ("", '[a](b "' * (80_000 // 7)),
    "malformed tags": (
        "",
        "".join(f"{{% for x in y {'a' * 9900}{number} %}}" for number in range(31)),
    ),
    "long names": (
        "",
        f"{TEN}{'{% assign n = n | append: n %}' * 15}{{{{ a | where: n, 'q' | size }}}}",
    ),
    "one text many times": ("", f"{TEN}{'{% assign n = n | append: n %}' * 16}{REPEATED}"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_post_delays_no_other(command: Command, kind: str) -> None:
    """A post saved while it is rendered is published within seconds.

    The hostile one takes seconds of processor time and a few hundred MiB. It is published, or
    reported as a problem.
    """
    head, text = HOSTILE[kind]
    command.post("2026-01-01-first", "First")
    with command.running() as daemon:
        until(lambda: "First" in command.feed("all.rss"), what="the first post")
        before = processor_seconds(daemon.process.pid)
        command.post("2026-01-02-hostile", "Hostile", head=head, text=text)
        time.sleep(0.2)  # so that its build has begun: the watcher reports files in batches
        command.post("2026-01-03-good", "Good")
        until(lambda: "Good" in command.feed("all.rss"), seconds=NEWS, what="the good post")
        until(
            lambda: (
                "Hostile" in command.feed("all.rss")
                or any("hostile" in line and "problem" in line for line in daemon.err)
            ),
            what="the hostile post",
        )
        assert processor_seconds(daemon.process.pid) - before < SECONDS
        assert memory(daemon.process.pid, "VmHWM") < MEMORY


def test_a_good_post_among_hostile_ones_is_published_soon(command: Command) -> None:
    """Several hostile posts saved before it are published later."""
    command.post("2026-01-01-first", "First")
    with command.running():
        until(lambda: "First" in command.feed("all.rss"), what="the first post")
        for day in range(10, 16):
            command.post(f"2026-01-{day}-hostile", f"Hostile {day}", text='{{ "a" }}' * 15_000)
        time.sleep(0.2)
        command.post("2026-01-03-good", "Good")
        until(lambda: "Good" in command.feed("all.rss"), seconds=NEWS, what="the good post")
        until(
            lambda: command.feed("all.rss").count("<title>Hostile") == 6, what="the hostile posts"
        )


def test_heavy_posts_are_put_off(tmp_path: Path) -> None:
    """While heavy posts are put off, a run renders one, and leaves the rest to the next."""
    site = Site(tmp_path)
    site.post("2026-01-01-first", "Text.")
    with site.service() as service:
        service.build()
        for day in (10, 11, 12):
            site.post(f"2026-01-{day}-heavy-{day}", "word " * 20_000)
        site.post("2026-01-02-good", "Text.")
        left, out = list[int](), list[list[str]]()
        for _ in range(3):
            left.append(len(service.build(cancel=Cancel(heavy_posts=lambda: True)).put_off))
            items = json.loads((site.feeds / "all.json").read_text())["items"]
            out.append([item["id"] for item in items])
        assert left == [2, 1, 0]
        assert any("good" in id for id in out[0])
        assert [sum("heavy" in id for id in ids) for ids in out] == [1, 2, 3]
        assert not service.build().has_changes


def test_posts_that_were_put_off_are_in_the_next_full_scan(tmp_path: Path) -> None:
    """Even if no file changed since."""
    site = Site(tmp_path)

    def save(day: int, text: str) -> None:
        """Save a post with an old time: a file that has just changed is read again anyway."""
        file = site.post(f"2026-01-{day}-post", text)
        os.utime(file, (day, day))
        age(file)

    save(10, "Text.")
    with site.service() as service:
        service.build()
        save(11, LIQUID)
        save(12, LIQUID)
        assert service.build(cancel=Cancel(heavy_posts=lambda: True)).put_off == (
            "_posts/2026-01-12-post.md",
        )
        assert "2026-01-12-post" not in site.titles("all")
        service.build()
        assert "2026-01-12-post" in site.titles("all")


def test_heavy_posts_are_published_once(tmp_path: Path) -> None:
    """If nothing else is new, a full feed is never published without them, and pinged once."""
    site = Site(tmp_path, settings=FEEDS + "limit = 2\n")
    for day in range(1, 4):
        site.post(f"2026-01-0{day}-post", "Text.")
    with site.service() as service:
        feeds = service.build().feeds
        for day in range(10, 20):
            site.post(f"2026-01-{day}-heavy", "{% for one in site.posts %}{% endfor %}Text.")
        report = service.build()
    assert (report.new, report.feeds_changed) == (10, feeds)


def passes(site: Site, service: Service) -> list[bool]:
    """Build once. Returns, for each time that feeds are published, whether they have the post."""
    published = list[bool]()

    def progress(done: int, total: int | None, phase: Phase) -> None:
        if phase is Phase.BUILDING and done == total:
            published.append("2026-02-01-liquid" in site.titles("all"))

    service.build(progress)
    return published


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[tuple[Site, Service]]:
    """A built site, and its service. A post in the future becomes due a day later."""
    site = Site(tmp_path)
    site.post("2026-01-01-first")
    site.post("2026-03-02-later")
    with site.service() as service:
        service.build()
        yield site, service


def test_a_single_heavy_post_is_published_at_once(lone: tuple[Site, Service]) -> None:
    """If only one post is new or changed, its feeds are published once, with it."""
    site, service = lone
    for text in (LIQUID, f"{LIQUID} More."):
        site.post("2026-02-01-liquid", text)
        assert passes(site, service) == [True]


def with_another(site: Site, _service: Service) -> None:
    site.post("2026-02-02-light")


def with_one_less(site: Site, _service: Service) -> None:
    (site.root / "_posts" / "2026-01-01-first.md").unlink()


def with_one_due(site: Site, _service: Service) -> None:
    site.clock.forward(days=2)


def with_one_that_lists_it(site: Site, service: Service) -> None:
    site.post("2026-01-02-list", "{% for post in site.posts %}{{ post.title }}{% endfor %}")
    service.build()


def with_some_put_off(site: Site, service: Service) -> None:
    for day in (3, 4, 5):
        site.post(f"2026-02-0{day}-heavy", LIQUID)
    assert service.build(cancel=Cancel(heavy_posts=lambda: True)).put_off


@pytest.mark.parametrize(
    "more", [with_another, with_one_less, with_one_due, with_one_that_lists_it, with_some_put_off]
)
def test_one_heavy_post_waits_for_others(
    lone: tuple[Site, Service], more: Callable[[Site, Service], None]
) -> None:
    """If the run has anything else to publish, that goes first."""
    site, service = lone
    more(site, service)
    site.post("2026-02-01-liquid", LIQUID)
    assert passes(site, service) == [False, True]


def children_seconds() -> float:
    """The processor time of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_exceeding_a_limit_is_one_problem(command: Command) -> None:
    """The post is published without markup, the problem names the limit, nothing is retried."""
    command.post("2026-01-02-long", "Long", text="&" * 2_000_000)
    found = command("build")
    assert (
        "2026-01-02-long.md:5: the post's text has 2,000,001 characters; the limit is 524,288"
        in found.stderr + found.stdout
    )
    assert "<title>Long</title>" in command.feed("all.rss")
    assert "0 of 2 feeds changed" in command("build").stdout


def test_merge_keys_of_the_site_are_counted(command: Command) -> None:
    """The same limit applies to `_config.yml` and data: both are refused at once."""
    (command.site / "_data").mkdir()
    (command.site / "_data" / "bomb.yml").write_text(merged(25))
    command.post("2026-01-01-good", "Good")
    before = children_seconds()
    found = command("build")
    assert (
        "_data/bomb.yml: the data can't be read: it has more than 100,000 values"
        in found.stderr + found.stdout
    )
    (command.site / "_config.yml").write_text(f"url: https://example.com\n{merged(25)}")
    found = command("build")
    assert "_config.yml: the config can't be read: it has more than 100,000 values" in found.stderr
    assert children_seconds() - before < 2 * SECONDS


def test_a_huge_file_is_not_read(command: Command) -> None:
    """Of a file of ten gigabytes, only the size is read."""
    with (command.site / "_posts" / "2026-01-01-large.md").open("wb") as file:
        file.write(b"---\ntitle: Large\n---\n")
        file.truncate(10 * 1024**3)
    command.post("2026-01-02-good", "Good")
    before = children_seconds()
    found = command("build")
    assert children_seconds() - before < SECONDS
    assert "a post may have at most 4,194,304" in found.stderr + found.stdout
    assert "<title>Good</title>" in command.feed("all.rss")


# ------------------------------------------------------------ other users of the host


#: The user `nobody`.
OTHER_USER = 65_534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with TemporaryDirectory(prefix="syndicator-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_other_user(action: Callable[[], object]) -> bool:
    """Whether an action succeeds as another user. Skips the test unless it runs as root."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    child = os.fork()
    if child == 0:
        done = False
        with suppress(BaseException):
            os.setgroups([])
            os.setresgid(OTHER_USER, OTHER_USER, OTHER_USER)
            os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
            action()
            done = True
        os._exit(0 if done else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def acquire_lock(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_other_users_can_not_read_the_state(open_folder: Path) -> None:
    """Nor hold its locks, whatever the umask, even in an open folder. They can read the feeds."""
    with umask(0):
        command = Command(open_folder)
        (open_folder / "var").mkdir(mode=0o755)
        command.post("2026-01-02-one")
        with command.running():
            files = {path.name: path for path in (open_folder / "var").iterdir()}
            assert {
                "syndicator.db",
                "syndicator.db-wal",
                "syndicator.db-shm",
                "syndicator.db.daemon.lock",
            } <= set(files)
            assert {name: mode(path) for name, path in files.items()} == dict.fromkeys(files, 0o600)
            assert mode(open_folder / "var") == 0o755
            assert mode(command.feeds / "all.rss") & stat.S_IROTH
            assert as_other_user((command.feeds / "all.rss").read_bytes)
            readable = [name for name, path in files.items() if as_other_user(path.read_bytes)]
            assert readable == []
            assert not as_other_user(lambda: acquire_lock(files["syndicator.db.run.lock"]))


def test_a_new_state_folder_is_closed_unless_it_has_the_feeds(tmp_path: Path) -> None:
    """The state's own folder gets mode 0700. Web servers must enter one that also has the feeds."""
    command = Command(tmp_path)
    build(command)
    assert mode(tmp_path / "var") == 0o700
    inside = '[output]\npath = "../own/feeds"\n[state]\nurl = "sqlite:///../own/state.db"\n'
    command.configure(inside)
    build(command)
    assert (mode(tmp_path / "own"), mode(tmp_path / "own/state.db")) == (0o755, 0o600)


def build(command: Command) -> None:
    with Service(config.load(command.config, {})) as service:
        service.build()


def test_the_modes_of_an_older_state_are_corrected(tmp_path: Path) -> None:
    """`doctor` names each file open to all users, with the command to close it.

    A run as their owner closes them. Group rights are the operator's decision, and stay.
    """
    command = Command(tmp_path)
    build(command)
    state, lock = tmp_path / "var/syndicator.db", tmp_path / "var/syndicator.db.run.lock"
    for path in (state, lock):
        path.chmod(0o644)
    (problem,) = doctor_problems(command)
    assert (problem.path, problem.hint) == ("state.url", f"chmod 600 {state} {lock}")
    state.parent.chmod(0o777)
    assert f"chmod o-w {state.parent}" in [each.hint for each in doctor_problems(command)]
    state.parent.chmod(0o755)
    build(command)
    assert (mode(state), mode(lock), doctor_problems(command)) == (0o600, 0o600, [])
    state.chmod(0o640)
    build(command)
    assert (mode(state), doctor_problems(command)) == (0o640, [])


def doctor_problems(command: Command) -> list[Problem]:
    """The problems of `doctor`, without that of the feeds' address."""
    problems = check_machine(config.load(command.config, {}), ask=False, config_file=command.config)
    return [problem for problem in problems if problem.path != "feeds.url"]


@pytest.mark.parametrize(
    "address", ["syndicator:hidden@127.0.0.1:1/x", "127.0.0.1:1/x?password=hidden"]
)
def test_a_password_in_the_config_is_reported_but_not_shown(tmp_path: Path, address: str) -> None:
    """`doctor` reports that everyone may read it, with a remedy. No message contains it."""
    command = Command(tmp_path, f'[state]\nurl = "postgresql+psycopg://{address}"\n')
    command.config.chmod(0o644)
    done = command("doctor")
    assert f"chmod 600 {command.config}, " in done.stdout
    assert "127.0.0.1" in done.stdout
    assert "hidden" not in done.stdout + done.stderr
    command.config.chmod(0o600)
    assert "chmod" not in " ".join(str(each.hint) for each in doctor_problems(command))
    with pytest.raises(StateError) as caught:
        build(command)
    assert "hidden" not in f"{caught.value} {caught.value.hint}"


def test_a_symlink_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    """A FIFO there doesn't block anyone. The error names the file."""
    command = Command(tmp_path)
    build(command)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    lock = tmp_path / "var/syndicator.db.run.lock"
    for plant in (lambda: lock.symlink_to(victim), lambda: os.mkfifo(lock)):
        lock.unlink()
        plant()
        done = quick(command, "build")
        assert (done.returncode, f"{lock} is not a regular file" in done.stderr) == (1, True)
    assert victim.read_text() == "precious"


def quick(command: Command, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that must not block."""
    return subprocess.run(
        command.arguments(*words),
        cwd=command.root,
        env=command.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_symlink_at_a_predictable_name_is_not_followed(tmp_path: Path) -> None:
    """Users with write access to the output folder can predict names of temporary files."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    command = Command(tmp_path)
    with command.running() as daemon:
        for name in ("all", "category/news"):
            for suffix in (".rss", ".rss.gz", ".atom", ".json"):
                token = sha256(f"{name}{suffix}".encode()).hexdigest()[:16]
                planted = (
                    command.feeds / Path(name).parent / f".syndicator-{daemon.process.pid}-{token}"
                )
                planted.parent.mkdir(exist_ok=True)
                planted.symlink_to(victim)
        command.post("2026-01-02-one", "Good news")
        until(
            lambda: (
                "Good news" in command.feed("all.rss")
                and "Good news" in command.feed("category/news.atom")
            )
        )
        until((command.feeds / "category/news.rss.gz").exists)
    assert victim.read_text() == "precious"


def _a_socket(place: Path, _: Path) -> None:
    # A socket's path must be short: bind it in a short folder, then move it.
    with (
        TemporaryDirectory(prefix="s", dir=place.parents[-2]) as folder,
        socket.socket(socket.AF_UNIX) as one,
    ):
        one.bind(f"{folder}/s")
        os.rename(f"{folder}/s", place)


def _a_large_file(place: Path, _: Path) -> None:
    with place.open("wb") as file:
        file.truncate(2**36)  # 64 GiB, sparse


#: Files that another user may put in place of ours, by kind. The kinds also name feeds and posts.
PLANTED: dict[str, Callable[[Path, Path], object]] = {
    "fifo": lambda place, _: os.mkfifo(place),
    "socket": _a_socket,
    "link": lambda place, other: place.symlink_to(other),
    "circle": lambda place, _: place.symlink_to(place),
    "device": lambda place, _: place.symlink_to("/dev/zero"),
    "twin": lambda place, other: place.hardlink_to(other),
    "large": _a_large_file,
}


def test_planted_files_among_the_feeds(tmp_path: Path) -> None:
    """In place of a feed, its compressed sibling or its page. The next run replaces them."""
    command = Command(tmp_path)
    for kind in PLANTED:
        command.post("2026-01-02-" + kind, categories=kind)
    build(command)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    good = {path: path.read_bytes() for path in command.feeds.rglob("*") if path.is_file()}
    places = {
        command.feeds / f"category/{kind}{suffix}": kind
        for kind in PLANTED
        for suffix in (".rss", ".json.gz", ".html")
    }
    places[command.feeds / "index.html"] = "fifo"
    for place, kind in places.items():
        place.unlink()
        PLANTED[kind](place, victim)
    assert quick(command, "doctor").returncode == 0  # it opens none of them
    done = quick(command, "build")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(stat.S_ISREG(place.lstat().st_mode) for place in places)
    assert {path: path.read_bytes() for path in command.feeds.rglob("*") if path.is_file()} == good
    assert victim.read_text() == "precious"


def test_a_planted_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A starting daemon reads compressed siblings, but no more bytes than their feed has."""
    command = Command(tmp_path)
    command.post("2026-01-02-one", text="word " * 100_000)
    build(command)
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(zeros.compress(bytes(2**20)) for _ in range(300)), zeros.flush()])
    assert len(bomb) < (command.feeds / "all.rss").stat().st_size
    (command.feeds / "all.rss.gz").write_bytes(bomb)
    with command.running() as daemon:
        assert memory(daemon.process.pid, "VmHWM") < 2 * MOST_GAINED


def test_a_symlinked_subfolder_is_refused_and_a_symlinked_root_is_not(tmp_path: Path) -> None:
    """Below the output folder no symlink is followed. Other feeds are published."""
    command = Command(tmp_path, '[output]\npath = "../current/feeds"\n')
    (tmp_path / "disk/feeds").mkdir(parents=True)
    (tmp_path / "current").symlink_to("disk")
    feeds, elsewhere = tmp_path / "disk/feeds", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".syndicator-1-abc").write_text("precious")
    (feeds / "category").symlink_to(elsewhere)
    command.post("2026-01-02-one", "Good news")
    done = quick(command, "build")
    assert done.returncode == 1
    assert "category is a link: nothing is written through links below" in done.stderr
    assert "Good news" in (feeds / "all.rss").read_text()
    assert os.listdir(elsewhere) == [".syndicator-1-abc"]
    (feeds / "category").unlink()
    assert quick(command, "build").returncode == 0
    assert "Good news" in (feeds / "category/news.rss").read_text()


def test_planted_files_in_the_source(tmp_path: Path) -> None:
    """No read of the source blocks or leaves it. Other posts are published; bad ones are named."""
    command = Command(tmp_path)
    outside = tmp_path / "outside"
    outside.write_text("---\ntitle: Secret\n---\nsecret-text\n")
    kinds = [kind for kind in PLANTED if kind != "twin"]  # a hard link is a regular file
    for kind in kinds:
        for name in (
            "_posts/2026-01-03-{}.md",
            "_includes/{}.html",
            "_data/{}.yml",
            "assets/{}.png",
            "assets/{}.mp3",
        ):
            place = command.site / name.format(kind)
            place.parent.mkdir(exist_ok=True)
            PLANTED[kind](place, outside)
        head = f"image: /assets/{kind}.png\naudio: /assets/{kind}.mp3\n"
        command.post(
            f"2026-01-02-{kind}",
            f"News of the {kind}",
            head=head,
            text=f"{{{{ site.data.{kind} }}}}",
        )
        command.post(f"2026-01-04-{kind}", text=f"{{% include {kind}.html %}}")
    done = quick(command, "build")
    assert [kind for kind in kinds if f"_posts/2026-01-03-{kind}.md: " not in done.stdout] == []
    assert [kind for kind in kinds if f"News of the {kind}" not in command.feed("all.rss")] == []
    assert "secret" not in command.feed("all.rss").lower()


@pytest.mark.parametrize("kind", ["fifo", "circle"])
def test_planted_files_in_place_of_a_config(tmp_path: Path, kind: str) -> None:
    """The site's config and ours are refused at once, with their name."""
    command = Command(tmp_path)
    for file, code in ((command.site / "_config.yml", 1), (command.config, 2)):
        file.unlink()
        PLANTED[kind](file, tmp_path)
        done = quick(command, "build", "--config", str(command.config))
        assert (done.returncode, file.name in done.stderr) == (code, True)


# ------------------------------------------------------------ logs that can't be written


class Logged:
    """Checks that a daemon works, whatever happens to its log."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.saved = 0

    def publishes(self) -> None:
        """A post that is saved now is published by the watcher, before the next poll."""
        self.saved += 1
        self.command.post(
            f"2026-01-{self.saved:02}-post", f"Title {self.saved}", head="image: no\n"
        )
        until(lambda: f"Title {self.saved}" in self.command.feed("all.rss"))

    def works(self, daemon: Daemon) -> None:
        """Posts are published, `/livez` and reload work, and a stop has exit code 0."""
        for _ in range(3):
            self.publishes()
        assert requests.get(f"{self.command.url}livez", timeout=5).status_code == 200
        assert self.command("status", "--check").stdout == "All is well.\n"
        daemon.send(signal.SIGHUP)
        self.publishes()
        assert daemon.end()[0] == 0

    def lost(self) -> float:
        """The number of lost log lines, by the metric."""
        lines = requests.get(f"{self.command.admin}metrics", timeout=5).text.splitlines()
        name = "syndicator_log_lines_lost_total "
        return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.fixture
def logged(command: Command) -> Logged:
    """With a poll that is too late for `Logged.publishes`."""
    command.configure(poll="10m")
    return Logged(command)


def test_a_log_on_a_full_disk_stops_nothing(logged: Logged) -> None:
    """Every write to the log fails. Lost lines are counted."""
    with open("/dev/full", "wb") as full, logged.command.running(stderr=full.fileno()) as daemon:
        logged.publishes()
        until(lambda: logged.lost() > 0)
        logged.works(daemon)


def test_a_log_without_a_reader_stops_nothing(logged: Logged) -> None:
    """The reader of the pipe has closed it, as a closed terminal does."""
    ours, theirs = os.pipe()
    with logged.command.running(stderr=theirs) as daemon:
        os.close(theirs)
        os.close(ours)
        logged.works(daemon)


def test_a_log_that_nobody_reads_stops_nothing(logged: Logged) -> None:
    """The pipe is full, and its reader reads nothing: a write would block."""
    ours, theirs = os.pipe()
    try:
        while True:  # until the pipe is full
            os.set_blocking(theirs, False)
            os.write(theirs, b"x")
    except BlockingIOError:
        os.set_blocking(theirs, True)
    with logged.command.running("-v", stderr=theirs) as daemon:
        os.close(theirs)
        logged.works(daemon)
    os.close(ours)


def test_a_log_goes_on_when_its_disk_has_room_again(logged: Logged, tmp_path: Path) -> None:
    """It then logs how many lines were lost. Each line is complete."""
    with disks(tmp_path / "logs", size=64 * 1024) as (disk,):
        file = disk.at / "log"
        file.touch()
        disk.fill()
        with open(file, "ab") as log, logged.command.running(stderr=log.fileno()) as daemon:
            logged.publishes()
            until(lambda: logged.lost() > 0)
            disk.free()
            logged.publishes()
            until(lambda: "log lines were lost" in file.read_text())
            logged.works(daemon)
        assert {"level", "event"} <= set.intersection(
            *(set(json.loads(line)) for line in file.read_text().splitlines() if line)
        )


def test_an_address_that_nobody_reads_stops_nothing(command: Command) -> None:
    """stdout is closed before the address is printed: the daemon serves, and ends with code 0."""
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.Popen(
        command.arguments("run"),
        cwd=command.root,
        env=command.environ,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    try:
        until(lambda: is_served(f"{command.url}index.html"))
        command.post("2026-01-02-post", "Saved later")
        until(lambda: "Saved later" in command.feed("all.rss"))
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()


def is_served(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
