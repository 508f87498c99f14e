"""The page of `syndicator status`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from syndicator.cli.output import problem_lines
from syndicator.model.content import count

if TYPE_CHECKING:
    from syndicator.ops.status import Status
    from syndicator.store.subscriptions import Subscriber


def lines(found: "Status", concerns: Sequence[str], now: datetime) -> Iterator[str]:
    since = f", started {ago(found.since, now)}" if found.since else ""
    yield f"syndicator {found.version}, {f'run by {found.daemon}{since}' if found.daemon else 'not running'}"
    yield f"  serves  {found.url}"
    octets = "" if found.state_octets is None else f", {size(found.state_octets)}"
    free = "" if found.state_free_octets is None else f", {size(found.state_free_octets)} free"
    yield f"  state   {found.state}{octets}{free}"
    yield f"  output  {found.output}, {size(found.output_octets)}, {size(found.disk_free_octets)} free"
    if found.polled:
        yield f"  polled  {ago(found.polled, now)}"
    if concerns:
        yield ""
        yield "Needs a person:"
        yield from (f"  {concern}" for concern in concerns)
    yield ""
    yield from _run_lines(found, now)
    yield ""
    yield from _feed_lines(found, now)
    yield ""
    yield from _debt_lines(found, now)
    yield from _hub_lines(found, now)
    yield from _audience_lines(found, now)
    if found.problems:
        yield ""
        yield f"{count(len(found.problems), 'problem')}:"
        for problem in found.problems:
            yield from (f"  {line}" for line in problem_lines(problem))


def _run_lines(found: "Status", now: datetime) -> Iterator[str]:
    if found.last_failure:
        yield f"The last run failed {ago(found.last_failure.at, now)}: {found.last_failure.message}"
        if found.last_failure.hint:
            yield f"    {found.last_failure.hint}"
    if found.last_run:
        run = found.last_run
        yield f"The last run that had something to do: {ago(run.started, now)}, in {run.seconds:.2f} s"
        yield f"  {run.summary}"
    elif not found.last_failure:
        yield "Nothing was built yet: syndicator build, or syndicator run."
    if found.waiting:
        yield f"  the next post appears {ago(found.waiting, now)}"


def _feed_lines(found: "Status", now: datetime) -> Iterator[str]:
    counts = ((len(found.feeds), "feed"), (found.posts, "post"), (found.subscribers, "subscriber"))
    yield ", ".join(count(number, noun) for number, noun in counts)
    width = max((len(feed.name) for feed in found.feeds), default=0)
    for feed in found.feeds:
        readers = f", {count(feed.subscribers, 'subscriber')}" if feed.subscribers else ""
        entries = f"{feed.entries:>4,} {'entry' if feed.entries == 1 else 'entries'}"
        yield f"  {feed.name:<{width}}  {entries}, changed {ago(feed.published, now)}{readers}"


def _debt_lines(found: "Status", now: datetime) -> Iterator[str]:
    owed = ", ".join(f"{number:,} {kind}" for kind, number in found.owed.items() if number)
    given_up = ", ".join(f"{number:,} {kind}" for kind, number in found.gave_up.items() if number)
    tried = f"; next try {ago(found.next_try, now)}" if found.next_try else ""
    yield f"Owed: {owed or 'nothing'}{tried}"
    if given_up:
        yield f"Given up: {given_up}; the next change owes pings and deliveries again"


def _hub_lines(found: "Status", now: datetime) -> Iterator[str]:
    for hub in found.hubs:
        waiting = f"{hub.waiting:,} waiting" if hub.waiting else "nothing waits"
        yield f"  {hub.url}: {waiting}"
        if hub.last_success:
            fetched = f"fetched {moment(hub.fetched, now)}" if hub.fetched else "not seen to fetch"
            yield f"    pinged {moment(hub.last_success, now)}, {fetched}"
        if hub.last_failure and (hub.last_success is None or hub.last_failure > hub.last_success):
            yield f"    failed {ago(hub.last_failure, now)}: {hub.error}"
        if hub.next_try:
            yield f"    next try {ago(hub.next_try, now)}"
        if hub.gave_up:
            yield f"    {hub.gave_up:,} given up"


def _audience_lines(found: "Status", now: datetime) -> Iterator[str]:
    if found.audiences:
        yield "Subscribed at our hub:"
    for topic, audience in found.audiences.items():
        failing = f", {audience.failing:,} of them failing" if audience.failing else ""
        sent = f", last sent {ago(audience.last_success, now)}" if audience.last_success else ""
        yield f"  {topic}: {count(audience.subscribers, 'subscriber')}{failing}{sent}"


def subscriber_lines(found: "Sequence[Subscriber]", now: datetime) -> Iterator[str]:
    """Each subscription of our hub, by topic."""
    topic = ""
    for each in found:
        if each.topic != topic:
            topic = each.topic
            yield topic
        sent = (
            f"last sent {ago(each.last_success, now)}" if each.last_success else "sent nothing yet"
        )
        yield f"  {each.callback}: since {ago(each.since, now)}, ends {ago(each.expires, now)}, {sent}"
        if each.failures and each.last_failure:
            yield f"    failed {ago(each.last_failure, now)}: {each.error} ({each.failures:,} in a row)"
    yield count(len(found), "subscription")


def ago(then: datetime, now: datetime) -> str:
    """A moment as people say it: `3 minutes ago`, `in 2 hours`, and its date when it is far."""
    seconds = (now - then).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number = int(abs(seconds) / length)
        if number:
            said = count(number, unit)
            far = f" ({then:%Y-%m-%d %H:%M} UTC)" if unit == "day" else ""
            return f"{said} ago{far}" if seconds > 0 else f"in {said}{far}"
    return "now"


def moment(then: datetime, now: datetime) -> str:
    """A moment to compare with another: `12:03:01 UTC`, with its date unless that is today's."""
    return f"{then:%H:%M:%S} UTC" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M:%S} UTC"


def size(octets: int) -> str:
    """Octets as people say them: `1.4 MiB`."""
    number = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
