"""Keeps the archives of feeds up to date: pages of the entries that are not the newest (RFC 5005).

An update follows a run. If it is interrupted, the next one resumes it. At any time each page in use
is linked with pages that are there, and a reader that follows the links finds every post.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from time import perf_counter

from msgspec.structs import replace

from syndicator.build import archive_pages
from syndicator.build.archive_maker import UnreadError, is_intact
from syndicator.build.archive_update import ArchiveUpdate
from syndicator.build.compression import compressed
from syndicator.build.context import BuildContext
from syndicator.build.feed_builder import FeedBuilder
from syndicator.build.options import BuildOptions
from syndicator.build.settings import settings_of
from syndicator.errors import OutputError
from syndicator.jekyll.site import Site
from syndicator.model.archive import ArchivePage
from syndicator.model.content import FeedSpec, fingerprint
from syndicator.model.progress import Phase
from syndicator.outputs.output import Output
from syndicator.store import archives, feeds, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.sql import batches

#: How long the files of a page that ended stay for readers that are on their way to it, if another
#: web server serves the folder. Ours redirects them.
_KEPT = timedelta(days=30)

#: Interval between searches for lost, ended and unwanted pages: so many times as long as one
#: takes, and at most an hour. Meanwhile a lost page is not served.
_CLEANING_PAUSES = 1000
_CLEANED_EVERY = timedelta(hours=1)

#: A file of a page, by its name.
_IS_PAGE = re.compile(r"\d{8}-\d{6}-[0-9a-f]+\.(?:rss|atom|json|html)")


class Archiver:
    """Makes and removes the pages of archives::

    look for lost files     pages that someone else changed or removed
    compress                pages whose compressed siblings are not those of the config
    remove what ended       pages of feeds that have no archive by the config, old ended ones
    update                  each feed with outdated places, or with other settings
    link                    the feed's own document with the page that continues it
    """

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        output: Output,
        feed_builder: FeedBuilder,
        on_archived: Callable[[Sequence[ArchivePage]], None],
    ) -> None:
        """`on_archived` gets pages just written, or ended."""
        self._options = options
        self._database = database
        self._output = output
        self._feed_builder = feed_builder
        self._on_archived = on_archived
        self._is_first = True
        #: The site, the time and the duration of the last look for lost and unwanted pages.
        self._cleaned: tuple[str, datetime, timedelta] | None = None

    @property
    def may_be_needed(self) -> bool:
        """False: no feed has an archive, and those of an earlier config are removed."""
        return self._is_first or self._options.archive

    def run(self, run: BuildContext, now: datetime) -> int:
        """Update all archives. Returns the number of pages made. Raises OutputError, Cancelled.

        A feed whose pages can't be written is left out, and sets `run.failure`. So does a file that
        can't be removed. `now`: later than `run.now`, which is the time of the last change.
        """
        if self._needs_cleaning(run.site, now):
            begun = perf_counter()
            self._mark_lost()
            if self._is_first:
                self._remove_unknown(run)
                for page in _compress(self._database, self._output, self._options.base, run):
                    self._on_archived([page])
            self._remove_unwanted(run, now)
            self._cleaned = (run.site.digest, now, timedelta(seconds=perf_counter() - begun))
            self._is_first = run.failure is not None
        outdated = self._outdated(run.site)
        self._mark_unmade(outdated, run.site)
        return sum(self._update(row.name, run) for row in outdated)

    def _needs_cleaning(self, site: Site, now: datetime) -> bool:
        if self._cleaned is None:
            return True
        digest, at, took = self._cleaned
        pause = min(took * _CLEANING_PAUSES, _CLEANED_EVERY)
        return digest != site.digest or not at <= now < at + pause  # the clock may be set back

    def _update(self, name: str, run: BuildContext) -> int:
        with self._database.read() as connection:
            row = feeds.get(connection, name)
        update = ArchiveUpdate(
            self._database,
            self._output,
            self._on_archived,
            self._spec(row, run.site),
            run,
            self._options.version,
        )
        try:
            if not update.run(row, self._key(row, run.site)):
                return 0
        except OutputError as error:
            run.failure = run.failure or error
            return update.made
        except UnreadError as error:
            with self._database.begin(durable=False) as connection:
                posts.mark_unread(connection, error.paths)
            run.scan_again.update(error.paths)
        with self._database.read() as connection:
            row = feeds.get(connection, name)
        self._feed_builder.build(row, run)
        return update.made

    def _outdated(self, site: Site) -> list[FeedRow]:
        """The feeds whose archive has to be updated."""
        with self._database.read() as connection:
            rows = [row for row in feeds.all_names(connection) if row.content_key is not None]
            changed = archives.outdated_feeds(connection)
        return [
            row
            for row in rows
            if self._spec(row, site).archive
            and (row.name in changed or row.archive_key != self._key(row, site))
        ]

    def _mark_unmade(self, outdated: Sequence[FeedRow], site: Site) -> None:
        """Note whose whole archives have to be made, so that `status` counts their posts.

        And so that this is not forgotten if the settings are what they were before it is done.
        """
        unmade = [
            row.name
            for row in outdated
            if row.archive_key not in (self._key(row, site), archives.UNMADE)
        ]
        if unmade:
            with self._database.begin(durable=False) as connection:
                for name in unmade:
                    archives.set_key(connection, name, archives.UNMADE)

    def _mark_lost(self) -> None:
        """Have the pages made again whose files someone else changed or removed."""
        with self._database.read() as connection:
            lost = [
                (page.feed, page.oldest)
                for page in archives.all_pages(connection)
                if not page.ended and not is_intact(self._output, page)
            ]
        if lost:
            with self._database.begin(durable=False) as connection:
                archives.mark(connection, lost)

    def _remove_unknown(self, run: BuildContext) -> None:
        """Remove files of pages that a killed process wrote, and that the state doesn't know.

        Only regular files: anything else with such a name is someone else's.
        """
        with self._database.read() as connection:
            names = [row.name for row in feeds.all_names(connection)]
            known = {
                f"{page.name}.{suffix}"
                for page in archives.all_pages(connection)
                for suffix in page.files
            }
        for folder in names:
            files = filter(_IS_PAGE.fullmatch, self._output.files.names(folder))
            paths = {f"{folder}/{file}" for file in files} - known
            self._remove_files(filter(self._output.files.is_file, paths), run)

    def _remove_unwanted(self, run: BuildContext, now: datetime) -> None:
        """Remove the archives of feeds that should have none, and the files of old ended pages.

        And of those that someone else changed: they may have what was taken back.
        """
        with self._database.read() as connection:
            wanted = {
                row.name
                for row in feeds.all_names(connection)
                if row.content_key is not None and self._spec(row, run.site).archive
            }
            pages = [
                page
                for page in archives.all_pages(connection)
                if (page.files or not page.ended)
                and (page.feed not in wanted or self._is_expired(page, now))
            ]
        for batch in batches(pages):
            self._remove(batch, run, now)
        with self._database.begin(durable=False) as connection:
            for feed in archives.kept_feeds(connection) - wanted:
                archives.set_key(connection, feed, None)
                archives.unmark(connection, feed, archives.changes(connection, feed))

    def _is_expired(self, page: ArchivePage, now: datetime) -> bool:
        if page.ended is None:
            return False
        return page.ended < now - _KEPT or not is_intact(self._output, page)

    def _remove(self, pages: Sequence[ArchivePage], run: BuildContext, now: datetime) -> None:
        ended = [
            replace(page, ended=page.ended or now, moved_to=page.moved_to or page.feed)
            for page in pages
        ]
        self._on_archived(ended)
        removed = [
            replace(page, files={})
            if self._remove_files((f"{page.name}.{suffix}" for suffix in page.files), run)
            else page
            for page in ended
        ]
        with self._database.begin() as connection:
            archives.put(connection, removed)
            problems.replace(connection, "archive", {page.name: () for page in pages})

    def _remove_files(self, paths: Iterable[str], run: BuildContext) -> bool:
        """Whether these files are removed. If not, `run.failure` is set."""
        try:
            for path in paths:
                self._output.remove(path)
        except OutputError as error:
            run.failure = run.failure or error
            return False
        return True

    def _spec(self, row: FeedRow, site: Site) -> FeedSpec:
        return self._options.spec_of(site, row.name, row.term)

    def _key(self, row: FeedRow, site: Site) -> str:
        """A digest of what all pages of a feed are made with besides their posts."""
        return fingerprint(settings_of(self._options, site), self._spec(row, site))


def _compress(
    database: Database, output: Output, base: str, run: BuildContext
) -> Iterator[ArchivePage]:
    """Write the siblings that the config wants of each page, and remove others.

    Yields the pages that have others now. `base`: the address of the folder.
    """
    with database.read() as connection:
        pages = [
            page
            for page in archives.all_pages(connection)
            if any(output.needs_siblings(file.disk) for file in page.files.values())
        ]
    for at, page in enumerate(pages):
        run.progress(at, len(pages), Phase.ARCHIVING)
        try:
            rows = compressed(archive_pages.file_rows(page, base).values(), output)
        except OutputError as error:
            run.failure = run.failure or error
            return
        files = archive_pages.archived_files(rows)
        if files != page.files:
            page = replace(page, files=files)
            with database.begin(durable=False) as connection:
                archives.put(connection, [page])
            yield page
