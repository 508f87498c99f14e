"""Gives posts access to the files of their site, and records which files they used.

Posts can't reach other files: a path with its links resolved must be below the site's root.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from syndicator import regular_files
from syndicator.model.content import FileState
from syndicator.sources.folder import is_below

#: Bytes of an include: text written by people.
MAX_BYTES = 1024 * 1024


class FolderFiles:
    """The `model.lookups.SiteFiles` on disk. `needs` has the files used so far, and their state.

    A file of the theme has its full path there.
    """

    def __init__(self, root: Path, theme: Path | None = None) -> None:
        self._root = os.path.realpath(root)
        self._theme = None if theme is None else os.path.realpath(theme)
        self.needs: dict[str, FileState] = {}

    def text(self, path: str, max_bytes: int = MAX_BYTES) -> str | None:
        full, _ = self._use(path)
        return None if full is None else _text(full, max_bytes)

    @property
    def has_theme(self) -> bool:
        return self._theme is not None

    def theme_text(self, path: str) -> str | None:
        if self._theme is None:
            return None
        full = f"{self._theme}/{path.strip('/')}"
        self.needs[full] = seen = current_state(self._root, full)
        real = os.path.realpath(full) if seen is not None else ""
        return _text(real) if real and is_below(real, self._theme) else None

    def size(self, path: str) -> int | None:
        _, seen = self._use(path)
        return seen and seen[0]

    def names(self, folder: str) -> tuple[str, ...]:
        names = _names(self._root, folder.strip("/"))
        self.needs[f"{folder.strip('/')}/"] = _listing(names)
        return names

    def _use(self, path: str) -> tuple[str, tuple[int, int]] | tuple[None, None]:
        """The real path of a regular file below the root, and its state. None: no such file."""
        folder, path = path.endswith("/"), path.strip("/")
        # The same state that `current_state` compares; only here the links are resolved.
        self.needs[path] = seen = current_state(self._root, path)
        if seen is None or folder:
            return None, None
        full = os.path.realpath(os.path.join(self._root, path))
        return (full, seen) if is_below(full, self._root) else (None, None)


def _text(full: str, max_bytes: int = MAX_BYTES) -> str | None:
    try:
        return regular_files.read_file(full, max_bytes).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


def unchanged(root: Path, needs: Mapping[str, FileState]) -> bool:
    """Whether all of the files used are in the state they were in."""
    return all(current_state(str(root), path) == seen for path, seen in needs.items())


def current_state(root: str, path: str) -> FileState:
    """The state of a file now; a path that ends in "/" is a folder's listing.

    A path that begins with "/" is outside of the root: a file of the theme.
    """
    if path.endswith("/"):
        return _listing(_names(os.path.realpath(root), path.rstrip("/")))
    try:
        seen = os.stat(path if path.startswith("/") else f"{root}/{path}")
    except (OSError, ValueError):
        return None
    # Links were resolved when the file was used. Each poll calls this, so it must be cheap.
    return (seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None


def _names(root: str, folder: str) -> tuple[str, ...]:
    """The files in a folder. `root` has no links."""
    top = os.path.realpath(os.path.join(root, folder))
    if not is_below(top, root):
        return ()
    files = []
    folders = [(folder, top)]  # a list, not recursion: folders may be nested deeper than calls
    while folders:
        below, here = folders.pop()
        with suppress(OSError), os.scandir(here) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}".lstrip("/")
                if not _is_folder(entry):
                    files.append(path)
                elif not entry.is_symlink():
                    folders.append((path, entry.path))
    return tuple(sorted(files))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link
        return False


def _listing(names: tuple[str, ...]) -> FileState:
    digest = blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=7).digest()
    return 0, int.from_bytes(digest)
