"""Asks for the pages of new posts, a few at a time, and records what was seen."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from syndicator.live import asking, decision
from syndicator.model.awaited import AwaitedPage, LiveRules, PageAnswer
from syndicator.outbound.client import Client
from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.pool import ONE, SenderPool
from syndicator.store import awaited_pages
from syndicator.store.database import Database

#: Requests at a time. All go to one host.
AT_ONCE = 4

#: The shortest pause between two rounds, unless the first found a page.
PAUSE = timedelta(seconds=2)

#: Seconds of waiting for the next answer, after which it is waited for again.
_WAIT = 1.0

Answers = Sequence[tuple[AwaitedPage, PageAnswer]]


class Round(Struct, frozen=True, kw_only=True):
    """What one round of requests found."""

    asked: int
    live: int
    again: bool  #: whether a next round should follow at once: a page was live, and others are due
    changed: bool  #: whether a run has to let posts out, or to report late ones
    next_at: datetime | None  #: when the next round is due; None: no page is awaited


class PageAsker:
    """Asks for awaited pages, a round at a time, from one thread."""

    def __init__(
        self,
        database: Database,
        client: Client,
        rules: LiveRules,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._client = client
        self._rules = rules
        self._clock = clock
        queue = FairQueue[AwaitedPage](at_once=AT_ONCE, per_host=AT_ONCE, patience=float("inf"))
        self._pool = SenderPool(self._ask, {ONE: queue})
        self._closed = threading.Event()
        self._seen_live: datetime | None = None  #: when a page was last found live; None: never
        self._paused_until: datetime | None = None  #: as the host asked; None: it did not

    def close(self) -> None:
        """Abort requests under way, and send no further ones."""
        self._closed.set()
        self._client.close()
        self._pool.dismiss()

    def round(self) -> Round:
        """Ask for the pages that are due, `decision.ROUND` at most. Raises StateError."""
        now = self._clock()
        # A pause beyond the longest is one by a clock that was set back since.
        if self._paused_until and self._paused_until > now + decision.LONGEST:
            self._paused_until = None
        paused = self._paused_until is not None and now < self._paused_until
        due = [] if paused else decision.due(self._pages(), now, self._seen_live)
        answers = self._ask_all(due[: decision.ROUND])
        now = self._clock()
        self._record(answers, now)
        live = sum(answer.live for _, answer in answers)
        if live:
            self._seen_live = now
        waits = [answer.wait for _, answer in answers if answer.wait]
        self._paused_until = now + max(waits) if waits else self._paused_until
        pages = self._pages()
        return Round(
            asked=len(answers),
            live=live,
            again=bool(live and not waits and decision.due(pages, now, self._seen_live)),
            changed=bool(decision.changes(pages, now, self._rules)),
            next_at=self._next_at(pages, now),
        )

    def _pages(self) -> list[AwaitedPage]:
        with self._database.read() as connection:
            return awaited_pages.all_pages(connection)

    def _next_at(self, pages: Sequence[AwaitedPage], now: datetime) -> datetime | None:
        following = decision.next_look(pages, now, self._rules)
        if following is None:
            return None
        return max(following, now + PAUSE, self._paused_until or now)

    def _record(self, answers: Answers, now: datetime) -> None:
        """Store the answers. Durable if a page is live: it counts as seen even if it goes."""
        if answers:
            durable = any(answer.live for _, answer in answers)
            with self._database.begin(durable=durable) as connection:
                awaited_pages.record(connection, answers, now)

    def _ask_all(self, pages: Sequence[AwaitedPage]) -> list[tuple[AwaitedPage, PageAnswer]]:
        """The answers for all pages. Once the host can't be reached, the others share its error."""
        answers: dict[str, tuple[AwaitedPage, PageAnswer]] = {}
        if not pages or self._closed.is_set():
            return []
        self._pool.add(("", page) for page in pages)
        unreachable: PageAnswer | None = None
        self._pool.start()
        while self._pool.busy and not self._closed.is_set():
            for page, answer in self._pool.collect(_WAIT)[0]:
                if answer is None:
                    continue
                answers[page.path] = (page, answer)
                if not answer.reached or answer.wait:
                    unreachable = answer
                    self._pool.drop()
        if unreachable:
            for page in pages:
                answers.setdefault(page.path, (page, unreachable))
        return list(answers.values())

    def _ask(self, page: AwaitedPage) -> tuple[AwaitedPage, PageAnswer | None]:
        """Ask for one page, in a thread of the pool. None: the client was closed meanwhile."""
        request = asking.request_for(page.url, self._rules)
        response = self._client.send(request)
        for _ in range(asking.MAX_HOPS):
            if (following := asking.next_request(request, response)) is None:
                break
            request = following
            response = self._client.send(request)
        if response.stopped:
            return page, None
        return page, asking.judge(request, response, self._rules.text, self._clock())
