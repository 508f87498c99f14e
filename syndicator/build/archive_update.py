"""One update of one feed's archive: decides what changed, makes those pages, and links them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from syndicator import formats
from syndicator.build import archive_pages, archive_plan, publish
from syndicator.build.archive_pages import PageContent
from syndicator.build.archive_plan import ArchivePlan
from syndicator.build.context import BuildContext
from syndicator.build.page_borders import Block, block_around, blocks
from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.content import Entry, FeedSpec
from syndicator.model.places import EVERYTHING, Interval, Place
from syndicator.model.progress import Phase
from syndicator.outputs.folder import OutputFolder
from syndicator.store import archives, post_queries, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import place_of

#: Blocks that are made between two commits.
_BLOCKS = 16


class UnreadError(Exception):
    """A post's file changed after it was indexed. The next run reads it."""

    def __init__(self, paths: Collection[str]) -> None:
        super().__init__(paths)
        self.paths = sorted(paths)


class ArchiveUpdate:
    """One update of one feed's archive."""

    def __init__(
        self,
        database: Database,
        output: OutputFolder,
        on_archived: Callable[[Sequence[ArchivePage]], None],
        spec: FeedSpec,
        run: BuildContext,
        version: str,
    ) -> None:
        """`spec`: of the feed. `version`: of the program."""
        self._database = database
        self._output = output
        self._on_archived = on_archived
        self._spec = spec
        self._run = run
        self._version = version
        self._most = archive_plan.posts_on_a_page(spec.limit)
        self.made = 0  #: pages whose files were written

    def run(self, row: FeedRow, key: str) -> None:
        """`key`: of the settings that the whole archive is made with.

        Raises UnreadError, OutputError and Cancelled. What was made until then stays.
        """
        feed = self._spec.name
        with self._database.read() as connection:
            known = {page.name: page for page in archives.pages_of(connection, feed)}
            changed = archives.changes(connection, feed)
            whole = row.archive_key != key
            plan = self._plan(connection, row, known.values(), None if whole else changed)
            members = self._members(connection, known.values(), None if whole else changed)
        self._withdraw(known.values(), members)
        in_use, waiting = list(plan.keep), list(plan.make)
        while waiting:
            now, waiting = waiting[:_BLOCKS], waiting[_BLOCKS:]
            in_use += self._make(now, in_use, waiting, known)
            self._run.progress(len(in_use), len(in_use) + len(waiting), Phase.ARCHIVING)
        in_use.sort(key=lambda page: page.oldest)
        self._mend_links(in_use, known)
        self._end(plan.replaced, in_use)
        with self._database.begin() as connection:
            archives.unmark(connection, feed, changed)
            archives.set_key(connection, feed, key)

    # ------------------------------------------------------------------------- what is to be done

    def _plan(
        self,
        connection: Connection,
        row: FeedRow,
        known: Collection[ArchivePage],
        changed: Sequence[Place] | None,
    ) -> ArchivePlan:
        """`changed`: the places that changed; None: any may have."""
        in_use = [page for page in known if not page.ended]
        edge = self._edge(connection, row.shown)
        regions = [EVERYTHING]
        if changed is not None:
            used = {page.block for page in in_use}
            regions = [self._region(connection, place, used) for place in changed]
            regions += self._newer_blocks(connection, in_use, edge)
            regions = archive_plan.outermost(regions)
        divided = [
            block
            for region in regions
            for block in blocks(self._places_in(connection, region), self._most, region)
        ]
        return archive_plan.decide(in_use, regions, divided, edge)

    def _edge(self, connection: Connection, shown: int) -> Place:
        """The oldest of the newest posts that need no page."""
        count = archive_plan.posts_without_page(shown)
        newest = post_queries.newest(connection, self._spec.name, self._run.until, count)
        if not newest:
            return archive_plan.END
        return place_of(newest[-1])

    def _region(self, connection: Connection, place: Place, used: Collection[Interval]) -> Interval:
        return archive_plan.region(place, self._block_around(connection, place), used)

    def _block_around(self, connection: Connection, place: Place) -> Block:
        around = post_queries.places_around(
            connection, self._spec.name, place, self._run.until, self._most + 1
        )
        return block_around(place, around, self._most)

    def _places_in(self, connection: Connection, interval: Interval) -> list[Place]:
        last = min(interval.last, self._run.until)
        dated = post_queries.places(connection, self._spec.name, interval.first, last)
        return [place for place in dated if interval.holds(place)]

    def _newer_blocks(
        self, connection: Connection, in_use: Collection[ArchivePage], edge: Place
    ) -> list[Interval]:
        """The blocks after the newest page in use: new posts at the end push them over the edge."""
        newest = max((page.newest for page in in_use), default=None)
        first = newest.published if newest else EVERYTHING.first
        places = post_queries.places(connection, self._spec.name, first, self._run.until)
        found: list[Interval] = []
        for place in places:
            if place >= edge:
                break
            if (newest is None or place > newest) and not (found and found[-1].holds(place)):
                found.append(self._block_around(connection, place).interval)
        return found

    # ----------------------------------------------------------------------------- what does it

    def _make(
        self,
        now: Sequence[Block],
        in_use: Sequence[ArchivePage],
        waiting: Sequence[Block],
        known: Mapping[str, ArchivePage],
    ) -> list[ArchivePage]:
        """Make the pages of some blocks. Returns them, in the state as well."""
        feed, site = self._spec.name, self._run.site.info
        entries = self._entries(place.path for block in now for place in block.places)
        contents = [
            content
            for block in now
            for content in archive_pages.divide(block, entries, self._spec, site)
        ]
        chain = archive_pages.chain(
            feed,
            [(page.oldest, page.name) for page in in_use],
            [(content.places[0], content.name) for content in contents],
            waiting,
        )
        newest = self._newest_block()
        return self._publish(
            [
                (archive_pages.linked(content, chain), content.block == newest)
                for content in contents
            ],
            known,
        )

    def _newest_block(self) -> Interval | None:
        with self._database.read() as connection:
            newest = post_queries.newest(connection, self._spec.name, self._run.until, 1)
            if not newest:
                return None
            return self._block_around(connection, place_of(newest[0])).interval

    def _entries(self, paths: Iterable[str]) -> dict[str, Entry]:
        """The entries of posts, by path. Raises UnreadError."""
        wanted = list(paths)
        with self._database.read() as connection:
            rows = posts.get(connection, wanted)
        present = [rows[path] for path in wanted if path in rows]
        loaded = self._run.loader.load(present, self._run.until)
        if missing := set(loaded.mismatched) - set(loaded.paths):
            raise UnreadError(missing)
        return dict(zip(loaded.paths, loaded.entries, strict=True))

    def _publish(
        self,
        contents: Iterable[tuple[PageContent, bool]],
        known: Mapping[str, ArchivePage],
    ) -> list[ArchivePage]:
        """Write pages that differ, and store them. With each: whether new posts may be added."""
        pages, changed, found = [], [], {}
        for content, is_open in contents:
            before = known.get(content.name)
            key = archive_pages.key_of(content, self._version)
            same = before and before.key == key and is_intact(self._output, before)
            files = before.files if before and same else self._write(content, before)
            page = archive_pages.page_of(content, key, files, is_open=is_open)
            pages.append(page)
            if page != before:
                changed.append(page)
                found[page.name] = content.problems
        if changed:
            self._on_archived(changed)
            with self._database.begin() as connection:
                archives.put(connection, changed)
                problems.replace(connection, "archive", found)
        return pages

    def _write(self, content: PageContent, before: ArchivePage | None) -> dict[str, ArchivedFile]:
        """Write the files of a page that differ from those before, or from the disk."""
        self.made += 1
        published = publish.publish(
            self._output,
            formats.archive_files(content.feed),
            archive_pages.file_rows(before, self._spec.base) if before else {},
            content.name,
            self._run.now,
        )
        return {
            row.path.rpartition(".")[2]: ArchivedFile(row.digest, row.updated, row.disk)
            for row in published.rows
            if not row.gone
        }

    def _mend_links(self, in_use: list[ArchivePage], known: Mapping[str, ArchivePage]) -> None:
        """Make the pages again that are linked with others than their neighbours."""
        newest = self._newest_block()
        known = {**known, **{page.name: page for page in in_use}}
        for at, links in archive_pages.links_to_mend(in_use):
            page = in_use[at]
            entries = self._entries(page.posts)
            content = archive_pages.again(page, entries, self._spec, self._run.site.info, links)
            in_use[at : at + 1] = self._publish([(content, page.block == newest)], known)
            self._run.progress(at, len(in_use), Phase.ARCHIVING)

    def _end(self, replaced: Iterable[ArchivePage], in_use: Sequence[ArchivePage]) -> None:
        """End the pages whose entries stand on others now. Their files stay for some time."""
        names = {page.name for page in in_use}
        ended = [
            replace(page, ended=self._run.now, moved_to=archive_plan.moved_to(page, in_use))
            for page in replaced
            if page.name not in names
        ]
        if ended:
            self._on_archived(ended)
            with self._database.begin() as connection:
                archives.put(connection, ended)
                problems.replace(connection, "archive", {page.name: () for page in ended})

    # --------------------------------------------------------------------- what was taken back

    def _members(
        self,
        connection: Connection,
        known: Iterable[ArchivePage],
        changed: Sequence[Place] | None,
    ) -> dict[str, bool]:
        """Whether posts on ended pages are still in the feed. `changed` None: of all of them."""
        paths = {path for page in known if page.ended and page.files for path in page.posts}
        if changed is not None:
            paths &= {place.path for place in changed}
        rows = posts.get(connection, paths)
        return {
            path: path in rows
            and self._spec.name in rows[path].feeds
            and place_of(rows[path]).published <= self._run.until
            for path in paths
        }

    def _withdraw(self, known: Iterable[ArchivePage], members: Mapping[str, bool]) -> None:
        """Take back posts that are not in the feed any more from the files of ended pages."""
        for page in known:
            if (
                page.ended
                and page.files
                and not all(members.get(path, True) for path in page.posts)
            ):
                self._withdraw_from(page, [path for path in page.posts if members.get(path, True)])

    def _withdraw_from(self, page: ArchivePage, left: Sequence[str]) -> None:
        content = None
        if left:
            entries = self._entries(left)
            links = (page.older, page.newer)
            page = replace(page, posts=tuple(left))
            content = archive_pages.again(page, entries, self._spec, self._run.site.info, links)
        if content:
            files = self._write(content, page)
        else:
            files = {}
            for suffix in page.files:
                self._output.remove(f"{page.name}.{suffix}")
        page = replace(page, files=files)
        self._on_archived([page])
        with self._database.begin() as connection:
            archives.put(connection, [page])


def is_intact(output: OutputFolder, page: ArchivePage) -> bool:
    """Whether a page's files are on disk as they were written."""
    return all(
        output.is_intact(f"{page.name}.{suffix}", file.disk) for suffix, file in page.files.items()
    )
