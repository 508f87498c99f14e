"""A folder of documents on disk: looking, and reading.

A look is `scandir` and `stat`; nothing is opened. What a look sees of a file is kept as one number, its print
(`hash((path, size, mtime_ns))`, good within one process), so that a million files are eight megabytes and
comparing two looks is comparing two arrays.
"""

import errno
import os
import re
import stat
import time
from array import array
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha1
from pathlib import Path

from syndicator import regular_files
from syndicator.errors import SourceError
from syndicator.model.content import Document, Problem, Scope, Stat
from syndicator.sources.compact_paths import CompactPaths

#: A post is text; what is larger is a mistake, or an attack.
MAX_OCTETS = 4 * 1024 * 1024

#: A file changed this recently may change again without its mtime moving; the coarsest clock in use is FAT's.
#: https://git-scm.com/docs/racy-git
GRAIN_NS = 2_000_000_000

#: What opening says of a path that leads to no file.
_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: Files between two tellings of how far a look is: some milliseconds.
_NOW_AND_THEN = 2000

_SPELLED = re.compile(rb"\\x([0-9a-f]{2})")  # as `_shown` spells an octet


@dataclass(frozen=True, slots=True)
class FolderScan:
    """What one look at the folder saw."""

    prints: "array[int]"  #: in the order they were met
    fresh: CompactPaths = field(
        default_factory=CompactPaths
    )  #: paths whose print was not among the known ones
    linked: bool = (
        False  #: whether links to folders were followed: their files have another path too
    )


class SourceFolder:
    """The documents below `root` that `scope` names."""

    def __init__(self, root: Path, scope: Scope) -> None:
        self.root = root
        self.scope = scope
        self._top = f"{root}/"
        self._real = os.path.realpath(root)
        self._linked = False

    def look(
        self,
        known: Container[int] | None = None,
        seen_so_far: Callable[[int], None] = lambda _: None,
    ) -> FolderScan:
        """Look at every document. `known`: the prints that are no news; None: nobody asks what is fresh.

        `seen_so_far` is told, now and then, how many it were; what it raises ends the look. Raises SourceError when the
        folder itself can't be looked at.
        """
        prints: array[int] = array("q")
        append = prints.append
        fresh = CompactPaths()
        suffixes = tuple(sorted(self.scope.suffixes, key=len))  # the shortest is the most common
        folders = list(self._tops())[::-1]
        while folders:
            prefix, full = folders.pop()
            excludes = self._may_exclude(prefix)
            below = []
            try:
                with os.scandir(full) as entries:
                    for entry in entries:
                        name = entry.name
                        if not name.isascii() and (shown := _shown(name)) != name:
                            append(mark := hash((prefix + shown, 0, 0)))
                            if known is not None and mark not in known:
                                fresh.add(prefix + shown)
                            continue
                        try:
                            if entry.is_dir():
                                below.append(entry)
                                continue
                        except OSError:  # a link in a circle: reading it says so
                            pass
                        if not name.endswith(suffixes) or (
                            excludes and self._is_excluded(prefix + name)
                        ):
                            continue
                        try:
                            seen = entry.stat()
                        except OSError:  # a link that can't be followed, which reading says
                            if name.startswith("."):  # by such a link Emacs locks a file
                                continue
                            try:
                                seen = entry.stat(follow_symlinks=False)
                            except FileNotFoundError:
                                continue
                        mark = hash((prefix + name, seen.st_size, seen.st_mtime_ns))
                        append(mark)
                        if not len(prints) % _NOW_AND_THEN:
                            seen_so_far(len(prints))
                        if known is not None and mark not in known:
                            fresh.add(prefix + name)
            except OSError as error:
                raise self._unreadable(full, error) from error
            folders += [
                (f"{prefix}{entry.name}/", entry.path) for entry in self._followed(prefix, below)
            ]
        return FolderScan(prints, fresh, self._linked)

    def is_document(self, path: str) -> bool:
        """Whether a look would count a file of this path, be it there or not."""
        folder, _, name = path.rpartition("/")
        if not name.endswith(self.scope.suffixes) or self._is_excluded(path):
            return False
        return self._is_entered(folder) and is_below(
            os.path.realpath(self._top + folder), self._real
        )

    def _is_entered(self, folder: str) -> bool:
        """Whether a folder is, or is below, a document folder, by the rules that `_search` and `_followed` go by."""
        entered, above = "" in self.scope.roots, ""
        for name in folder.split("/") if folder else ():
            path = above + name
            if entered:
                if not self._is_kept(name, path):
                    return False
            elif name in self.scope.anywhere or path in self.scope.roots:
                entered = True
            elif self.scope.anywhere and not self._is_searched(name, path):
                return False
            above = f"{path}/"
        return entered

    def stat(self, path: str) -> Stat | None:
        """A look at one file, or at what can only be told of: no text for a name, a link to nowhere; None: nothing."""
        try:
            try:
                seen = os.stat(self._top + path)
            except OSError:
                if path.rpartition("/")[2].startswith("."):
                    return None
                seen = os.lstat(self._top + path)
        except (OSError, ValueError):
            return Stat(path=path, size=0, mtime_ns=0) if self._is_misnamed(path) else None
        if stat.S_ISDIR(seen.st_mode):
            return None
        return Stat(path=path, size=seen.st_size, mtime_ns=seen.st_mtime_ns)

    def read(self, path: str) -> Document | Problem | None:
        """The file whole; a Problem when it is no file we read; None when it is gone.

        Refused before they are opened: what isn't a regular file (opening a FIFO hangs), what leads out of the
        source, and what is over 4 MiB.
        """
        full = f"{self._top}{path}"
        try:
            seen = os.lstat(full)
            if stat.S_ISLNK(seen.st_mode):
                seen = os.stat(full)
                full = os.path.realpath(full)  # read there: the link may lead elsewhere by then
                if not is_below(full, self._real):
                    hint = "copy the file, or link to one inside the source"
                    return _refused(path, "is a link that leads out of the source", hint)
            if not stat.S_ISREG(seen.st_mode):
                return _refused(path, "is not a regular file", "move it out of the posts")
            if seen.st_size > MAX_OCTETS:
                return _refused(
                    path, f"is {seen.st_size:,} octets; a post has at most {MAX_OCTETS:,}"
                )
            data = regular_files.read_file(full, MAX_OCTETS)
        except UnicodeEncodeError:
            hint = "let its locale be one of UTF-8"
            return (
                _refused(path, "has a name that this process can't spell", hint)
                if self._is_misnamed(path)
                else None
            )
        except OSError as error:
            if error.errno in _NOWHERE:
                return self._told_of(path)
            return _refused(path, f"can't be read: {error.strerror}", "see its permissions")
        # The stat from before reading: a write that came between shows as a change at the next look.
        at = Stat(path=path, size=seen.st_size, mtime_ns=seen.st_mtime_ns)
        return Document(stat=at, data=data, digest=sha1(data, usedforsecurity=False).hexdigest())

    def _told_of(self, path: str) -> Problem | None:
        """What can be said of a path that leads to no file; None: there is nothing."""
        if os.path.islink(self._top + path):
            return _refused(path, "is a link that leads nowhere", "mend the link, or remove it")
        return (
            _refused(path, "has a name that is not UTF-8", "rename it")
            if self._is_misnamed(path)
            else None
        )

    def _is_misnamed(self, path: str) -> bool:
        """Whether a path stands for something whose name is no text, or none that this process can spell."""
        folder, slash, name = path.rpartition("/")
        octets = _SPELLED.sub(lambda spelled: bytes.fromhex(spelled[1].decode()), _octets(name))
        there = os.fsdecode(octets)
        above = os.fsencode(self._top) + _octets(folder + slash)
        return _shown(there) == name != there and os.path.lexists(above + octets)

    def _tops(self) -> Iterator[tuple[str, str]]:
        """Folders whose whole content is documents: the prefix of their paths (ending in "/", or empty), and where."""
        if self.scope.anywhere:
            yield from self._search()
            return
        for root in self.scope.roots:
            yield f"{root}/" if root else "", os.path.join(self.root, root)

    def _followed(self, prefix: str, below: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
        """Those of a document folder's folders that hold documents too, the last by name first."""
        kept = [
            entry
            for entry in below
            if self._is_kept(entry.name, prefix + entry.name) and self._is_folder(entry)
        ]
        return sorted(kept, key=lambda entry: entry.name, reverse=True)

    def _search(self) -> Iterator[tuple[str, str]]:
        """Look for document folders. Like Jekyll, a folder that begins with `_` or `.` holds none unless named.

        jekyll/entry_filter.rb, jekyll/reader.rb
        """
        seen: set[str] = set()
        waiting = [
            ("", str(self.root))
        ]  # a list and no recursion: folders may be nested deeper than calls
        while waiting:
            path, full = waiting.pop()
            name = path.rpartition("/")[2]
            if path and (name in self.scope.anywhere or path in self.scope.roots):
                yield f"{path}/", full
                continue
            if path and not self._is_searched(name, path):
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
                    (entry.name, entry.path) for entry in entries if self._is_folder(entry)
                )
        except OSError as error:
            if top or not isinstance(error, FileNotFoundError):
                raise self._unreadable(full, error) from error
            return []

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        if _shown(entry.name) != entry.name:
            return False
        if not entry.is_symlink():
            return entry.is_dir()
        # A link is followed as long as it stays inside, and doesn't lead to a folder that it stands in.
        real = os.path.realpath(entry.path)
        here = os.path.realpath(os.path.dirname(entry.path))
        followed = os.path.isdir(real) and is_below(real, self._real) and not is_below(here, real)
        self._linked |= followed
        return followed

    def _is_kept(self, name: str, path: str) -> bool:
        """Whether a folder below a document folder is one too."""
        return not name.startswith(".") and not self._is_excluded(path)

    def _is_searched(self, name: str, path: str) -> bool:
        """Whether document folders are looked for below a folder."""
        return (
            not name.startswith(("_", ".", "#"))
            and not name.endswith("~")
            and not self._is_excluded(path)
        )

    def _is_excluded(self, path: str) -> bool:
        """As Jekyll (entry_filter.rb, `glob_include?`): a glob in which `*` takes slashes, or a path's beginning."""
        return any(
            fnmatchcase(path, one) or f"{path}/".startswith(one) for one in self.scope.exclude
        )

    def _may_exclude(self, prefix: str) -> bool:
        """Whether any glob could match a file in a folder: most excludes name other folders."""
        return any(
            glob.startswith(prefix) or re.search(r"[*?\[]", glob) for glob in self.scope.exclude
        )

    def _unreadable(self, full: str, error: OSError) -> SourceError:
        hint = "is it mounted, and may this user read it?"
        return without(self.root, f"{full} can't be read: {error.strerror}", hint)


def without(root: Path, message: str, hint: str) -> SourceError:
    """The error of what a source lacks. One that went as a whole has one error, whatever is missed first."""
    return SourceError(message, hint=hint) if os.path.isdir(root) else no_folder(root)


def no_folder(root: Path) -> SourceError:
    return SourceError(
        f"{root} is no folder that can be read", hint="see [source] path; is it mounted?"
    )


def _shown(name: str) -> str:
    """A file's name as text: octets that are not UTF-8, which Python has as half characters, are spelled out."""
    return _octets(name).decode("utf-8", "backslashreplace")


def _octets(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _refused(path: str, message: str, hint: str | None = None) -> Problem:
    return Problem(path=path, message=message, hint=hint, fatal=True)


def is_settled(document: Document, now_ns: int | None = None) -> bool:
    """Whether the file's mtime is far enough back that a later change must move it."""
    return abs((time.time_ns() if now_ns is None else now_ns) - document.stat.mtime_ns) > GRAIN_NS


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
