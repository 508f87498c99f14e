"""`syndicator doctor`: checks whether this machine and this config are ready.

No check writes anything. Only `check_network` and `check_bucket` use the network;
`check_listening` connects to this machine.
Each result is a Problem: a setting, what is wrong with it, and what to do. A note is possibly
intended.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from syndicator import listen, regular_files
from syndicator.errors import OutputError, StateError, SyndicatorError
from syndicator.file_access import refusal
from syndicator.listen import Address, UnixSocket
from syndicator.model.content import Problem
from syndicator.model.outbox import Request, Response
from syndicator.ops import disk
from syndicator.outputs.atomic_files import AtomicFiles
from syndicator.outputs.owner import FolderMark, Owner, refuse_other_owner
from syndicator.store import kv, peek
from syndicator.store.database import Database

if TYPE_CHECKING:
    from syndicator.outputs.bucket import OutputBucket

#: The release date of this program: a clock before it is wrong.
_RELEASED = datetime(2026, 1, 1, tzinfo=UTC)

#: Reserved example domains (RFC 2606 §3).
_EXAMPLE = re.compile(r"(.*\.)?example(\.com|\.net|\.org)?")

#: Key in `kv` of an address that sent X-Forwarded-For and is not trusted; empty: there was none.
_UNTRUSTED_PROXY = "unnamed proxy"

#: If two clocks differ by more than this, one of them is wrong.
_CLOCK_TOLERANCE = timedelta(minutes=2)

#: Seconds in which our own daemon answers.
_ANSWER_TIMEOUT = 2.0

#: Bytes. Our index page is smaller.
_MAX_PAGE = 16 * 2**20


def check_addresses(url: str, hubs: Sequence[str], site: str | None) -> Iterator[Problem]:
    """Whether others can reach the feeds. `hubs`: outside hubs. `site`: the setting `site.url`.

    A private address is a note: a trial on this machine and a private network are not faults. With
    outside hubs it is a problem, since they could not fetch the feeds.
    """
    if site and _EXAMPLE.fullmatch(urlsplit(site).hostname or ""):
        hint = "set it to the address of the site: every post's link starts with it"
        yield Problem(path="site.url", message=f"{site} is an example address", hint=hint)
    host = urlsplit(url).hostname or ""
    if _is_public(host):
        return
    reach = "this machine" if _is_loopback(host) else "this network"
    hint = "before others follow the feeds, set it to their public address"
    yield Problem(path="feeds.url", message=f"{url} is for {reach} only", hint=hint, note=True)
    if hubs:
        message = f"{', '.join(hubs)} can't fetch feeds from {url}"
        yield Problem(path="push.hubs", message=message, hint="set feeds.url first")


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(
            (".localhost", ".local", ".internal", ".lan", ".test")
        )


def _is_loopback(host: str) -> bool:
    """By the address, or the name (RFC 6761 §6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_folders(
    source: Path | None, output: Path | None, state: Path | None
) -> Iterator[Problem]:
    """Whether folders exist, are accessible and have free space.

    `source`, `output` None: it is not a folder. `state` None: it is not a file.
    """
    # os.path.isdir, since Path.is_dir raises if a parent folder denies access.
    if source and not (os.path.isdir(source) and os.access(source, os.R_OK | os.X_OK)):
        hint = "check that it exists, is mounted, and that this user may read it"
        yield Problem(
            path="source.path", message=f"{source} is not a readable directory", hint=hint
        )
    written = [("output.path", output)] if output else []
    written += [("state.url", state.parent)] if state else []
    for setting, folder in written:
        existing = disk.nearest_existing(folder)
        if not os.path.isdir(existing):
            hint = "move it away, or set another folder"
            yield Problem(path=setting, message=f"{existing} is not a folder", hint=hint)
        elif why := refusal(existing, write=True):
            hint = f"{why.hint}; or set another folder"
            yield Problem(path=setting, message=why.message, hint=hint)
        if (free := disk.free_bytes(existing)) < disk.LOW:
            message = f"only {free:,} bytes are free at {existing}"
            yield Problem(path=setting, message=message, hint="free some disk space")


def check_listening(public: Address, admin: Address | None, page: Path | None) -> Iterator[Problem]:
    """Whether this machine can serve at `web.listen` and `web.admin`, or already does.

    `page`: the index page on disk; None: it is in a bucket. Whether a running daemon serves `admin`
    is in its log only.
    """
    addresses = {"web.listen": public} | ({"web.admin": admin} if admin else {})
    for setting, address in addresses.items():
        try:
            listen.check(address, setting)
        except SyndicatorError as error:
            if _is_our_daemon(public, page):
                return
            yield Problem(path=setting, message=str(error), hint=error.hint)


def _is_our_daemon(address: Address, page: Path | None) -> bool:
    """Whether our daemon listens there: it answers /livez and serves our index page, if any."""
    try:
        alive = _get(address, "/livez") == b"ok\n"
        return alive and (
            page is None
            or not page.exists()
            or _get(address, "/index.html") == regular_files.read_file(page, _MAX_PAGE)
        )
    except (OSError, HTTPException):
        return False


def _get(address: Address, path: str) -> bytes:
    host, port = ("localhost", 80) if isinstance(address, UnixSocket) else address
    with closing(HTTPConnection(host, port, timeout=_ANSWER_TIMEOUT)) as connection:
        if isinstance(address, UnixSocket):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(_ANSWER_TIMEOUT)
            connection.sock.connect(address.path)
        connection.request("GET", path)
        return connection.getresponse().read(_MAX_PAGE)


def check_proxies(state: str, trusted: Sequence[IPv4Network | IPv6Network]) -> Iterator[Problem]:
    """Whether requests came from a proxy that the config does not trust. `state`: its URL."""
    try:
        proxy = peek.peek_value(state, _UNTRUSTED_PROXY)
    except StateError:  # `check_state` reports it
        return
    if proxy and not any(ip_address(proxy) in network for network in trusted):
        message = (
            f"does not contain {proxy}, which sent X-Forwarded-For: all its readers count as one"
        )
        hint = (
            f'if it is your proxy, add "{ip_network(proxy)}"; note that anyone can send this header'
        )
        yield Problem(path="web.trusted_proxies", message=message, hint=hint)


def store_untrusted_proxy(database: Database, address: str) -> None:
    """Store the address of a proxy that is not trusted, for `check_proxies`. "": delete it."""
    with suppress(StateError), database.begin(durable=False) as connection:
        kv.put(connection, _UNTRUSTED_PROXY, address)


def check_state(url: str, now: datetime) -> Iterator[Problem]:
    """Whether this version can use the state, and whether the clock is later than the last run."""
    try:
        last = peek.peek(url)
    except StateError as error:
        yield Problem(path="state.url", message=str(error), hint=error.hint)
        last = None
    else:
        if server := peek.peek_server(url):
            yield from _check_server(server, now)
    if now < _RELEASED or (last and now < last - _CLOCK_TOLERANCE):
        conflict = (
            f"the last run was at {last:%Y-%m-%d %H:%M} UTC"
            if last
            else "this program was released later"
        )
        message = f"shows {now:%Y-%m-%d %H:%M} UTC, but {conflict}"
        hint = "set the clock: it decides when posts appear and when notifications are sent"
        yield Problem(path="clock", message=message, hint=hint)


def _check_server(server: peek.Server, now: datetime) -> Iterator[Problem]:
    """Whether the database's clock agrees with this one, and what is in front of the database."""
    if abs(server.time - now) > _CLOCK_TOLERANCE:
        message = (
            f"shows {now:%Y-%m-%d %H:%M:%S} UTC, the database's {server.time:%Y-%m-%d %H:%M:%S}"
        )
        hint = (
            "synchronise both from the network (NTP): what a process of one clock queues, those of "
            "another send too late"
        )
        yield Problem(path="clock", message=message, hint=hint)
    if server.is_behind_pooler:
        message = "leads to a pooler in transaction mode, such as pgbouncer"
        hint = (
            "no notification passes it: processes that share the state learn of each other's "
            "changes a second later. Name PostgreSQL itself, or a pool in session mode"
        )
        yield Problem(path="state.url", message=message, hint=hint, note=True)


def check_owner(output: Path, own: Owner) -> Iterator[Problem]:
    """Whether the output folder belongs to another state than `own`.

    Not checked if this user may not write there, which `check_folders` reports.
    """
    if refusal(output, write=True):
        return
    try:
        refuse_other_owner(FolderMark(AtomicFiles(output)), own)
    except OutputError as error:
        yield Problem(path="output.path", message=str(error), hint=error.hint)


def check_bucket(open_bucket: Callable[[], "OutputBucket"], now: datetime) -> Iterator[Problem]:
    """Whether a bucket can be read and written, and belongs to no other state. Uses the network."""
    try:
        bucket = open_bucket()
        bucket.check_owner()
        bucket.files.names("")
        bucket.mark.require_conditions(now)
    except OutputError as error:
        yield Problem(path="output.url", message=str(error), hint=error.hint)


class Published(NamedTuple):
    """The file that `feeds.url` should lead to."""

    place: str
    data: bytes | None  #: None: it does not exist


def check_network(
    send: Callable[[Request], Response],
    hubs: Sequence[str],
    topic: str,
    file: Published,
    now: Callable[[], datetime],
) -> Iterator[Problem]:
    """Whether hubs answer, clocks agree, and `topic` leads to our `file`. Uses the network."""
    for hub in hubs:
        response = send(Request(method="GET", url=hub))
        if response.status is None:
            hint = (
                "check its spelling and this machine's network; pings are retried until it answers"
            )
            yield Problem(path=hub, message=f"can't be reached: {response.error}", hint=hint)
        else:
            yield from _check_clock(hub, response, now())
    response = send(Request(method="GET", url=topic, headers={"Accept-Encoding": "identity"}))
    yield from _check_topic(topic, response, file)


def _check_clock(hub: str, response: Response, now: datetime) -> Iterator[Problem]:
    try:
        theirs = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError, TypeError):
        return
    if abs(theirs.replace(tzinfo=theirs.tzinfo or UTC) - now) > _CLOCK_TOLERANCE:
        message = f"shows {now:%Y-%m-%d %H:%M:%S} UTC, {hub} sent {theirs:%Y-%m-%d %H:%M:%S}"
        hint = "synchronise the clock from the network (NTP)"
        yield Problem(path="clock", message=message, hint=hint)


def _check_topic(topic: str, response: Response, file: Published) -> Iterator[Problem]:
    hint = "make feeds.url lead to this syndicator, or to a server of its output"
    if response.status is None:
        yield Problem(path=topic, message=f"can't be reached: {response.error}", hint=hint)
        return
    if response.status != 200:
        yield Problem(path=topic, message=f"returns status {response.status}", hint=hint)
        return
    media_type = response.headers.get("content-type", "none")
    if response.body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        message = f"returns HTML, not a feed (Content-Type: {media_type})"
        yield Problem(path=topic, message=message, hint=hint)
        return
    if file.data is None:
        message = f"can't be compared: {file.place} does not exist"
        yield Problem(path=topic, message=message, hint="run syndicator build to create it")
        return
    if not response.body or response.body != file.data[: len(response.body)]:
        yield Problem(
            path=topic,
            message=f"differs from {file.place}",
            hint="check for an outdated copy in a cache, and " + hint,
        )
    if "rel=" not in response.headers.get("link", ""):
        hint = "let the server send it, see config/: some readers find the hub only there"
        yield Problem(path=topic, message="is sent without a Link header", hint=hint)
