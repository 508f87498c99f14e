"""Scans a folder for documents, and reads them.

A scan is `scandir` and `stat`; it opens no file. It keeps one number for each file, its stat hash:
the hash of its `Stat`, valid within one process. So a million files take eight megabytes, and two
scans are compared as two arrays.
"""

import errno
import os
import stat
from array import array
from collections.abc import Callable, Container, Iterable, Iterator
from hashlib import sha1
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator import regular_files
from syndicator.errors import SourceError
from syndicator.model.content import NO_STAT, Document, Problem, Scope, Stat
from syndicator.sources import inode_numbers
from syndicator.sources.compact_paths import CompactPaths
from syndicator.sources.document_rules import DocumentRules
from syndicator.sources.errors import source_error
from syndicator.sources.file_names import is_misnamed, printable
from syndicator.sources.file_stats import LATEST_NS, nearest_ns, stat_of
from syndicator.sources.listing import broken_link, listing

#: Bytes of a post. A larger file is a mistake or an attack.
MAX_BYTES = 4 * 1024 * 1024

#: How a file begins whose content is in Git LFS (git-lfs, docs/spec.md).
LFS_BEGINNING = b"version https://git-lfs.github.com/spec/"

#: Errors of opening a path that leads to no file.
_MISSING_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: Files between two progress calls of a scan: some milliseconds.
PROGRESS_EVERY = 2000


class FolderScan(Struct, frozen=True):
    """The files seen by one scan."""

    stat_hashes: "array[int]"  #: in the order of the scan
    #: Paths whose stat hash was not among the known ones.
    fresh: CompactPaths = field(default_factory=CompactPaths)
    #: Whether links to folders were followed: their files have another path too.
    linked: bool = False


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
        self._linked = False
        self._inodes = inode_numbers.are_lasting(root)

    def scan(
        self,
        known: Container[int] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> FolderScan:
        """Scan all documents.

        `known`: stat hashes of files that are not fresh; None: `fresh` stays empty. `progress` gets
        the number of files so far; what it raises ends the scan. Raises SourceError if the folder
        can't be read.
        """
        scan = FolderScan(array("q"))
        tops = list(self._tops())[::-1]
        folders = [*tops]
        while folders:
            prefix, full = folders.pop()
            try:
                with listing(full) as entries:
                    below = self._scan_folder(prefix, entries, scan, known, progress)
            except OSError as error:
                if (prefix, full) not in tops and _is_removed(full, error):
                    continue
                raise self._unreadable(full, error) from error
            folders += [
                (f"{prefix}{entry.name}/", f"{full}/{entry.name}")
                for entry in self._entered(prefix, full, below)
            ]
        return replace(scan, linked=self._linked)

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

    def read(self, path: str) -> Document | Problem | None:
        """Read a file. A Problem if it is refused or unreadable; None if it is gone.

        Refused without being opened: files that aren't regular (opening a FIFO hangs), links that
        leave the source, and files over 4 MiB. A file that has a post's name, and the suffix of a
        picture or another format, is refused without a Problem: its data are empty.
        """
        result = self._read(path)
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
                    return _refused(path, "is a link to a file outside the source", hint)
            if not stat.S_ISREG(seen.st_mode):
                return _refused(path, "is not a regular file", "move it out of the posts")
            if seen.st_size > MAX_BYTES:
                message = f"has {seen.st_size:,} bytes; a post may have at most {MAX_BYTES:,}"
                return _refused(path, message)
            data = regular_files.read_file(full, MAX_BYTES)
        except UnicodeEncodeError:
            if not is_misnamed(self._top, path):
                return None
            hint = "run syndicator in a UTF-8 locale"
            return _refused(path, "has a name that this process's locale can't encode", hint)
        except OSError as error:
            if error.errno in _MISSING_ERRORS:
                return self._problem_of_missing(path)
            return _refused(path, f"can't be read: {error.strerror}", "check its permissions")
        if data.startswith(LFS_BEGINNING):
            return _refused(path, "is in Git LFS: only its pointer is here", "take it out of it")
        # The stat from before reading: a write in between is a change at the next scan.
        at = stat_of(path, seen, inodes=self._inodes)
        return Document(stat=at, data=data, digest=sha1(data, usedforsecurity=False).hexdigest())

    def _problem_of_missing(self, path: str) -> Problem | None:
        """The Problem of a path that leads to no file; None: there is nothing at the path."""
        if os.path.islink(self._top + path):
            return _refused(path, "is a broken link", "fix the link, or remove it")
        if is_misnamed(self._top, path):
            return _refused(path, "has a name that is not UTF-8", "rename it")
        return None

    def _tops(self) -> Iterator[tuple[str, str]]:
        """Document folders: the prefix of their paths ("" or ending in "/"), and their location."""
        if self.scope.anywhere:
            yield from self._search()
            return
        for root in self.scope.roots:
            yield f"{root}/" if root else "", os.path.join(self.real, root)

    def _entered(
        self, prefix: str, full: str, below: list[os.DirEntry[str]]
    ) -> list[os.DirEntry[str]]:
        """The subfolders of a document folder that hold documents too, by name, last first."""
        kept = [
            entry
            for entry in below
            if self._rules.is_kept(entry.name, prefix + entry.name) and self._is_folder(entry, full)
        ]
        return sorted(kept, key=lambda entry: entry.name, reverse=True)

    def _search(self) -> Iterator[tuple[str, str]]:
        """Find document folders. As in Jekyll, folders beginning with `_` or `.` have none.

        jekyll/entry_filter.rb, jekyll/reader.rb
        """
        seen: set[str] = set()
        # A list, not recursion: folders may be nested deeper than calls.
        waiting = [("", self.real)]
        while waiting:
            path, full = waiting.pop()
            name = path.rpartition("/")[2]
            if path and (name in self.scope.anywhere or path in self.scope.roots):
                yield f"{path}/", full
                continue
            if path and not self._rules.is_searched(name, path):
                continue
            real = os.path.realpath(full) if path and os.path.islink(full) else full
            if real in seen:
                continue
            seen.add(real)
            prefix = f"{path}/" if path else ""
            below = self._subfolders(full, top=not path)
            waiting += [(prefix + name, child) for name, child in reversed(below)]

    def _subfolders(self, full: str, *, top: bool) -> list[tuple[str, str]]:
        try:
            with os.scandir(full) as entries:
                return sorted(
                    (entry.name, entry.path) for entry in entries if self._is_folder(entry, full)
                )
        except OSError as error:
            if top or not isinstance(error, FileNotFoundError):
                raise self._unreadable(full, error) from error
            return []

    def _is_folder(self, entry: os.DirEntry[str], above: str) -> bool:
        """`above`: the location of its folder."""
        if printable(entry.name) != entry.name:
            return False
        if not entry.is_symlink():
            return entry.is_dir()
        # A link is followed if its target is inside the root and doesn't contain the link.
        real = os.path.realpath(f"{above}/{entry.name}")
        here = os.path.realpath(above)
        followed = os.path.isdir(real) and is_below(real, self.real) and not is_below(here, real)
        self._linked |= followed
        return followed

    def _unreadable(self, full: str, error: OSError) -> SourceError:
        hint = "check that it is mounted and that this user may read it"
        return source_error(self.root, f"{full} can't be read: {error.strerror}", hint)


def _is_removed(full: str, error: OSError) -> bool:
    """Whether a folder was removed since the one above it was listed.

    False if that one is gone too: perhaps all posts are being replaced by a newer copy.
    """
    missing = error.errno in _MISSING_ERRORS
    return missing and os.path.isdir(os.path.dirname(full)) and not os.path.isdir(full)


def _refused(path: str, message: str, hint: str | None = None) -> Problem:
    return Problem(path=path, message=message, hint=hint, fatal=True)


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
