"""Makes a Feed of its settings and entries, with an `updated` that never goes back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from syndicator.build.lead_image import with_lead_image
from syndicator.jekyll.as_text import language_tag
from syndicator.model.content import Entry, Feed, FeedSpec, SiteInfo, Term, fingerprint

#: A date further ahead than this is a mistake: clocks and time zones differ by less.
FUTURE_TOLERANCE = timedelta(days=1)


def feed_title(site: SiteInfo, term: Term | None) -> str:
    return site.title if term is None else f"{site.title}: {term.label}"


def assemble(
    spec: FeedSpec,
    site: SiteInfo,
    entries: Sequence[Entry],
    before: datetime | None = None,
    now: datetime | None = None,
) -> Feed:
    """A feed of these entries, newest first: whole, with their images, or only their summaries.

    `before`: its last `updated`, which never decreases, unless it lies in the future of `now`
    because a post had a wrong date. None: it depends on these entries alone.
    """
    dates = [entry.updated for entry in entries]
    if before and now and before < now + FUTURE_TOLERANCE:
        dates.append(before)
    if spec.term and spec.term.kind == "language":
        site = replace(site, language=language_tag(spec.term.label))
    if not spec.full:
        entries = [replace(entry, content="") for entry in entries]
    elif spec.lead_image:
        entries = [with_lead_image(entry) for entry in entries]
    return Feed(spec=spec, site=site, updated=max(dates, default=None), entries=tuple(entries))


def content_key(
    feed: Feed, entry_keys: Sequence[str], version: str, aliases: Mapping[str, str]
) -> str:
    """A digest of all that a feed's files are made of: equal keys mean equal files.

    `entry_keys`: of its entries. `version`: of the program. `aliases`: other paths of its files.
    """
    return fingerprint(version, feed.spec, feed.site, feed.updated, tuple(entry_keys), aliases)
