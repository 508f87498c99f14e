"""One update of one feed's archive: decides what changed, makes those pages, and links them."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from syndicator.build import archive_pages, archive_plan, publish
from syndicator.build.archive_maker import PageMaker
from syndicator.build.archive_pages import MadePage
from syndicator.build.archive_regions import FeedIndex
from syndicator.build.compression import compressed
from syndicator.build.context import BuildContext
from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.content import FeedFile, FeedSpec
from syndicator.model.places import Place
from syndicator.model.progress import Phase
from syndicator.outputs.output import Output
from syndicator.store import archives, feeds, kv, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import PostRow

#: In `kv`, with a feed's name: an update was begun, and perhaps interrupted. "": it was completed.
_BEGUN = "archive begun "


class ArchiveUpdate:
    """One update of one feed's archive."""

    def __init__(
        self,
        database: Database,
        output: Output,
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
        self._maker = PageMaker(database, output, spec, run, version)
        self.made = 0  #: pages whose files were written
        self._known: dict[str, ArchivePage] = {}  #: every page of the feed, by name

    def run(self, row: FeedRow, key: str) -> bool:
        """Returns whether a page may be another one than before.

        `key`: of the settings that the whole archive is made with.

        Raises UnreadError, OutputError and Cancelled. What was made until then stays.
        """
        feed = self._spec.name
        with self._database.read() as connection:
            changed = archives.changes(connection, feed)
            whole = row.archive_key != key
            index = FeedIndex(connection, self._spec, self._run.until)
            latest = archives.latest(connection, feed)
            begun = kv.get(connection, f"{_BEGUN}{feed}")
            done = not (whole or begun) and index.is_up_to_date(latest, row.shown, changed)
        if done:
            with self._database.begin(durable=False) as connection:
                archives.unmark(connection, feed, changed)
            return False
        with self._database.begin(durable=False) as connection:
            kv.put(connection, f"{_BEGUN}{feed}", "yes")
        with self._database.read() as connection:
            index = FeedIndex(connection, self._spec, self._run.until)
            self._known = {page.name: page for page in archives.pages_of(connection, feed)}
            in_use = [page for page in self._known.values() if not page.ended]
            plan = index.plan(in_use, row.shown, None if whole else changed)
            self._maker.known, self._maker.newest = self._known, index.newest_block()
        self._withdraw([*self._ended(), *plan.replaced], None if whole else changed)
        in_use = list(plan.keep)
        for made in self._maker.make(plan):
            in_use += self._publish(made)
        in_use.sort(key=lambda page: page.oldest)
        self._mend_links(in_use)
        self._end(plan.replaced, in_use)
        with self._database.begin() as connection:
            archives.unmark(connection, feed, changed)
            archives.set_key(connection, feed, key)
            feeds.mark_stale(connection, [feed])  # its document may lead to another page now
            kv.put(connection, f"{_BEGUN}{feed}", "")
        return True

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
        """Write the files of a page that differ from those before, or from the disk.

        Nobody waits for a page, so it is shown once its compressed siblings are there.
        """
        self.made += 1
        known = archive_pages.file_rows(before, self._spec.base) if before else {}
        published = publish.publish(self._output, files, known, name, self._run.now)
        return archive_pages.archived_files(compressed(published.rows, self._output))

    def _mend_links(self, in_use: list[ArchivePage]) -> None:
        """Make the pages again that are linked with others than their neighbours."""
        links = archive_pages.chain((page.oldest, page.name) for page in in_use)
        for at, page in enumerate(in_use):
            if (page.older, page.newer) != links[page.name]:
                made = self._maker.make_again(page, links[page.name])
                in_use[at : at + 1] = self._publish([made])
                self._run.progress(at, len(in_use), Phase.ARCHIVING)
            elif page.is_open != (page.block == self._maker.newest):
                in_use[at] = replace(page, is_open=page.block == self._maker.newest)
                with self._database.begin() as connection:
                    archives.put(connection, [in_use[at]])
                self._on_archived([in_use[at]])

    def _end(self, replaced: Iterable[ArchivePage], in_use: Sequence[ArchivePage]) -> None:
        """End the pages whose entries stand on others now. Their files stay for some time."""
        names = {page.name for page in in_use}
        ended = [
            replace(
                self._known[page.name],
                ended=self._run.now,
                moved_to=archive_plan.moved_to(page, in_use),
            )
            for page in replaced
            if page.name not in names
        ]
        if ended:
            self._on_archived(ended)
            with self._database.begin() as connection:
                archives.put(connection, ended)
                problems.replace(connection, "archive", {page.name: () for page in ended})
            self._known |= {page.name: page for page in ended}

    # ---------------------------------------------------------------------------- withdrawn posts

    def _members(
        self, pages: Iterable[ArchivePage], changed: Sequence[Place] | None
    ) -> dict[str, bool]:
        """Whether posts on pages are still in the feed. `changed` None: all of them."""
        paths = {path for page in pages for path in page.posts}
        if changed is not None:
            paths &= {place.path for place in changed}
        with self._database.read() as connection:
            rows = posts.get(connection, paths)
        return {path: path in rows and self._is_member(rows[path]) for path in paths}

    def _is_member(self, row: PostRow) -> bool:
        is_out = row.head and not row.held and row.head.published <= self._run.until
        return bool(is_out) and self._spec.name in row.feeds

    def _ended(self) -> list[ArchivePage]:
        return [page for page in self._known.values() if page.ended and page.files]

    def _withdraw(self, pages: Sequence[ArchivePage], changed: Sequence[Place] | None) -> None:
        """Remove withdrawn posts from the files of pages, before anything else is made.

        A page without any other post stays for its links: readers may be on their way to it.

        `pages`: those that ended, and those in use that will be made again or end. `changed`: the
        places that changed; None: any may have.
        """
        members = self._members(pages, changed)
        for at, page in enumerate(pages):
            left = tuple(path for path in page.posts if members.get(path, True))
            if left == page.posts:
                continue
            self._run.progress(at, len(pages), Phase.ARCHIVING)
            made = self._maker.make_again(replace(page, posts=left), (page.older, page.newer))
            files = self._write(page.name, made.files or (), page)
            for suffix in page.files.keys() - files.keys():
                self._output.remove(f"{page.name}.{suffix}")
            page = replace(page, posts=left, files=files, key=made.page.key)
            self._known[page.name] = page
            self._on_archived([page])
            with self._database.begin() as connection:
                archives.put(connection, [page])
