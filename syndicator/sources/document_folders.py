"""Finds the folders that hold documents."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from syndicator.errors import SourceError
from syndicator.model.content import Scope
from syndicator.sources.document_rules import DocumentRules
from syndicator.sources.errors import source_error
from syndicator.sources.file_names import is_below, printable
from syndicator.sources.listing import listing

#: Errors of opening a path that leads to no file.
MISSING_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

#: Where Linux puts what it finds when it repairs a disk: for root only, and there are no posts.
_LOST_AND_FOUND = "lost+found"


class DocumentFolders:
    """The document folders that one scan finds below `real`, which is `root` without links."""

    def __init__(self, root: Path, real: str, scope: Scope) -> None:
        self._root = root
        self._real = real
        self._scope = scope
        self._rules = DocumentRules(scope)
        #: Whether links to folders were followed.
        self.linked = False
        #: By path, folders that this user may not read, and why.
        self.closed: dict[str, SourceError] = {}

    def tops(self) -> Iterator[tuple[str, str]]:
        """Document folders: the prefix of their paths ("" or ending in "/"), and their location."""
        if self._scope.anywhere:
            yield from self._search()
            return
        for root in self._scope.roots:
            yield f"{root}/" if root else "", os.path.join(self._real, root)

    def entered(
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
        waiting = [("", self._real)]
        while waiting:
            path, full = waiting.pop()
            name = path.rpartition("/")[2]
            if path and (name in self._scope.anywhere or path in self._scope.roots):
                yield f"{path}/", full
                continue
            if path and not self._rules.is_searched(name, path):
                continue
            real = os.path.realpath(full) if path and os.path.islink(full) else full
            if real in seen:
                continue
            seen.add(real)
            prefix = f"{path}/" if path else ""
            below = self._subfolders(path, full)
            waiting += [(prefix + name, child) for name, child in reversed(below)]

    def _subfolders(self, path: str, full: str) -> list[tuple[str, str]]:
        try:
            with listing(full) as entries:
                return sorted(
                    (entry.name, f"{full}/{entry.name}")
                    for entry in entries
                    if self._is_folder(entry, full)
                )
        except OSError as error:
            if not path or not isinstance(error, FileNotFoundError):
                self.leave_out(path, full, error)
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
        followed = os.path.isdir(real) and is_below(real, self._real) and not is_below(here, real)
        self.linked |= followed
        return followed

    def leave_out(self, path: str, full: str, error: OSError) -> None:
        """Go on without a folder that this user may not read. Raises SourceError for other errors.

        So for the source itself, which may not be mounted.
        """
        hint = "check that it is mounted and that this user may read it"
        reason = source_error(self._root, f"{full} can't be read: {error.strerror}", hint)
        if not path or not isinstance(error, PermissionError):
            raise reason from error
        if path != _LOST_AND_FOUND:
            self.closed[path] = reason


def is_removed(full: str, error: OSError) -> bool:
    """Whether a folder was removed since the one above it was listed.

    False if that one is gone too: perhaps all posts are being replaced by a newer copy.
    """
    missing = error.errno in MISSING_ERRORS
    return missing and os.path.isdir(os.path.dirname(full)) and not os.path.isdir(full)
