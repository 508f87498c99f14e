"""Scans a folder for documents, and reads them.

A scan is `scandir` and `stat`; it opens no file. It keeps one number for each file, its stat hash:
the hash of its `Stat`, valid within one process. So a million files take eight megabytes, and two
scans are compared as two arrays.
"""

import os
import stat
from array import array
from collections.abc import Callable, Container, Iterable, Mapping
from hashlib import sha1
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator import regular_files
from syndicator.errors import SourceError
from syndicator.model.content import NO_STAT, Document, Problem, Scope, Stat
from syndicator.sources import inode_numbers
from syndicator.sources.compact_paths import CompactPaths
from syndicator.sources.document_folders import MISSING_ERRORS, DocumentFolders, is_removed
from syndicator.sources.document_rules import DocumentRules
from syndicator.sources.file_names import is_below, is_misnamed, printable
from syndicator.sources.file_stats import LATEST_NS, nearest_ns, stat_of
from syndicator.sources.listing import broken_link, listing
from syndicator.sources.refusals import problem_of_closed, problem_of_missing, refused

#: Bytes of a post. A larger file is a mistake or an attack.
MAX_BYTES = 4 * 1024 * 1024

#: How a file begins whose content is in Git LFS (git-lfs, docs/spec.md).
LFS_BEGINNING = b"version https://git-lfs.github.com/spec/"

#: Files between two progress calls of a scan: some milliseconds.
PROGRESS_EVERY = 2000


class FolderScan(Struct, frozen=True):
    """The files seen by one scan."""

    stat_hashes: "array[int]"  #: in the order of the scan
    #: Paths whose stat hash was not among the known ones.
    fresh: CompactPaths = field(default_factory=CompactPaths)
    #: Whether links to folders were followed: their files have another path too.
    linked: bool = False
    #: Paths of folders that this user may not read. Each counts as a document.
    closed: frozenset[str] = frozenset()

    def hides(self, path: str) -> bool:
        """Whether a path is in a closed folder: what is there is unknown."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self.closed:
            folder = folder.rpartition("/")[0]
        return bool(folder)


class SourceFolder:
    """The documents below `root` that `scope` selects."""

    def __init__(self, root: Path, scope: Scope, *, progress_every: int = PROGRESS_EVERY) -> None:
        self.root = root
        self.scope = scope
        self._progress_every = progress_every
        self._rules = DocumentRules(scope)
        self._suffixes = tuple(sorted(scope.suffixes, key=len))  # the shortest is most common
        #: `root` with its links resolved, once: a link may be swapped, and two folders be mixed.
        self.real = os.path.realpath(root)
        self._top = f"{self.real}/"
        self._inodes = inode_numbers.are_lasting(root)

    def scan(
        self,
        known: Container[int] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> FolderScan:
        """Scan all documents.

        `known`: stat hashes of files that are not fresh; None: `fresh` stays empty. `progress` gets
        the number of files so far; what it raises ends the scan. A subfolder that this user may not
        read is a document that can't be read. Raises SourceError if nothing else is found, or if
        the folder can't be read.
        """
        scan = FolderScan(array("q"))
        folders = DocumentFolders(self.root, self.real, self.scope)
        tops = list(folders.tops())[::-1]
        waiting = [*tops]
        while waiting:
            prefix, full = waiting.pop()
            try:
                with listing(full) as entries:
                    below = self._scan_folder(prefix, entries, scan, known, progress)
            except OSError as error:
                if (prefix, full) in tops or not is_removed(full, error):
                    folders.leave_out(prefix.rstrip("/"), full, error)
                continue
            waiting += [
                (f"{prefix}{entry.name}/", f"{full}/{entry.name}")
                for entry in folders.entered(prefix, full, below)
            ]
        _add_closed(folders.closed, scan, known)
        return replace(scan, linked=folders.linked, closed=frozenset(folders.closed))

    def _scan_folder(
        self,
        prefix: str,
        entries: Iterable[os.DirEntry[str]],
        scan: FolderScan,
        known: Container[int] | None,
        progress: Callable[[int], None],
    ) -> list[os.DirEntry[str]]:
        """Add the documents of one folder to a scan. Returns its subfolders."""
        below = []
        # One loop without calls of ours: a poll spends its time here.
        stat_hashes, suffixes, rules = scan.stat_hashes, self._suffixes, self._rules
        inodes = self._inodes
        append = stat_hashes.append
        excludes = rules.may_exclude(prefix)
        for entry in entries:
            name = entry.name
            if not name.isascii() and (shown := printable(name)) != name:
                path = prefix + shown
                stat_hash = hash(NO_STAT._replace(path=path))
            else:
                try:
                    if entry.is_dir():
                        below.append(entry)
                        continue
                except OSError:  # a circular link: reading reports it
                    pass
                path = prefix + name
                if not (name.endswith(suffixes) or rules.is_named(name)) or (
                    excludes and rules.is_excluded(path)
                ):
                    continue
                try:
                    seen = entry.stat()
                except OSError:
                    if (link := broken_link(entry)) is None:
                        continue
                    seen = link
                # As `stat_of`, without a call and a named tuple.
                inode = seen.st_ino if inodes else 0
                mtime, ctime = seen.st_mtime_ns, seen.st_ctime_ns
                mtime = mtime if -LATEST_NS <= mtime <= LATEST_NS else nearest_ns(mtime)
                stat_hash = hash((path, seen.st_size, mtime, ctime, inode))
            append(stat_hash)
            if not len(stat_hashes) % self._progress_every:
                progress(len(stat_hashes))
            if known is not None and stat_hash not in known:
                scan.fresh.add(path)
        return below

    def is_document(self, path: str) -> bool:
        """Whether a scan would include a file of this path, which need not exist."""
        folder, _, name = path.rpartition("/")
        if not self._rules.is_named(name) or self._rules.is_excluded(path):
            return False
        return self._rules.is_entered(folder) and is_below(
            os.path.realpath(self._top + folder), self.real
        )

    def stat(self, path: str) -> Stat | None:
        """Stat one file, or a broken link or misnamed file. None: there is nothing."""
        try:
            try:
                seen = os.stat(self._top + path)
            except OSError:
                if path.rpartition("/")[2].startswith("."):
                    return None
                seen = os.lstat(self._top + path)
        except (OSError, ValueError):
            return NO_STAT._replace(path=path) if is_misnamed(self._top, path) else None
        if stat.S_ISDIR(seen.st_mode):
            return None
        return stat_of(path, seen, inodes=self._inodes)

    def is_hidden(self, path: str) -> bool:
        """Whether this user may not know if there is a document, or a folder of documents."""
        try:
            os.stat(self._top + path)
        except PermissionError:
            return self.is_document(path) or self._rules.is_entered(path)
        except (OSError, ValueError):
            pass
        return False

    def read(self, path: str) -> Document | Problem | None:
        """Read a file. A Problem if it is refused or unreadable; None if it is gone.

        Refused without being opened: files that aren't regular (opening a FIFO hangs), links that
        leave the source, and files over 4 MiB. A file that has a post's name, and the suffix of a
        picture or another format, is refused without a Problem: its data are empty.
        """
        result = self._read(path)
        if isinstance(result, Problem) and (problem := problem_of_closed(self._top, path)):
            return problem
        if isinstance(result, Problem) and not self._rules.has_suffix(path):
            at = self.stat(path)
            return at and Document(
                stat=at, data=b"", digest=sha1(usedforsecurity=False).hexdigest()
            )
        return result

    def _read(self, path: str) -> Document | Problem | None:
        full = f"{self._top}{path}"
        try:
            seen = os.lstat(full)
            if stat.S_ISLNK(seen.st_mode):
                seen = os.stat(full)
                full = os.path.realpath(full)  # opened by this path: the link may change
                if not is_below(full, self.real):
                    hint = "copy the file, or link to one inside the source"
                    return refused(path, "is a link to a file outside the source", hint)
            if not stat.S_ISREG(seen.st_mode):
                return refused(path, "is not a regular file", "move it out of the posts")
            if seen.st_size > MAX_BYTES:
                message = f"has {seen.st_size:,} bytes; a post may have at most {MAX_BYTES:,}"
                return refused(path, message)
            data = regular_files.read_file(full, MAX_BYTES)
        except UnicodeEncodeError:
            if not is_misnamed(self._top, path):
                return None
            hint = "run syndicator in a UTF-8 locale"
            return refused(path, "has a name that this process's locale can't encode", hint)
        except OSError as error:
            if error.errno in MISSING_ERRORS:
                return problem_of_missing(self._top, path)
            return refused(path, f"can't be read: {error.strerror}", "check its permissions")
        if data.startswith(LFS_BEGINNING):
            return refused(path, "is in Git LFS: only its pointer is here", "take it out of it")
        # The stat from before reading: a write in between is a change at the next scan.
        at = stat_of(path, seen, inodes=self._inodes)
        return Document(stat=at, data=data, digest=sha1(data, usedforsecurity=False).hexdigest())


def _add_closed(
    closed: Mapping[str, SourceError], scan: FolderScan, known: Container[int] | None
) -> None:
    """Add folders that this user may not read to a scan. Raises if it found nothing else."""
    for path, error in closed.items():
        if not scan.stat_hashes:
            raise error
        stat_hash = hash(NO_STAT._replace(path=path))
        scan.stat_hashes.append(stat_hash)
        if known is not None and stat_hash not in known:
            scan.fresh.add(path)
