"""Finds in the index which parts of a feed's archive have to be made again."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from syndicator.build import archive_plan
from syndicator.build.archive_plan import ArchivePlan
from syndicator.build.page_borders import Block, block_around, blocks
from syndicator.model.archive import ArchivePage
from syndicator.model.content import FeedSpec
from syndicator.model.places import EVERYTHING, Interval, Place
from syndicator.store import post_queries
from syndicator.store.post_rows import place_of


class FeedIndex:
    """The posts of a feed in the index, dated up to `until`."""

    def __init__(self, connection: Connection, spec: FeedSpec, until: datetime) -> None:
        self._connection = connection
        self._feed = spec.name
        self._until = until
        self._most = archive_plan.posts_on_a_page(spec.limit)

    def plan(
        self, pages: Sequence[ArchivePage], shown: int, changed: Sequence[Place] | None
    ) -> ArchivePlan:
        """`pages`: those in use. `shown`: how many of the newest posts the feed's document has.

        `changed`: the places that changed; None: any may have.
        """
        edge = self._edge(shown)
        regions = [EVERYTHING]
        if changed is not None:
            used = {page.block for page in pages}
            regions = [archive_plan.region(at, self._block_around(at), used) for at in changed]
            regions += self._newer_blocks(pages, edge)
            regions = archive_plan.outermost(regions)
        divided = [
            block
            for region in regions
            for block in blocks(self._places_in(region), self._most, region)
        ]
        return archive_plan.decide(pages, regions, divided, edge)

    def is_up_to_date(
        self, latest: ArchivePage | None, shown: int, changed: Sequence[Place]
    ) -> bool:
        """Whether the places that changed are newer than all pages, and need none yet.

        So it is after most new posts, and no page has to be read. `latest`: the page with the
        newest post, also of those that ended; None: there are no pages.
        """
        if latest is None or latest.ended:
            return False
        if any(place <= latest.newest or latest.block.holds(place) for place in changed):
            return False
        edge = self._edge(shown)
        return latest.oldest < edge and not self._newer_blocks([latest], edge)

    def newest_block(self) -> Interval | None:
        """The block that new posts are added to; None: the feed has no post."""
        newest = post_queries.newest(self._connection, self._feed, self._until, 1)
        return self._block_around(place_of(newest[0])).interval if newest else None

    def _edge(self, shown: int) -> Place:
        """The oldest of the newest posts that need no page. If the document has all, none does."""
        newest = post_queries.newest(self._connection, self._feed, self._until, shown + 1)
        if len(newest) <= shown:
            return archive_plan.BEGIN
        count = archive_plan.posts_without_page(shown)
        return place_of(newest[count - 1]) if count else archive_plan.END

    def _block_around(self, place: Place) -> Block:
        around = post_queries.places_around(
            self._connection, self._feed, place, self._until, self._most + 1
        )
        return block_around(place, around, self._most)

    def _places_in(self, interval: Interval) -> list[Place]:
        last = min(interval.last, self._until)
        dated = post_queries.places(self._connection, self._feed, interval.first, last)
        return [place for place in dated if interval.holds(place)]

    def _newer_blocks(self, pages: Collection[ArchivePage], edge: Place) -> list[Interval]:
        """The blocks after the newest page in use: new posts at the end push them over the edge."""
        newest = max((page.newest for page in pages), default=None)
        first = newest.published if newest else EVERYTHING.first
        found: list[Interval] = []
        for place in post_queries.places(self._connection, self._feed, first, self._until):
            if place >= edge:
                break
            if (newest is None or place > newest) and not (found and found[-1].holds(place)):
                found.append(self._block_around(place).interval)
        return found
