"""Finds the documents that changed, arrived or went since the last poll, and reads the site config.

A scan compares sizes and mtimes; it opens no document.
"""

import os
from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from syndicator.errors import SourceError
from syndicator.jekyll.site import Site, read_site
from syndicator.model.content import Problem
from syndicator.sources.folder import SourceFolder, not_a_directory, source_error
from syndicator.sources.referenced_files import FolderFiles, Seen, unchanged
from syndicator.store import posts
from syndicator.store.database import Database
from syndicator.store.sql import batches


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Documents that may have changed, and documents that are gone. False if there are none."""

    fresh: Collection[str] = ()  #: sorted
    gone: Collection[str] = ()
    prints: "array[int] | None" = None  #: of every document; None: only some paths were scanned
    all_fresh: bool = False  #: True: `fresh` has every document of the source

    def __bool__(self) -> bool:
        return bool(self.fresh or self.gone)


class Scanner:
    """Compares each scan with the one before, of which it keeps eight bytes a document.

    The first scan of a process, and the first after `reset`, is compared with the store. A fresh
    path only may have changed: the indexer compares it with its row before it reads the file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prints: array[int] | None = None
        self._linked = False  #: whether some files were found through links to their folders
        self._racy: set[str] = set()
        self._scanned_alone: set[str] = set()  #: by `scan_paths`; `_prints` are older

    @property
    def needs_full_scan(self) -> bool:
        """True until the first full scan, and after `reset`."""
        return self._prints is None

    def reset(self) -> None:
        """Compare the next scan with the store."""
        self._prints = None

    def scan_all(self, source: SourceFolder, progress: Callable[[int], None]) -> ScanResult:
        """Scan every document. What `progress` raises ends the scan and changes nothing.

        Raises SourceError if a source that had documents has none: it may be an unmounted disk.
        """
        if self._prints is not None:
            prints = source.scan(None, progress).prints
            if prints == self._prints:
                existing, gone = self._check(source, self._racy | self._scanned_alone)
                return ScanResult(fresh=existing, gone=gone, prints=prints)
        with self._database.read() as connection:
            known = (
                set(self._prints)
                if self._prints is not None
                else {hash(row) for row in posts.settled_stats(connection)}
            )
            scan = source.scan(known, progress)
            self._linked = scan.linked
            del known  # frees a hundred bytes a document
            total = posts.count_documents(connection)
            if total and not scan.prints:
                message = f"{source.root} has no posts where it had {total:,}"
                hint = "check that it is mounted; if all posts were deleted, start with a new state"
                raise source_error(source.root, message, hint)
            again = {
                path
                for path in self._racy | self._scanned_alone
                if source.is_document(path) and source.stat(path)
            }
            fresh = sorted({*scan.fresh, *again}) if again else scan.fresh
            indexed = sum(posts.count_documents(connection, batch) for batch in batches(fresh))
            gone_paths: set[str] = set()
            if total > len(scan.prints) - len(fresh) + indexed:
                prints_now, fresh_paths = set(scan.prints), set(fresh)
                gone_paths = {
                    row[0] for row in posts.all_stats(connection) if hash(row) not in prints_now
                } - fresh_paths
        all_fresh = len(scan.fresh) == len(scan.prints)
        return ScanResult(fresh=fresh, gone=gone_paths, prints=scan.prints, all_fresh=all_fresh)

    def scan_paths(
        self, source: SourceFolder, paths: Collection[str], progress: Callable[[int], None]
    ) -> ScanResult:
        """Scan these documents only, or all if these alone can't be judged."""
        if self._linked and not all(map(source.is_document, paths)):
            # The path may be a document's under another path, through a linked folder.
            return self.scan_all(source, progress)
        existing, gone = self._check(source, {path for path in paths if source.is_document(path)})
        again = {path for path in self._racy if source.is_document(path) and source.stat(path)}
        if gone:
            with self._database.read() as connection:
                all_gone = posts.has_no_others(connection, gone)
            if all_gone:  # the full scan refuses an emptied source
                return self.scan_all(source, progress)
        return ScanResult(fresh=sorted({*existing, *again}), gone=gone)

    def _check(self, source: SourceFolder, paths: Collection[str]) -> tuple[list[str], set[str]]:
        """Those of the paths that exist, sorted, and those that the store has and that are gone."""
        existing = {path for path in paths if source.stat(path)}
        absent = [path for path in paths if path not in existing]
        if not absent:
            return sorted(existing), set()
        with self._database.read() as connection:
            return sorted(existing), set(posts.get(connection, absent))

    def remember(self, result: ScanResult, racy: set[str]) -> None:
        """Keep a scan to compare the next with. Call it once the index has its changes.

        `racy`: paths that the next scan must return again.
        """
        if result.prints is None:
            self._scanned_alone |= {*result.fresh, *result.gone}
        else:
            self._prints, self._scanned_alone = result.prints, set()
        self._racy = racy


class SiteReader:
    """Reads a site's config and data; reads them again only if one of their files changed."""

    def __init__(self, root: Path, overrides: Mapping[str, str]) -> None:
        self._root = root
        self._overrides = overrides
        self._needs: Mapping[str, Seen] = {}
        self._site: Site | None = None
        self.problems: tuple[Problem, ...] = ()
        self.had_config = False  #: whether the site has, or ever had, a _config.yml
        self.had_posts = False  #: whether it is, or ever was, more than a plain folder of posts

    def read(self) -> Site:
        """The site as it is now: the same object while it is unchanged.

        Raises SourceError if the folder is missing, if its _config.yml can't be read, or if a file
        or folder that made it a site is gone, as in an unfinished copy or checkout. Without
        _config.yml every link would change; without _posts every Markdown file would be a post.
        """
        try:
            os.scandir(self._root).close()
        except (FileNotFoundError, NotADirectoryError):
            raise not_a_directory(self._root) from None
        except OSError as error:
            raise SourceError(
                f"{self._root} can't be read: {error.strerror}",
                hint="check that this user may read it",
            ) from error
        if self._site is not None and unchanged(self._root, self._needs):
            return self._site
        files = FolderFiles(self._root)
        config = files.text("_config.yml")
        if config is None and os.path.lexists(self._root / "_config.yml"):
            hint = "make it a file that this user may read, in UTF-8 and under 1 MiB"
            raise source_error(self._root, "_config.yml can't be read as text", hint)
        if config is None and self.had_config:
            hint = "check that it is mounted and copied whole; if it was deleted, add an empty one"
            raise source_error(self._root, f"{self._root / '_config.yml'} is gone", hint)
        if config is None:
            files.names("_posts")
        site, problems = read_site(config, files, self._overrides)
        broken = next((problem for problem in problems if problem.fatal), None)
        if broken:
            raise SourceError(str(broken), hint=broken.hint)
        # Searching a plain folder for `_posts` at each poll would stat every file twice. So only
        # the top level is checked again: a `_posts` there makes it a site.
        plain = "" in site.scope.roots
        if plain and self.had_posts:
            hint = "check that it is mounted and copied whole; a plain folder needs a new state"
            raise source_error(self._root, f"{self._root} has no _posts any more", hint)
        needs = {
            path: seen
            for path, seen in files.needs.items()
            if path != "/" and (plain or path != "_posts/")
        }
        self._site = site
        self._needs = needs
        self.problems = problems
        self.had_config |= config is not None
        self.had_posts |= not plain
        return site
