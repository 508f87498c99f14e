"""One update of one feed's archive: decides what changed, makes those pages, and links them."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from syndicator.build import archive_pages, archive_plan, publish
from syndicator.build.archive_pages import (
    Links,
    MadePage,
    PageRequest,
    make_again,
    make_pages,
    name_of,
)
from syndicator.build.archive_plan import ArchivePlan
from syndicator.build.archive_regions import FeedIndex
from syndicator.build.context import BuildContext
from syndicator.build.page_borders import Block
from syndicator.build.post_workers import PostWorkers
from syndicator.build.processes import Pending
from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.content import Entry, FeedFile, FeedSpec
from syndicator.model.places import Interval, Place
from syndicator.model.progress import Phase
from syndicator.outputs.folder import OutputFolder
from syndicator.store import archives, feeds, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import PostRow
from syndicator.store.sql import batches

#: Blocks that are made between two commits.
_BLOCKS = 8

#: How many times as many are given to worker processes ahead.
_CHUNKS_AHEAD = 2


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
        self.made = 0  #: pages whose files were written
        self._known: dict[str, ArchivePage] = {}  #: every page of the feed, by name
        self._newest: Interval | None = None  #: the block that new posts are added to
        self._workers: PostWorkers | None = None

    def run(self, row: FeedRow, key: str) -> None:
        """`key`: of the settings that the whole archive is made with.

        Raises UnreadError, OutputError and Cancelled. What was made until then stays.
        """
        feed = self._spec.name
        with self._database.read() as connection:
            self._known = {page.name: page for page in archives.pages_of(connection, feed)}
            changed = archives.changes(connection, feed)
            whole = row.archive_key != key
            index = FeedIndex(connection, self._spec, self._run.until)
            in_use = [page for page in self._known.values() if not page.ended]
            plan = index.plan(in_use, row.shown, None if whole else changed)
            self._newest = index.newest_block()
        self._withdraw(None if whole else changed)
        in_use = self._make(plan)
        self._mend_links(in_use)
        if self._end(plan.replaced, in_use):
            self._withdraw(None if whole else changed)
        with self._database.begin() as connection:
            archives.unmark(connection, feed, changed)
            archives.set_key(connection, feed, key)
            feeds.mark_stale(connection, [feed])  # its document may lead to another page now

    def _make(self, plan: ArchivePlan) -> list[ArchivePage]:
        """Make the pages of a plan's blocks. Returns all pages in use then, oldest first.

        Worker processes render and make pages ahead, if there are enough.
        """
        in_use = list(plan.keep)
        count = sum(len(block.places) for block in plan.make)
        workers = self._run.workers
        self._workers = workers if workers and workers.start_to_render(count) else None
        chunks = list(batches(plan.make, _BLOCKS))
        links = archive_pages.chain(
            [
                *((page.oldest, page.name) for page in plan.keep),
                *((one.places[0], name_of(self._spec.name, one)) for one in plan.make),
            ]
        )
        begun: deque[list[tuple[PageRequest, Pending[list[MadePage]]]]] = deque()
        for at, chunk in enumerate(chunks):
            self._render_ahead(chunks[at + 1] if at + 1 < len(chunks) else ())
            begun.append(self._begin(chunk, links))
            if len(begun) > _CHUNKS_AHEAD:
                in_use += self._finish(begun.popleft())
            self._run.progress(at, len(chunks), Phase.ARCHIVING)
        while begun:
            in_use += self._finish(begun.popleft())
        return sorted(in_use, key=lambda page: page.oldest)

    def _render_ahead(self, blocks: Sequence[Block]) -> None:
        if self._workers:
            self._run.loader.render_ahead(self._rows(blocks), self._run.until)

    def _begin(
        self, blocks: Sequence[Block], links: Mapping[str, Links]
    ) -> list[tuple[PageRequest, Pending[list[MadePage]]]]:
        entries = self._entries(self._rows(blocks))
        begun = []
        for block in blocks:
            request = self._request(block, entries, links[name_of(self._spec.name, block)])
            pending = (
                self._workers.submit(make_pages, request)
                if self._workers
                else Pending.of(make_pages(None, request))
            )
            begun.append((request, pending))
        return begun

    def _finish(
        self, begun: Sequence[tuple[PageRequest, Pending[list[MadePage]]]]
    ) -> list[ArchivePage]:
        """Publish the pages of some blocks.

        If a block was divided, or none of its posts can be shown, the links of those beside it were
        guessed wrongly.
        """
        made = [(request, pending.result()) for request, pending in begun]
        feed = self._spec.name
        names = {
            name_of(feed, request.block): [page.page.name for page in pages]
            for request, pages in made
        }
        for request, pages in made:
            for at, page in enumerate(pages):
                links = archive_pages.mended(page.page, names)
                if links != (page.page.older, page.page.newer):
                    pages[at] = make_again(page.page, request._replace(links=links))
        return self._publish([page for _, pages in made for page in pages])

    def _rows(self, blocks: Iterable[Block]) -> list[PostRow]:
        return self._posts([place.path for block in blocks for place in block.places])

    def _posts(self, paths: Sequence[str]) -> list[PostRow]:
        with self._database.read() as connection:
            rows = posts.get(connection, paths)
        return [rows[path] for path in paths if path in rows]

    def _entries(self, rows: Sequence[PostRow]) -> dict[str, Entry]:
        """The entries of posts, by path. Raises UnreadError."""
        loaded = self._run.loader.load(rows, self._run.until)
        if missing := set(loaded.mismatched) - set(loaded.paths):
            raise UnreadError(missing)
        return dict(zip(loaded.paths, loaded.entries, strict=True))

    def _request(self, block: Block, entries: Mapping[str, Entry], links: Links) -> PageRequest:
        known = {
            page.name: page
            for page in self._known.values()
            if page.block == block.interval and page.files
        }
        return PageRequest(
            block=block,
            entries={
                place.path: entries[place.path] for place in block.places if place.path in entries
            },
            links=links,
            is_open=block.interval == self._newest,
            spec=self._spec,
            site=self._run.site.info,
            version=self._version,
            keys={name: page.key for name, page in known.items() if is_intact(self._output, page)},
        )

    def _publish(self, made: Iterable[MadePage]) -> list[ArchivePage]:
        """Write the files of pages that differ, and store the pages."""
        pages, changed, found = [], [], {}
        for page, files, page_problems in made:
            before = self._known.get(page.name)
            if files is not None:
                page = replace(page, files=self._write(page.name, files, before))
            elif before:
                page = replace(page, files=before.files)
            pages.append(page)
            if page != before:
                changed.append(page)
                found[page.name] = page_problems
                self._known[page.name] = page
        if changed:
            self._on_archived(changed)
            with self._database.begin() as connection:
                archives.put(connection, changed)
                problems.replace(connection, "archive", found)
        return pages

    def _write(
        self, name: str, files: Sequence[FeedFile], before: ArchivePage | None
    ) -> dict[str, ArchivedFile]:
        """Write the files of a page that differ from those before, or from the disk."""
        self.made += 1
        known = archive_pages.file_rows(before, self._spec.base) if before else {}
        published = publish.publish(self._output, files, known, name, self._run.now)
        return {
            row.path.rpartition(".")[2]: ArchivedFile(row.digest, row.updated, row.disk)
            for row in published.rows
            if not row.gone
        }

    def _mend_links(self, in_use: list[ArchivePage]) -> None:
        """Make the pages again that are linked with others than their neighbours."""
        links = archive_pages.chain((page.oldest, page.name) for page in in_use)
        for at, page in enumerate(in_use):
            if (page.older, page.newer) != links[page.name]:
                made = self._again(page, links[page.name])
                in_use[at : at + 1] = self._publish([made])
                self._run.progress(at, len(in_use), Phase.ARCHIVING)
            elif page.is_open != (page.block == self._newest):
                in_use[at] = replace(page, is_open=page.block == self._newest)
                with self._database.begin() as connection:
                    archives.put(connection, [in_use[at]])
                self._on_archived([in_use[at]])

    def _again(self, page: ArchivePage, links: Links) -> MadePage:
        entries = self._entries(self._posts(page.posts))
        block = Block(page.block, tuple(Place(page.oldest.published, path) for path in page.posts))
        return make_again(page, self._request(block, entries, links))

    def _end(self, replaced: Iterable[ArchivePage], in_use: Sequence[ArchivePage]) -> bool:
        """End the pages whose entries stand on others now. Their files stay for some time.

        Returns whether there are any.
        """
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
            self._known |= {page.name: page for page in ended}
        return bool(ended)

    # --------------------------------------------------------------------- what was taken back

    def _members(self, changed: Sequence[Place] | None) -> dict[str, bool]:
        """Whether posts on ended pages are still in the feed. `changed` None: of all of them."""
        paths = {path for page in self._ended() for path in page.posts}
        if changed is not None:
            paths &= {place.path for place in changed}
        with self._database.read() as connection:
            rows = posts.get(connection, paths)
        return {path: path in rows and self._is_member(rows[path]) for path in paths}

    def _is_member(self, row: PostRow) -> bool:
        is_out = row.head is not None and row.head.published <= self._run.until
        return is_out and self._spec.name in row.feeds

    def _ended(self) -> list[ArchivePage]:
        return [page for page in self._known.values() if page.ended and page.files]

    def _withdraw(self, changed: Sequence[Place] | None) -> None:
        """Take back posts that are not in the feed any more from the files of ended pages.

        `changed`: the places that changed; None: any may have.
        """
        members = self._members(changed)
        for page in self._ended():
            left = tuple(path for path in page.posts if members.get(path, True))
            if left == page.posts:
                continue
            files: Mapping[str, ArchivedFile] = {}
            key = ""
            if left:
                made = self._again(replace(page, posts=left), (page.older, page.newer))
                files = self._write(page.name, made.files or (), page)
                key = made.page.key
            for suffix in page.files.keys() - files.keys():
                self._output.remove(f"{page.name}.{suffix}")
            page = replace(page, posts=left, files=files, key=key)
            self._known[page.name] = page
            self._on_archived([page])
            with self._database.begin() as connection:
                archives.put(connection, [page])


def is_intact(output: OutputFolder, page: ArchivePage) -> bool:
    """Whether a page's files are on disk as they were written."""
    return all(
        output.is_intact(f"{page.name}.{suffix}", file.disk) for suffix, file in page.files.items()
    )
