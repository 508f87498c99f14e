"""What changed in the source since it was last looked at."""

import os
from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from syndicator.errors import SourceError
from syndicator.jekyll.site import Site, read_site
from syndicator.model.content import Problem
from syndicator.sources.folder import SourceFolder, no_folder, without
from syndicator.sources.site_files import FolderFiles, Seen, unchanged
from syndicator.store import posts
from syndicator.store.database import Database
from syndicator.store.sql import batches


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Documents that may have changed, and documents that are gone. False when there are none."""

    fresh: Collection[str] = ()  #: in order
    gone: Collection[str] = ()
    prints: "array[int] | None" = None  #: of the whole look; None: there was none
    whole: bool = False  #: True: every document there is is a fresh one

    def __bool__(self) -> bool:
        return bool(self.fresh or self.gone)


class Scanner:
    """Remembers the last look, at eight octets a document, and says what the next one shows.

    The first look of a process is compared with the store, and so is the one after what it knows is forgotten.
    Nothing here is trusted to be the whole truth: a fresh path is compared with its row before it is read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prints: array[int] | None = None
        self._linked = False  #: whether files were seen by way of links to their folders
        self._racy: set[str] = set()
        self._told: set[str] = (
            set()
        )  #: looked at by themselves since: the last look doesn't know of them

    @property
    def blank(self) -> bool:
        """Whether everything is still to be looked at: a few documents say nothing of the others."""
        return self._prints is None

    def forget(self) -> None:
        """Let the next look be compared with the store again."""
        self._prints = None

    def look(self, source: SourceFolder, looking: Callable[[int], None]) -> ScanResult:
        """Look at every document. What `looking` raises ends it without a trace.

        Raises SourceError when there is none where there were some: a disk that isn't mounted looks like that.
        """
        if self._prints is not None:
            prints = source.look(None, looking).prints
            if prints == self._prints:
                here, departed = self._look_at(source, self._racy | self._told)
                return ScanResult(fresh=here, gone=departed, prints=prints)
        with self._database.read() as connection:
            known = (
                set(self._prints)
                if self._prints is not None
                else {hash(row) for row in posts.settled_stats(connection)}
            )
            look = source.look(known, looking)
            self._linked = look.linked
            del known  # a hundred octets a document
            total = posts.count_documents(connection)
            if total and not look.prints:
                hint = "is it mounted? If they are meant to be gone, move the state away and build again"
                raise without(
                    source.root, f"{source.root} has no posts where it had {total:,}", hint
                )
            again = {
                path
                for path in self._racy | self._told
                if source.is_document(path) and source.stat(path)
            }
            fresh = sorted({*look.fresh, *again}) if again else look.fresh
            existing = sum(posts.count_documents(connection, batch) for batch in batches(fresh))
            gone: set[str] = set()
            if total > len(look.prints) - len(fresh) + existing:
                seen, arrived = set(look.prints), set(fresh)
                gone = {
                    row[0] for row in posts.all_stats(connection) if hash(row) not in seen
                } - arrived
        whole = len(look.fresh) == len(look.prints)
        return ScanResult(fresh=fresh, gone=gone, prints=look.prints, whole=whole)

    def at(
        self, source: SourceFolder, paths: Collection[str], looking: Callable[[int], None]
    ) -> ScanResult:
        """Look at these documents only. Of others that went a look at everything tells: the source may be away."""
        if self._linked and not all(
            map(source.is_document, paths)
        ):  # perhaps one, by the path that the watch knows
            return self.look(source, looking)
        here, gone = self._look_at(source, {path for path in paths if source.is_document(path)})
        again = {path for path in self._racy if source.is_document(path) and source.stat(path)}
        if gone:
            with self._database.read() as connection:
                all_gone = posts.has_no_others(connection, gone)
            if (
                all_gone
            ):  # told of each file that goes, an emptied folder is still an emptied folder
                return self.look(source, looking)
        return ScanResult(fresh=sorted({*here, *again}), gone=gone)

    def _look_at(self, source: SourceFolder, paths: Collection[str]) -> tuple[list[str], set[str]]:
        """Of these paths, those that are there, in order, and those that the store knows and that aren't."""
        here = {path for path in paths if source.stat(path)}
        absent = [path for path in paths if path not in here]
        if not absent:
            return sorted(here), set()
        with self._database.read() as connection:
            return sorted(here), set(posts.get(connection, absent))

    def remember(self, noticed: ScanResult, racy: set[str]) -> None:
        """Keep what a look showed, once it was acted on."""
        if noticed.prints is None:
            self._told |= {*noticed.fresh, *noticed.gone}
        else:
            self._prints, self._told = noticed.prints, set()
        self._racy = racy


class SiteReader:
    """Reads what a site says of itself, again only when one of the files it is said in changed."""

    def __init__(self, root: Path, overrides: Mapping[str, str]) -> None:
        self._root = root
        self._overrides = overrides
        self._needs: Mapping[str, Seen] = {}
        self._site: Site | None = None
        self.problems: tuple[Problem, ...] = ()
        self.configured = False  #: whether the site has, or ever had, a _config.yml
        self.posted = False  #: whether it is, or ever was, more than a plain folder

    def read(self) -> Site:
        """The site as it is now: the same object while it is unchanged.

        Raises SourceError when the folder isn't there, its _config.yml is there and can't be read, or what made it a
        site is gone: a copy or a checkout that is half done looks like that. Without a _config.yml every link would
        change, and without _posts every other Markdown file would be a post.
        """
        try:
            os.scandir(self._root).close()
        except (FileNotFoundError, NotADirectoryError):
            raise no_folder(self._root) from None
        except OSError as error:
            raise SourceError(
                f"{self._root} can't be read: {error.strerror}", hint="may this user read it?"
            ) from error
        if self._site is not None and unchanged(self._root, self._needs):
            return self._site
        files = FolderFiles(self._root)
        config = files.text("_config.yml")
        if config is None and os.path.lexists(self._root / "_config.yml"):
            hint = "it must be a file that this user may read, in UTF-8 and under 1 MiB"
            raise without(self._root, "_config.yml can't be read as text", hint)
        if config is None and self.configured:
            hint = "is it mounted, and copied whole? If the site is to go on without one, put an empty file there"
            raise without(self._root, f"{self._root / '_config.yml'} is gone", hint)
        if config is None:
            files.names("_posts")
        site, problems = read_site(config, files, self._overrides)
        broken = next((problem for problem in problems if problem.fatal), None)
        if broken:
            raise SourceError(str(broken), hint=broken.hint)
        # A plain folder was looked through for `_posts`; to do so at each poll would cost a look at every file twice.
        # Only where most sites have theirs it is looked for again: then it is no plain folder any more.
        plain = "" in site.scope.roots
        if plain and self.posted:
            hint = "is it mounted, and copied whole? A plain folder is another site: give it a state of its own"
            raise without(self._root, f"{self._root} has no _posts any more", hint)
        needs = {
            path: seen
            for path, seen in files.needs.items()
            if path != "/" and (plain or path != "_posts/")
        }
        self._site, self.problems, self._needs = site, problems, needs
        self.configured |= config is not None
        self.posted |= not plain
        return site
