"""Feeds are pinged once they are served at their address as they were built."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import brotli
import pytest
from command import Hub
from support import Site

from syndicator import config
from syndicator.model.content import digest_of
from syndicator.model.outbox import Request, Response
from syndicator.model.progress import quiet
from syndicator.push.live import (
    AT_A_TIME,
    LONGEST_WAIT,
    REPORTED,
    LiveFeeds,
    push_when_live,
    queued_files,
    request_for,
    why_not_live,
)
from syndicator.service import Service
from syndicator.store.feeds import FileRow

DATA = b"<feed>A feed.</feed>" * 100
OLD = Response(status=404)


def file(number: int = 0) -> FileRow:
    return FileRow(
        path=f"{number}.atom",
        feed=str(number),
        url=f"https://example.com/{number:03}.atom",
        media_type="application/atom+xml",
        digest=digest_of(DATA),
        hubs=("https://hub.example/",),
        updated=datetime(2026, 1, 1, tzinfo=UTC),
        disk={"": (len(DATA), 0)},
    )


def served(body: bytes, encoding: str = "") -> Response:
    headers = {"etag": 'W/"of-the-host"', **({"content-encoding": encoding} if encoding else {})}
    return Response(status=200, headers=headers, body=body)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (served(DATA), None),
        (served(gzip.compress(DATA), "gzip"), None),
        (served(gzip.compress(DATA, 1), "X-Gzip"), None),
        (served(brotli.compress(DATA), "br"), None),
        (Response(status=304), None),
        (served(DATA[:-1]), "other bytes"),
        (served(DATA + b" "), "other bytes"),
        (served(gzip.compress(DATA + b" "), "gzip"), "other bytes"),
        (served(gzip.compress(b"x" * 2**24), "gzip"), "other bytes"),
        (served(gzip.compress(DATA)[:-9], "gzip"), "damaged gzip"),
        (served(DATA, "br"), "damaged br"),
        (served(gzip.compress(DATA), "zstd"), "other bytes"),
        (Response(status=404, body=DATA), "status 404"),
        (Response(status=None, error="it refused the connection"), "it refused the connection"),
        (Response(status=200, body=DATA, error="the response ended early"), "ended early"),
    ],
)
def test_a_feed_is_live_if_its_bytes_are_those_that_were_built(
    response: Response, reason: str | None
) -> None:
    """Compressed or not, whatever ETag the host makes; 304 answers the ETag of these bytes."""
    found = why_not_live(file(), response)
    assert (found is None) if reason is None else (reason in (found or ""))


def test_a_feed_is_asked_for_as_a_hub_does() -> None:
    """Its body is read up to little more than the size of the file."""
    request = request_for(file())
    assert request.headers == {
        "Accept-Encoding": "gzip",
        "If-None-Match": f'"{digest_of(DATA)}"',
    }
    assert len(DATA) < (request.body_limit or 0) <= len(DATA) + 1024


class Host:
    """Answers requests as `answers` says, by address; 404 elsewhere."""

    def __init__(self, answers: Mapping[str, Response]) -> None:
        self.answers = dict(answers)
        self.requests: list[str] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request.url)
        return self.answers.get(request.url, OLD)


def awaited(host: Callable[[Request], Response], number: int) -> LiveFeeds:
    return LiveFeeds({file(one).url: file(one) for one in range(number)}, host)


def test_a_round_ends_soon_if_nothing_is_live() -> None:
    """Most sites appear as a whole. The next round asks for others, so none hides the rest."""
    host = Host({file(7).url: served(DATA)})
    feeds = awaited(host, 20)
    assert not feeds.ask()
    assert len(host.requests) == AT_A_TIME
    assert feeds.ask()
    assert len(host.requests) == 3 * AT_A_TIME
    assert (feeds.live, feeds.waiting) == ({file(7).url}, 19)


def test_a_round_asks_for_everything_if_the_site_is_live() -> None:
    """Each feed once, and never again."""
    host = Host({file(number).url: served(DATA) for number in range(20)})
    feeds = awaited(host, 20)
    assert feeds.ask()
    assert (feeds.waiting, len(host.requests)) == (0, 20)
    assert not feeds.ask()
    assert len(host.requests) == 20


def test_a_round_ends_when_its_time_is_over() -> None:
    """A slow host may have thousands of feeds, all of them live."""
    host = Host({file(number).url: served(DATA) for number in range(20)})
    feeds = awaited(host, 20)
    assert feeds.ask(lambda: len(host.requests) >= 2 * AT_A_TIME)
    assert len(host.requests) == 2 * AT_A_TIME


def test_a_feed_that_is_not_published_any_more_is_not_awaited() -> None:
    """Its pings are sent at once."""
    feeds = LiveFeeds({"https://example.com/gone.rss": None}, Host({}))
    assert (feeds.waiting, feeds.live) == (0, {"https://example.com/gone.rss"})


def test_a_report_names_some_feeds_and_counts_the_others() -> None:
    """A site may have thousands of feeds."""
    feeds = awaited(Host({}), 30)
    for _ in range(30 // AT_A_TIME):
        feeds.ask()
    *named, others = feeds.problems()
    assert [problem.path for problem in named] == [file(number).url for number in range(REPORTED)]
    assert all("returns status 404" in problem.message for problem in named)
    assert others.message == "20 more feeds were not pinged"


class Passing:
    """A clock that passes while the push sleeps."""

    def __init__(self, on_sleep: Callable[[float], None] = lambda now: None) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.on_sleep = on_sleep

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        self.on_sleep(self.now)


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Site]:
    """A site that was built, with three queued pings."""
    with Hub() as hub:
        site = Site(
            tmp_path,
            settings='[feeds]\nurl = "http://127.0.0.1:9/"\nby = []\n[hub]\nenabled = false\n'
            f'[push]\nhubs = ["{hub.url}"]\n',
        )
        site.hub = hub.url
        site.post("2026-01-01-post")
        site.build()
        yield site


def push(site: Site, host: Host, passing: Passing, seconds: float) -> tuple[int, int, int]:
    """The pings sent, those still queued, and the problems."""
    with Service(config.load(site.config_path, {}), clock=site.clock) as service:
        report = push_when_live(
            service.pusher,
            LiveFeeds(queued_files(service.database), host),
            timedelta(seconds=seconds),
            quiet,
            clock=lambda: passing.now,
            sleep=passing.sleep,
        )
    return report.done.get("ping", 0), report.queued, len(report.problems)


def bytes_of(site: Site, *suffixes: str) -> dict[str, Response]:
    return {
        f"http://127.0.0.1:9/all.{suffix}": served((site.feeds / f"all.{suffix}").read_bytes())
        for suffix in suffixes
    }


def test_pings_wait_for_their_feed(built: Site) -> None:
    """One feed goes live at once, one after ten minutes, one never: its ping stays queued."""
    host = Host(bytes_of(built, "rss"))

    def later(now: float) -> None:
        if now > 600:
            host.answers |= bytes_of(built, "atom")

    passing = Passing(later)
    assert push(built, host, passing, 900) == (2, 1, 1)
    assert passing.waits[:6] == [1, 2, 4, 8, 16, LONGEST_WAIT]
    assert (sum(passing.waits), max(passing.waits)) == (900, LONGEST_WAIT)
    assert len(host.requests) < 3 * len(passing.waits) + 3
    host.answers |= bytes_of(built, "json")
    assert push(built, host, Passing(), 1) == (1, 0, 0)


def test_a_host_may_ask_for_a_longer_wait(built: Site) -> None:
    """`Retry-After` (RFC 9110 §10.2.3), but no longer than the patience."""
    busy = Response(status=503, headers={"retry-after": "50"})
    host = Host({f"http://127.0.0.1:9/all.{suffix}": busy for suffix in ("rss", "atom", "json")})
    passing = Passing()
    assert push(built, host, passing, 120) == (0, 3, 3)
    assert passing.waits == [50, 50, 20]


def test_without_pings_nothing_is_asked(built: Site) -> None:
    """A second push has nothing to wait for."""
    host = Host(bytes_of(built, "rss", "atom", "json"))
    assert push(built, host, Passing(), 60) == (3, 0, 0)
    again, passing = Host({}), Passing()
    assert push(built, again, passing, 60) == (0, 0, 0)
    assert (again.requests, passing.waits) == ([], [])
