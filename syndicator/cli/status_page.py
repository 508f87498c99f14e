"""Formats the page of `syndicator status` and the list of `syndicator hub list`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from syndicator.cli.output import problem_lines
from syndicator.model.readable import ago, due, job_counts, size, time_of
from syndicator.model.report import count

if TYPE_CHECKING:
    from syndicator.ops.status import Status
    from syndicator.store.audiences import Subscriber


#: Posts that are listed while their page is awaited.
HELD_LINES = 20


def status_lines(status: "Status", concerns: Sequence[str], now: datetime) -> Iterator[str]:
    started = f", started {ago(status.since, now)}" if status.since else ""
    daemon = f"running as {status.daemon}{started}" if status.daemon else "not running"
    state_size = "" if status.state_bytes is None else f", {size(status.state_bytes)}"
    state_free = (
        "" if status.state_free_bytes is None else f", {size(status.state_free_bytes)} free"
    )
    output_free = "" if status.disk_free_bytes is None else f", {size(status.disk_free_bytes)} free"
    output_size = f"{size(status.output_bytes)}{output_free}"
    yield f"syndicator {status.version}, {daemon}"
    yield f"  feeds   {status.url}"
    yield f"  state   {status.state}{state_size}{state_free}"
    yield f"  output  {status.output}, {output_size}"
    yield from _git_lines(status, now)
    if status.archive_pages or status.archive_waiting:
        waiting = f"; {count(status.archive_waiting, 'post')} not in place yet"
        pages = f"{count(status.archive_pages, 'page')}, {size(status.archive_bytes)}"
        yield f"  archive {pages}{waiting if status.archive_waiting else ''}"
    if len(status.processes) > 1:
        yield "  processes"
    for process in status.processes if len(status.processes) > 1 else ():
        since = f" since {time_of(process.since, now)}" if process.since else ""
        yield f"    {process.name}: {process.role}{since}"
    if status.polled:
        yield f"  polled  {ago(status.polled, now)}"
    if concerns:
        yield ""
        yield "Needs attention:"
        yield from (f"  {concern}" for concern in concerns)
    yield ""
    yield from _run_lines(status, now)
    yield from _held_lines(status, now)
    yield ""
    yield from _feed_lines(status, now)
    yield ""
    yield from _queue_lines(status, now)
    yield from _hub_lines(status, now)
    yield from _topic_lines(status, now)
    for noun, found in (("problem", status.problems), ("note", status.notes)):
        if found:
            yield ""
            yield f"{count(len(found), noun)}:"
            for problem in found:
                yield from (f"  {line}" for line in problem_lines(problem))


def _git_lines(status: "Status", now: datetime) -> Iterator[str]:
    if (git := status.git) is None:
        return
    branch = f", branch {git.branch}" if git.branch else ""
    commit = f", commit {git.commit[:12]} fetched {ago(git.fetched, now)}" if git.fetched else ""
    yield f"  git     {git.remote}{branch}{commit}"
    if git.failing_since:
        yield f"          failing since {ago(git.failing_since, now)}: {git.error}"
        yield f"          {git.hint}"


def _run_lines(status: "Status", now: datetime) -> Iterator[str]:
    if failure := status.last_failure:
        yield f"Last run failed {ago(failure.at, now)}: {failure.message}"
        if failure.hint:
            yield f"    {failure.hint}"
    if run := status.last_run:
        yield f"Last run with changes: {ago(run.started, now)}, took {run.seconds:.2f} s"
        yield f"  {run.summary}"
    elif not status.last_failure:
        yield "Nothing has been built yet: run syndicator build or syndicator run."
    if status.waiting:
        yield f"  next future post appears {ago(status.waiting, now)}"


def _held_lines(status: "Status", now: datetime) -> Iterator[str]:
    if status.held:
        yield f"Waiting until live: {count(len(status.held), 'new post')}"
    for post in status.held[:HELD_LINES]:
        out = ", went out late" if post.out else ", late" if post.late else ""
        yield f"  {post.path}: since {ago(post.since, now)}{out}"
        if post.asked and post.answer:
            again = f"next request {ago(post.next_try, now)}"
            yield f"    {post.url}: {post.answer} ({ago(post.asked, now)}); {again}"
        else:
            yield f"    {post.url}"
    if (more := len(status.held) - HELD_LINES) > 0:
        yield f"  and {more:,} more: syndicator status --json lists all"


def _feed_lines(status: "Status", now: datetime) -> Iterator[str]:
    counts = (
        (len(status.feeds), "feed"),
        (status.posts, "post"),
        (status.subscribers, "subscriber"),
    )
    yield ", ".join(count(number, noun) for number, noun in counts)
    width = max((len(feed.name) for feed in status.feeds), default=0)
    for feed in status.feeds:
        subscribers = f", {count(feed.subscribers, 'subscriber')}" if feed.subscribers else ""
        entries = f"{feed.entries:>4,} {'entry' if feed.entries == 1 else 'entries'}"
        changed = f"changed {ago(feed.published, now)}"
        yield f"  {feed.name:<{width}}  {entries}, {changed}{subscribers}"


def _queue_lines(status: "Status", now: datetime) -> Iterator[str]:
    attempt = f"; next attempt {due(status.next_try, now)}" if status.next_try else ""
    yield f"Queued: {job_counts(status.queued) or 'nothing'}{attempt}"
    if given_up := job_counts(status.given_up):
        yield f"Given up: {given_up}; the feed's next change queues new ones"


def _hub_lines(status: "Status", now: datetime) -> Iterator[str]:
    for hub in status.hubs:
        yield f"  {hub.url}: {count(hub.waiting, 'ping') if hub.waiting else 'nothing'} queued"
        if hub.last_success:
            fetched = f"fetched {time_of(hub.fetched, now)}" if hub.fetched else "not seen fetching"
            yield f"    pinged {time_of(hub.last_success, now)}, {fetched}"
        if hub.last_failure and (hub.last_success is None or hub.last_failure > hub.last_success):
            yield f"    failed {ago(hub.last_failure, now)}: {hub.error}"
        if hub.next_try:
            yield f"    next attempt {due(hub.next_try, now)}"
        if hub.given_up:
            yield f"    {hub.given_up:,} given up"


def _topic_lines(status: "Status", now: datetime) -> Iterator[str]:
    if status.audiences:
        number = sum(audience.failing for audience in status.audiences.values())
        which = f" deliveries to {number:,} fail, see syndicator hub list" if number else ""
        yield f"Subscribers of our own hub:{which}"
    for topic, audience in status.audiences.items():
        failing = f", {audience.failing:,} failing" if audience.failing else ""
        sent = f", last delivery {ago(audience.last_success, now)}" if audience.last_success else ""
        yield f"  {topic}: {count(audience.subscribers, 'subscriber')}{failing}{sent}"


def subscription_lines(subscribers: "Sequence[Subscriber]", now: datetime) -> Iterator[str]:
    """Each subscription at our own hub, grouped by topic."""
    topic = ""
    for each in subscribers:
        if each.topic != topic:
            topic = each.topic
            yield topic
        since = f"since {ago(each.since, now)}"
        sent = "no delivery yet" if each.last_failure is None else "no delivery has arrived"
        if each.last_success:
            sent = f"last delivery {ago(each.last_success, now)}"
        yield f"  {each.callback}: {since}, expires {ago(each.expires, now)}, {sent}"
        if each.failures and each.last_failure:
            failed = f"failed {ago(each.last_failure, now)}: {each.error}"
            until = "; given up until the next change" if each.given_up else ""
            yield f"    {failed} ({each.failures:,} in a row){until}"
    yield count(len(subscribers), "subscription")
