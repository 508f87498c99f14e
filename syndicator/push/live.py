"""Pings feeds once they are served at their public address as they were built.

A static host shows a site some minutes after it was built. A hub that is pinged before that fetches
the old feed, finds nothing new in it, and delivers nothing.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from syndicator.model.content import Problem, digest_of
from syndicator.model.outbox import Request, Response
from syndicator.model.progress import Phase, Progress
from syndicator.model.report import count
from syndicator.outputs.compress import decompressed
from syndicator.push.record import PushReport
from syndicator.push.worker import PushWorker
from syndicator.store import feeds, outbox
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.websub.retry import retry_after

#: Feeds that are asked for at a time.
AT_A_TIME = 4

#: Seconds until the second round of requests. Each wait is twice the one before.
FIRST_WAIT = 1.0

#: Seconds between two rounds at most.
LONGEST_WAIT = 30.0

#: Feeds whose reason a report names.
REPORTED = 10

#: Bytes by which compressed data may be longer than the file (RFC 1951 §3.2.4, RFC 1952 §2.3).
_OVERHEAD = 1024

_HINT = "look whether the site was deployed, with these files, and whether feeds.url leads to it"


def request_for(file: FileRow) -> Request:
    """Ask for a feed as a hub does, so that caches answer with what the hub would get."""
    return Request(
        method="GET",
        url=file.url,
        headers={"Accept-Encoding": "gzip", "If-None-Match": f'"{file.digest}"'},
        body_limit=_size(file) + _OVERHEAD,
    )


def why_not_live(file: FileRow, response: Response) -> str | None:
    """Why a response is not the feed as it was built; None: it is.

    A server that knows our ETag answers 304. Others have ETags of their own, and compress as they
    like: their bytes are compared.
    """
    if response.status is None or response.error:
        return f"its address: {response.error}"
    if response.status == 304:
        return None
    if response.status != 200:
        return f"its address returns status {response.status}"
    body, encoding = response.body, response.headers.get("content-encoding", "identity").lower()
    if encoding in ("gzip", "x-gzip", "br"):
        try:
            body = decompressed(body, encoding.removeprefix("x-"), _size(file) + 1)
        except ValueError:
            return f"its address sends damaged {encoding}"
    return None if digest_of(body) == file.digest else "its address has other bytes than were built"


def _size(file: FileRow) -> int:
    return file.disk[""][0]


class LiveFeeds:
    """Asks for feeds, a few at a time, until each is served as it was built."""

    def __init__(
        self, files: Mapping[str, FileRow | None], send: Callable[[Request], Response]
    ) -> None:
        """`files`: by topic; None: it is not published any more, which nothing has to wait for."""
        self._waiting = deque(file for file in files.values() if file)
        self._send = send
        self.live = {topic for topic, file in files.items() if file is None}
        self.reasons: dict[str, str] = {}  #: why the others are not live, as far as was asked
        self.pause = 0.0  #: seconds that a server asked for in the last round

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def ask(self, is_over: Callable[[], bool] = lambda: False) -> bool:
        """One round; whether it found a feed live.

        It ends when some feeds in a row are not live: most sites appear as a whole. The next round
        begins with others. It also ends, after its first requests, when the time `is_over`: a slow
        host may have thousands of feeds.
        """
        before = len(self.live)
        left = self.waiting
        self.pause = 0.0
        with ThreadPoolExecutor(AT_A_TIME, "live") as pool:
            while left:
                asked = [self._waiting.popleft() for _ in range(min(left, AT_A_TIME))]
                left -= len(asked)
                responses = pool.map(self._send, map(request_for, asked))
                found = [self._judge(*each) for each in zip(asked, responses, strict=True)]
                if not any(found) or is_over():
                    break
        return len(self.live) > before

    def _judge(self, file: FileRow, response: Response) -> bool:
        reason = why_not_live(file, response)
        if reason is None:
            self.live.add(file.url)
            self.reasons.pop(file.url, None)
            return True
        self._waiting.append(file)
        self.reasons[file.url] = reason
        if asked_for := retry_after(response, datetime.now(UTC)):
            self.pause = max(self.pause, asked_for.total_seconds())
        return False

    def problems(self) -> tuple[Problem, ...]:
        """Problems of feeds that are not live: of `REPORTED` feeds, and one for all others."""
        named = sorted(self.reasons.items())[:REPORTED]
        problems = [
            Problem(path=topic, message=f"was not pinged: {reason}", hint=_HINT)
            for topic, reason in named
        ]
        if others := self.waiting - len(named):
            message = f"{count(others, 'more feed')} {'was' if others == 1 else 'were'} not pinged"
            problems.append(Problem(path="feeds.url", message=message))
        return tuple(problems)


def queued_files(database: Database) -> dict[str, FileRow | None]:
    """The files of the topics with queued pings; None: it is not published any more."""
    with database.read() as connection:
        topics = outbox.queued_ping_topics(connection)
        return {topic: feeds.file_at(connection, topic) for topic in topics}


def push_when_live(
    worker: PushWorker,
    awaited: LiveFeeds,
    patience: timedelta,
    progress: Progress,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PushReport:
    """Send pings of feeds as these go live, and all other jobs at once.

    Pings of feeds that are not live when `patience` is over stay queued, each with a Problem.
    """
    deadline = clock() + patience.total_seconds()
    total = awaited.waiting
    wait = FIRST_WAIT
    report = None
    while True:
        if awaited.ask(lambda: clock() >= deadline) or report is None:
            done = worker.once(paced=False, pinged_topics=frozenset(awaited.live))
            report = report.then(done) if report else done
        progress(total - awaited.waiting, total, Phase.DEPLOYING)
        left = deadline - clock()
        if not awaited.waiting or left <= 0:
            break
        sleep(min(max(wait, awaited.pause), left))
        wait = min(2 * wait, LONGEST_WAIT)
    return replace(report, problems=(*report.problems, *awaited.problems()))
