"""Decides which new posts go out, which of them are late, and which pages are asked for next."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from syndicator.model.awaited import AwaitedPage, LiveRules

#: Posts that wait at a time. Of more, as after an import, the newest by date wait.
MAX_AWAITED = 500

#: Pages that are asked for in one round.
ROUND = 20

#: The shortest and the longest wait between two requests for a page. Between them it is a fifth of
#: the time that the page has been awaited: so a page is found late by a fifth at most.
SHORTEST = timedelta(seconds=2)
LONGEST = timedelta(hours=1)
_PART = 5

#: How long the page of a post that went out late is asked for, and reported.
GIVEN_UP_AFTER = timedelta(days=7)


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of a post whose page is awaited."""

    out: bool  #: whether it is in feeds
    late: bool  #: whether that is a problem
    until: datetime | None  #: when this changes by itself; None: only the page can change it


def decide(page: AwaitedPage, now: datetime, rules: LiveRules) -> Decision:
    """What becomes of a post, given what was seen of its page.

    A post that went out stays out. `out` and not `late`: nothing is awaited any more.
    """
    if page.live or not rules.wanted:
        return Decision(out=True, late=False, until=None)
    patience_ends = _begin(page, now) + rules.patience
    if now < patience_ends and page.held:
        return Decision(out=False, late=False, until=patience_ends)
    if page.held and not rules.publish_late:
        return Decision(out=False, late=True, until=None)
    end = patience_ends + GIVEN_UP_AFTER
    if now >= end:
        return Decision(out=True, late=False, until=None)
    return Decision(out=True, late=True, until=end)


def _begin(page: AwaitedPage, now: datetime) -> datetime:
    """When the wait began; now, if the clock was set back since. The wait for a future post begins
    at its date.
    """
    return min(page.since, max(now, page.published))


class Changes(Struct, frozen=True, kw_only=True):
    """What a run has to do about awaited pages. False: nothing."""

    out: frozenset[str] = frozenset()  #: posts that go out
    over: frozenset[str] = frozenset()  #: posts whose page is no longer awaited
    late: frozenset[str] = frozenset()  #: posts that became late
    on_time: frozenset[str] = frozenset()  #: posts that are late no more: there is more patience

    def __bool__(self) -> bool:
        return bool(self.out or self.over or self.late or self.on_time)


def changes(
    pages: Collection[AwaitedPage], now: datetime, rules: LiveRules, *, most: int = MAX_AWAITED
) -> Changes:
    """What changed since the last run. `pages`: the newest posts first.

    More than `most` held posts are an import or a move, not news: the older ones go out at once.
    """
    decisions = {page.path: decide(page, now, rules) for page in pages}
    late = {path for path, decision in decisions.items() if decision.late}
    out = {path for path, decision in decisions.items() if decision.out}
    waiting = [page.path for page in pages if page.path not in out | late]
    out.update(waiting[most:])
    over = out - late
    return Changes(
        out=frozenset(page.path for page in pages if page.held and page.path in out),
        over=frozenset(over),
        late=frozenset(page.path for page in pages if page.path in late and not page.late),
        on_time=frozenset(
            page.path for page in pages if page.late and page.path not in late | over
        ),
    )


def next_request(page: AwaitedPage, now: datetime) -> datetime:
    """When a page is asked for next. A clock that was set back does not delay it."""
    if page.asked is None or page.asked > now:
        return _begin(page, now)
    waited = (page.asked - _begin(page, now)) / _PART
    return page.asked + min(max(waited, SHORTEST), LONGEST)


def due(
    pages: Iterable[AwaitedPage], now: datetime, seen_live: datetime | None = None
) -> list[AwaitedPage]:
    """The pages to ask for now: those never asked for first, then those asked longest ago.

    `seen_live`: when another page was last found live. A site is often published as a whole, so
    all pages that were last asked for earlier are due. None: not lately.
    """

    def is_due(page: AwaitedPage) -> bool:
        if page.live:
            return False
        asked_before = page.asked and seen_live and page.asked < seen_live <= now
        return bool(asked_before) or next_request(page, now) <= now

    waiting = [page for page in pages if is_due(page)]
    return sorted(waiting, key=lambda page: page.asked.timestamp() if page.asked else 0.0)


def next_look(pages: Iterable[AwaitedPage], now: datetime, rules: LiveRules) -> datetime | None:
    """When a page is to be asked for next, or a post becomes late; None: no page is awaited."""
    times = []
    for page in pages:
        if not page.live:
            times.append(next_request(page, now))
        until = decide(page, now, rules).until
        if until is not None and until > now:
            times.append(until)
    return min(times, default=None)
