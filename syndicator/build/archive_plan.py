"""Decides which pages of a feed's archive are made again, stay or end."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from syndicator.build.page_borders import Block
from syndicator.model.archive import ArchivePage
from syndicator.model.places import Interval, Place, interval_of

#: A page has at most half as many posts as the feed's own document. So its posts are all in that
#: document still when it is made, and readers never find a gap between the two.
_SHARE = 2
#: With a small limit, larger pages mean fewer files. The newest one then changes more often.
_LEAST = 10

#: Before every post, and after every post.
BEGIN = Place(datetime.min.replace(tzinfo=UTC), "")
END = Place(datetime.max.replace(tzinfo=UTC), "\U0010ffff")


class ArchivePlan(Struct, frozen=True, kw_only=True):
    """What an update of a feed's archive has to do."""

    make: tuple[Block, ...]  #: to be made, unless their pages are up to date; oldest first
    keep: tuple[ArchivePage, ...]  #: pages in use that no change touches, oldest first
    replaced: tuple[ArchivePage, ...]  #: pages in use that end unless they are made again


def posts_on_a_page(limit: int) -> int:
    """The most posts on a page of a feed with `limit` entries."""
    return max(limit // _SHARE, _LEAST)


def posts_without_page(shown: int) -> int:
    """How many of the newest posts need no page, since the feed's document shows `shown` of them.

    Its other half stands on pages too, so that pages are there before the document loses posts.
    """
    return shown // _SHARE


def region(place: Place, block: Block, blocks: Collection[Interval]) -> Interval:
    """The interval to divide again since a place in it changed.

    `block`: the block that it is in now. `blocks`: those of the pages in use. If one of them holds
    the place and is larger, it has to be divided.
    """
    sizes = {interval.bits for interval in blocks}
    holding = [one for bits in sizes if (one := interval_of(place, bits)) in blocks]
    return min((block.interval, *holding), key=lambda interval: interval.bits)


def outermost(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals that no other one includes."""
    kept: list[Interval] = []
    for interval in sorted(set(intervals)):
        if not any(other.includes(interval) for other in kept):
            kept.append(interval)
    return kept


def decide(
    pages: Sequence[ArchivePage],
    regions: Collection[Interval],
    blocks: Iterable[Block],
    edge: Place,
) -> ArchivePlan:
    """`pages`: those in use. `blocks`: those that the regions are divided into.

    `edge`: the oldest of the newest posts that need no page.
    """
    keep: list[ArchivePage] = []
    replaced: list[ArchivePage] = []
    for page in pages:
        stays = page.oldest < edge and not any(one.includes(page.block) for one in regions)
        (keep if stays else replaced).append(page)
    return ArchivePlan(
        make=tuple(sorted((one for one in blocks if one.places[0] < edge), key=_first)),
        keep=tuple(keep),
        replaced=tuple(replaced),
    )


def _first(block: Block) -> Place:
    return block.places[0]


def moved_to(ended: ArchivePage, pages: Sequence[ArchivePage]) -> str:
    """The page that now has the ended page's newest entries, else the next older page.

    `pages`: those in use, oldest first. The name of the feed if its own document has these entries.
    """
    if not pages or ended.newest > pages[-1].newest:
        return ended.feed
    return next((page.name for page in reversed(pages) if page.oldest <= ended.newest), ended.feed)
