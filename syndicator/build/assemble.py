"""Makes a Feed of its settings and entries, with an `updated` that never goes back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syndicator.model.content import Entry, Feed, FeedSpec, SiteInfo, Term

#: A date further ahead than this is a mistake: clocks and time zones differ by less.
YET_TO_COME = timedelta(days=1)


def feed_title(site: SiteInfo, term: Term | None) -> str:
    return site.title if term is None else f"{site.title}: {term.label}"


def assemble(
    spec: FeedSpec, site: SiteInfo, entries: Sequence[Entry], before: datetime | None, now: datetime
) -> Feed:
    """A feed of these entries, newest first, or of their summaries, as the spec asks.

    `before`: its last `updated`, which never decreases, unless it lies in the future because a post
    had a wrong date.
    """
    dates = [entry.updated for entry in entries]
    if before is not None and before < now + YET_TO_COME:
        dates.append(before)
    shown = entries if spec.full else [replace(entry, content="") for entry in entries]
    return Feed(spec=spec, site=site, updated=max(dates, default=None), entries=tuple(shown))
