"""Makes the pages of a feed's archive from its posts, with worker processes if there are many."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from syndicator.build import archive_pages
from syndicator.build.archive_pages import (
    Links,
    MadePage,
    PageRequest,
    make_again,
    make_pages,
    name_of,
)
from syndicator.build.archive_plan import ArchivePlan
from syndicator.build.context import BuildContext
from syndicator.build.page_borders import Block
from syndicator.build.post_workers import PostWorkers
from syndicator.build.processes import Pending
from syndicator.model.archive import ArchivePage
from syndicator.model.content import Entry, FeedSpec
from syndicator.model.places import Interval, Place
from syndicator.model.progress import Phase
from syndicator.outputs.folder import OutputFolder
from syndicator.store import posts
from syndicator.store.database import Database
from syndicator.store.post_rows import PostRow

#: Posts whose blocks are made together, and published in one transaction: a new post waits for as
#: many. A block that has more of them is made alone.
_POSTS = 100

#: How many times as many are given to worker processes ahead.
_CHUNKS_AHEAD = 2


class UnreadError(Exception):
    """A post's file changed after it was indexed. The next run reads it."""

    def __init__(self, paths: Collection[str]) -> None:
        super().__init__(paths)
        self.paths = sorted(paths)


class PageMaker:
    """Makes pages. Nothing is published or stored, but the entries of rendered posts."""

    def __init__(
        self,
        database: Database,
        output: OutputFolder,
        spec: FeedSpec,
        run: BuildContext,
        version: str,
    ) -> None:
        """`spec`: of the feed. `version`: of the program."""
        self._database = database
        self._output = output
        self._spec = spec
        self._run = run
        self._version = version
        self._workers: PostWorkers | None = None
        #: The newest page of each block made so far, by the name that was expected. Of a block
        #: without entries: the page before it.
        self._last: dict[str, str | None] = {}
        #: These two are set before anything is made: every page of the feed, by name; and the block
        #: that new posts are added to, None if the feed has no post.
        self.known: dict[str, ArchivePage] = {}
        self.newest: Interval | None = None

    def make(self, plan: ArchivePlan) -> Iterator[list[MadePage]]:
        """Make the pages of a plan's blocks, some at a time, the oldest first.

        Worker processes render posts and make pages ahead, if there are enough. Raises UnreadError.
        """
        count = sum(len(block.places) for block in plan.make)
        workers = self._run.workers
        self._workers = workers if workers and workers.start_to_render(count) else None
        chunks = list(_chunks(plan.make))
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
                yield self._finished(begun.popleft())
            self._run.progress(at, len(chunks), Phase.ARCHIVING)
        while begun:
            yield self._finished(begun.popleft())

    def make_again(self, page: ArchivePage, links: Links) -> MadePage:
        """One page with other links, or without some of its posts. Raises UnreadError."""
        entries = self._entries(self._posts(page.posts))
        block = Block(page.block, tuple(Place(page.oldest.published, path) for path in page.posts))
        return make_again(page, self._request(block, entries, links))

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

    def _finished(
        self, begun: Sequence[tuple[PageRequest, Pending[list[MadePage]]]]
    ) -> list[MadePage]:
        """The pages of some blocks.

        If a block was divided, or none of its posts can be shown, the links of those beside it were
        guessed wrongly.
        """
        made = [(request, pending.result()) for request, pending in begun]
        newer: dict[str, str] = {}
        for request, pages in made:
            block, before = name_of(self._spec.name, request.block), request.links[0]
            if pages:
                newer[block] = pages[0].page.name
                self._last[block] = pages[-1].page.name
            else:
                self._last[block] = self._last.get(before, before) if before else None
        for request, pages in made:
            for at, page in enumerate(pages):
                links = archive_pages.mended(page.page, self._last, newer)
                if links != (page.page.older, page.page.newer):
                    pages[at] = make_again(page.page, request._replace(links=links))
        return [page for _, pages in made for page in pages]

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
            for page in self.known.values()
            if page.block == block.interval and page.files
        }
        return PageRequest(
            block=block,
            entries={
                place.path: entries[place.path] for place in block.places if place.path in entries
            },
            links=links,
            is_open=block.interval == self.newest,
            spec=self._spec,
            site=self._run.site.info,
            version=self._version,
            keys={name: page.key for name, page in known.items() if is_intact(self._output, page)},
        )


def _chunks(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks with about `_POSTS` posts together."""
    chunk: list[Block] = []
    count = 0
    for block in blocks:
        if chunk and count + len(block.places) > _POSTS:
            yield chunk
            chunk, count = [], 0
        chunk.append(block)
        count += len(block.places)
    if chunk:
        yield chunk


def is_intact(output: OutputFolder, page: ArchivePage) -> bool:
    """Whether a page's files are on disk as they were written."""
    return all(
        output.is_intact(f"{page.name}.{suffix}", file.disk) for suffix, file in page.files.items()
    )
