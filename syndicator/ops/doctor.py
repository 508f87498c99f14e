"""What would go wrong on this machine with this config.

Reads only, and asks the network only where it is told to: of its own machine it asks who listens there already.
What it finds are Problems: a setting, what is wrong with it, and what to do.
"""

import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from syndicator import regular_files
from syndicator.errors import StateError, SyndicatorError
from syndicator.listen import listen
from syndicator.model.content import Problem
from syndicator.model.outbox import Request, Response
from syndicator.ops import disk
from syndicator.store import database, file_modes

#: No clock that is right is before this: the program is younger.
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

#: What nobody has (RFC 2606 §3).
_EXAMPLE = re.compile(r"(.*\.)?example(\.com|\.net|\.org)?")

#: The fact that names an address which sent X-Forwarded-For and is not trusted; empty: none did.
UNNAMED_PROXY = "unnamed proxy"

#: Clocks that are further apart than this are not both right.
_APART = timedelta(minutes=2)

#: Seconds in which our own daemon answers.
_QUICK = 2.0

#: More octets than our index page has.
_PAGE = 16 * 2**20

#: More bytes than a config has.
_CONFIG = 4 * 2**20

#: A database's address with a password: before the host, or in its query, as libpq's `password` and `sslpassword`.
_PASSWORD = re.compile(
    r"""postgresql[^\s"':]*://([^\s"':@/]*:[^\s"'@]+@|[^\s"']*[?&]\w*(password|secret)=[^&\s"'])""",
    re.IGNORECASE,
)


def addresses(url: str, hubs: Sequence[str], site: str | None) -> Iterator[Problem]:
    """Whether others can reach the feeds. `hubs`: outside ones, that are told to fetch them. `site`: as configured."""
    if site and _EXAMPLE.fullmatch(urlsplit(site).hostname or ""):
        hint = "set it to the address that the site's pages have: every post links there"
        yield Problem(path="site.url", message=f"{site} is an example", hint=hint)
    host = urlsplit(url).hostname or ""
    if not _is_public(host):
        hint = "set it to the address that others will use; until then nobody but this network can follow the feeds"
        yield Problem(path="feeds.url", message=f"{url} is no public address", hint=hint)
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


def places(source: Path, output: Path, state: Path | None) -> Iterator[Problem]:
    """Whether the folders are there, may be used by this user, and have room. `state` None: it is no file of ours."""
    # os.path's, since those of Path raise where a folder is closed to this user.
    if not os.path.isdir(source) or not os.access(source, os.R_OK | os.X_OK):
        yield Problem(
            path="source.path",
            message=f"{source} is no folder that can be read",
            hint="is it mounted?",
        )
    written = [("output.path", output)] + ([("state.url", state.parent)] if state else [])
    for setting, folder in written:
        there = disk.nearest(folder)
        if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
            hint = "give the user that syndicator runs as the right to write there, or name another folder"
            yield Problem(path=setting, message=f"{there} can't be written to", hint=hint)
        if (free := disk.free(there)) < disk.LITTLE:
            yield Problem(
                path=setting, message=f"{free:,} octets are free at {there}", hint="make room"
            )


def listens(
    public: tuple[str, int], admin: tuple[str, int] | None, page: Path
) -> Iterator[Problem]:
    """Whether this machine can serve at `web.listen` and `web.admin`, or does so already.

    `page`: the index page, as it is on disk. Of a daemon that runs, the log tells whether it has `admin`.
    """
    addresses = {"web.listen": public} | ({"web.admin": admin} if admin else {})
    for setting, (host, port) in addresses.items():
        try:
            listen(host, port, setting).close()
        except SyndicatorError as error:
            if _is_served(*public, page):
                return
            yield Problem(path=setting, message=str(error), hint=error.hint)


def _is_served(host: str, port: int, page: Path) -> bool:
    """Whether whoever listens there is our daemon: it says that it lives, and shows our index page, if there is one."""
    try:
        lives = _get(host, port, "/livez") == b"ok\n"
        return lives and (
            not page.exists()
            or _get(host, port, "/index.html") == regular_files.read_file(page, _PAGE)
        )
    except (OSError, HTTPException):
        return False


def _get(host: str, port: int, path: str) -> bytes:
    with closing(HTTPConnection(host, port, timeout=_QUICK)) as asking:
        asking.request("GET", path)
        return asking.getresponse().read(_PAGE)


def proxies(state: str, trusted: Sequence[IPv4Network | IPv6Network]) -> Iterator[Problem]:
    """Whether the daemon was asked by a proxy that the config doesn't name. `state`: its URL."""
    try:
        seen = database.peek_value(state, UNNAMED_PROXY)
    except StateError:  # `state` tells of it
        return
    if seen and not any(ip_address(seen) in network for network in trusted):
        message = f"X-Forwarded-For came from {seen}, which is not named here: its readers count as one client"
        hint = f'if it is a proxy of yours, add "{ip_network(seen)}"; anyone can send that header'
        yield Problem(path="web.trusted_proxies", message=message, hint=hint)


def state(url: str, now: datetime) -> Iterator[Problem]:
    """Whether the state can be used by this version, and whether the clock agrees with it."""
    try:
        last = database.peek(url)
    except StateError as error:
        yield Problem(path="state.url", message=str(error), hint=error.hint)
        last = None
    if now < _BEGAN or (last and now < last - _APART):
        than = (
            f"the last run was at {last:%Y-%m-%d %H:%M} UTC" if last else "this program is younger"
        )
        message = f"says {now:%Y-%m-%d %H:%M} UTC, but {than}"
        yield Problem(
            path="clock",
            message=message,
            hint="set it; posts appear by it, and debts are paid by it",
        )


def neighbours(state: Path | None, output: Path, config: Path | None) -> Iterator[Problem]:
    """What every user of this host may read or write though it is not for them. `config`: the config's file, if any.

    What a group may do is the operator's decision.
    """
    opened = file_modes.accessible_to_all(state) if state else []
    if opened:
        message = f"every user of this host may use {', '.join(map(str, opened))}: secrets of subscribers stand there"
        yield Problem(
            path="state.url", message=message, hint=f"chmod 600 {shlex.join(map(str, opened))}"
        )
    folders = [("output.path", output, "the feeds")]
    if state:
        folders.insert(0, ("state.url", state.parent, "the state's files"))
    for setting, folder, what in folders:
        if _rights_of_everyone(folder) & stat.S_IWOTH:
            message = (
                f"every user of this host may write to {folder}, and so remove or replace {what}"
            )
            yield Problem(
                path=setting, message=message, hint=f"chmod o-w {shlex.quote(str(folder))}"
            )
    if config and _rights_of_everyone(config) & stat.S_IROTH and _holds_a_password(config):
        message = f"every user of this host may read the password in {config}"
        hint = f"chmod 600 {shlex.quote(str(config.absolute()))}, and let it belong to the user that syndicator runs as"
        yield Problem(path="state.url", message=message, hint=hint)


def _rights_of_everyone(path: Path) -> int:
    try:
        return path.stat().st_mode & stat.S_IRWXO
    except OSError:
        return 0


def _holds_a_password(config: Path) -> bool:
    """Whether a password stands in a config's file, be it in a comment."""
    try:
        text = regular_files.read_file(config, _CONFIG, follow=True).decode("utf-8", "replace")
    except OSError:
        return False
    return _PASSWORD.search(text) is not None


def answers(
    ask: Callable[[Request], Response],
    hubs: Sequence[str],
    topic: str,
    file: Path,
    now: Callable[[], datetime],
) -> Iterator[Problem]:
    """Whether hubs answer, the feeds' address leads back to us, and clocks agree. Asks the network."""
    for hub in hubs:
        answer = ask(Request(method="GET", url=hub))
        if answer.status is None:
            hint = "is it spelt right, and may this machine ask it? Until it answers, pings wait"
            yield Problem(path=hub, message=f"can't be reached: {answer.error}", hint=hint)
        else:
            yield from _clock(hub, answer, now())
    answer = ask(Request(method="GET", url=topic, headers={"Accept-Encoding": "identity"}))
    yield from _leads_back(topic, answer, file)


def _clock(who: str, answer: Response, now: datetime) -> Iterator[Problem]:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError, TypeError):
        return
    if abs(theirs.replace(tzinfo=theirs.tzinfo or UTC) - now) > _APART:
        message = f"says {now:%Y-%m-%d %H:%M:%S} UTC, {who} says {theirs:%Y-%m-%d %H:%M:%S}"
        yield Problem(path="clock", message=message, hint="let it be set from the network (NTP)")


def _leads_back(topic: str, answer: Response, file: Path) -> Iterator[Problem]:
    hint = "it must lead to this syndicator, or to a server of the output folder: see feeds.url"
    if answer.status is None:
        yield Problem(path=topic, message=f"can't be reached: {answer.error}", hint=hint)
        return
    if answer.status != 200:
        yield Problem(path=topic, message=f"answers {answer.status}", hint=hint)
        return
    kind = answer.headers.get("content-type", "nothing")
    if answer.body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        yield Problem(path=topic, message=f"is HTML, not a feed (sent as {kind})", hint=hint)
        return
    try:
        with open(regular_files.open_file(file), "rb") as ours:
            wanted = ours.read(len(answer.body))
    except OSError:
        yield Problem(
            path=topic,
            message=f"{file} isn't there to compare with",
            hint="syndicator build makes it",
        )
        return
    if not answer.body or answer.body != wanted:
        yield Problem(
            path=topic,
            message=f"is not what stands in {file}",
            hint="an old copy in a cache? " + hint,
        )
    if "rel=" not in answer.headers.get("link", ""):
        hint = "let the server send it (config/ has examples); readers that don't look inside find the hub by it"
        yield Problem(path=topic, message="is sent without a Link header", hint=hint)
