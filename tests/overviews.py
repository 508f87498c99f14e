"""What the operator's page may have to show: from nothing to more than fits."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from syndicator.inspection import Overview
from syndicator.model.activity import Activity
from syndicator.model.content import Problem
from syndicator.ops.feed_states import FeedState
from syndicator.ops.git_status import GitState
from syndicator.ops.held_posts import HeldPost
from syndicator.ops.runs import Failure, Run
from syndicator.ops.status import FuturePost, Status
from syndicator.store.activity import INTERVAL, interval_of
from syndicator.store.audiences import Audience
from syndicator.store.hubs import HubState

NOW = datetime(2026, 5, 1, 12, 3, 17, tzinfo=UTC)
URL = "https://news.example/feeds/"
SECRET = "s3cret"

HUB = HubState(
    url="https://hub.example/", waiting=0, given_up=0, next_try=None,
    last_success=NOW - timedelta(minutes=3), fetched=NOW - timedelta(minutes=3),
    last_failure=None, error=None,
)  # fmt: skip


def _feed(name: str, number: int) -> FeedState:
    return FeedState(
        name=name, title=name, urls={"html": f"{URL}{name}.html", "rss": f"{URL}{name}.rss"},
        entries=50, bytes=400_000 // (number + 1), updated=NOW,
        published=NOW - timedelta(minutes=3 * number * number + 3), subscribers=900 // (number + 1),
    )  # fmt: skip


#: A daemon that has just started, with a folder without posts.
NEW = Status(
    version="0.1.0", daemon="process 4711 on harbour", since=NOW, url=URL, polled=NOW,
    state="/var/lib/syndicator/syndicator.db", state_bytes=48_000_000, output="/srv/feeds",
    output_bytes=9_400_000, archive_pages=0, archive_waiting=0, archive_bytes=0,
    disk_free_bytes=62 * 2**30, state_free_bytes=62 * 2**30, posts=0, waiting=None, future=(),
    future_posts=0, held=(), runs=(), last_run=None, last_failure=None, feeds=(),
    problems=(), notes=(), hubs=(), queued={}, given_up={}, queued_since=None, next_try=None,
    subscribers=0, audiences={},
)  # fmt: skip

_RUN = Run(
    started=NOW - timedelta(minutes=3), seconds=0.084,
    summary="20,412 posts (1 new); 4 of 5 feeds changed; 12 pings queued",
)  # fmt: skip

_GIT = GitState(
    remote="https://git.example/harbour/site.git", branch="main", commit="5ab3" * 10,
    fetched=NOW - timedelta(minutes=4), failing_since=None, error="", hint="",
)  # fmt: skip

#: One that works.
HEALTHY = replace(
    NEW,
    posts=20_412,
    git=_GIT,
    runs=(_RUN, replace(_RUN, started=NOW - timedelta(hours=2))),
    last_run=_RUN,
    waiting=NOW + timedelta(hours=3),
    future=(
        FuturePost(
            path="_posts/2026-05-01-ferry.md", title="The island ferry",
            published=NOW + timedelta(hours=3),
        ),
    ),
    future_posts=1,
    feeds=tuple(
        _feed(name, number)
        for number, name in enumerate(
            ("all", "category/accidents-and-emergencies", "category/news", "tag/a", "tag/b")
        )
    ),
    hubs=(HUB,),
    queued={"ping": 0, "deliver": 3},
    subscribers=1076,
    audiences={
        f"{URL}all.rss": Audience(
            subscribers=812, failing=3, last_success=NOW - timedelta(minutes=3), last_failure=None
        ),
        f"{URL}all.atom": Audience(
            subscribers=264, failing=0, last_success=None, last_failure=None
        ),
    },
)  # fmt: skip

_PROBLEMS = tuple(
    Problem(
        path=f"_posts/2026-04-01-{'long-' * (number % 9)}<b>{number // 2}</b>.md",
        line=number % 5 or None,
        message="the front matter is not valid YAML: mapping values are not allowed here",
        hint='quote the value: title: "News: the harbour"',
        fatal=number % 3 == 0,
    )
    for number in range(120)
)

_SECRET_HUB = replace(
    HUB,
    url=f"https://me:{SECRET}@push.example/hub?token={SECRET}",
    waiting=12,
    given_up=6,
    last_failure=NOW - timedelta(minutes=1),
    error="it answered 503",
    next_try=NOW + timedelta(minutes=9),
)

#: One with all the trouble there is, and a hub whose address has secrets.
TROUBLED = replace(
    HEALTHY,
    last_failure=Failure(
        at=NOW, message="/srv/feeds can't be written to: no space left",
        hint="free some space, or name another folder in output.path",
    ),
    problems=_PROBLEMS,
    notes=_PROBLEMS[:20],
    held=tuple(
        HeldPost(
            path=f"_posts/<b>{number}</b>.md", url=f"https://x.example/{number}/",
            since=NOW - timedelta(hours=2), out=number == 0, late=number < 2, attempts=3,
            asked=NOW, answer="it answered <b>404</b>", next_try=NOW,
        )
        for number in range(12)
    ),
    git=replace(
        _GIT,
        failing_since=NOW - timedelta(hours=1),
        error="<b>https://git.example/harbour/site.git</b>: it does not answer",
        hint="no action is needed if it comes back",
    ),
    hubs=(HUB, replace(HUB, url="https://me:s3cret@push.example/hub"), _SECRET_HUB),
    feeds=tuple(_feed(f"tag/{number}", number) for number in range(200)),
    queued={"ping": 12, "deliver": 9120},
    given_up={"ping": 6},
    next_try=NOW,
)  # fmt: skip


def a_day(*, gap: bool) -> dict[datetime, Activity]:
    """A day with requests all the time and deliveries now and then."""
    last = interval_of(NOW)
    return {
        last - INTERVAL * back: Activity(
            requests=100 + back % 40,
            deliveries=0 if back % 20 else 900,
            failed_deliveries=0 if back % 40 else 60,
            pings=0 if back % 20 else 12,
            runs=0 if back % 20 else 1,
            queued=0 if back % 20 else 700,
            subscribers=1076 - back,
        )
        for back in range(288)
        if not (gap and 100 < back < 130)
    }


OVERVIEWS = {
    "new": Overview(now=NOW, status=NEW, concerns=(), day={interval_of(NOW): Activity()}),
    "healthy": Overview(now=NOW, status=HEALTHY, concerns=(), day=a_day(gap=False)),
    "troubled": Overview(
        now=NOW,
        status=TROUBLED,
        concerns=(f"{_SECRET_HUB.url}: 6 pings given up: it answered 503", "the disk is full"),
        day=a_day(gap=True),
    ),
}
