"""Gives posts access to the files of their site, and records which files they used.

Posts can't reach other files: a path with its links resolved must be below the site's root.
"""

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from syndicator import regular_files
from syndicator.model.content import FileState, Stat
from syndicator.sources.file_names import is_below
from syndicator.sources.file_stats import is_settled, stat_of

#: Bytes of an include: text written by people. A larger file is compared by its stat.
MAX_BYTES = 1024 * 1024


def needs_text(state: FileState) -> bool:
    """Whether a state has the text of a file, or the listing of a folder."""
    return state is not None and state[1] != 0


def is_outdated(used: FileState, now: FileState) -> bool:
    """Whether a file differs from what was used of it: its text, or its size alone."""
    if used is None or now is None:
        return used is not now
    return used[0] != now[0] or (needs_text(used) and used[1] != now[1])


class FileStates:
    """The states of files now. A text is read only if its stat differs from the last one."""

    def __init__(self, root: Path, theme: Path | None = None) -> None:
        self._root = root
        self._theme = theme
        self._texts: dict[str, tuple[Stat, FileState]] = {}

    def now(self, path: str, *, text: bool) -> FileState:
        """The state of a file; a path that ends in "/" is a folder's listing.

        A path that begins with "/" is a file of the theme. `text`: whether more than its size is
        wanted.
        """
        if path.endswith("/"):
            return _listing(_names(os.path.realpath(self._root), path.rstrip("/")))
        now_ns = time.time_ns()
        is_ours = not path.startswith("/")
        full = f"{self._root}/{path}" if is_ours else path
        # Each poll calls this, so an unchanged file costs one stat.
        seen = _stat(full)
        if seen is None or not text:
            return seen and (seen.size, 0)
        known = self._texts.get(path)
        if known and known[0] == seen:
            return known[1]
        folder = self._root if is_ours else self._theme
        data = _bytes_below(os.path.realpath(folder or "/"), full, seen)
        state = _state(seen, data)
        if data is not None and is_settled(seen, now_ns):
            self._texts[path] = seen, state
        return state

    def are_unchanged(self, needs: Mapping[str, FileState]) -> bool:
        """Whether all of the files used are as they were."""
        return not any(
            is_outdated(used, self.now(path, text=needs_text(used))) for path, used in needs.items()
        )


class FolderFiles:
    """The `model.lookups.SiteFiles` on disk. `needs` has the files used so far, and their state.

    A file of the theme has its full path there.
    """

    def __init__(self, root: Path, theme: Path | None = None) -> None:
        self._root = os.path.realpath(root)
        self._theme = None if theme is None else os.path.realpath(theme)
        self.needs: dict[str, FileState] = {}

    def text(self, path: str, max_bytes: int = MAX_BYTES) -> str | None:
        name = path.strip("/")
        text = self._text(name, f"{self._root}/{name}", self._root, max_bytes)
        return None if path.endswith("/") else text

    @property
    def has_theme(self) -> bool:
        return self._theme is not None

    def theme_text(self, path: str) -> str | None:
        if self._theme is None:
            return None
        full = f"{self._theme}/{path.strip('/')}"
        return self._text(full, full, self._theme, MAX_BYTES)

    def size(self, path: str) -> int | None:
        name = path.strip("/")
        full = f"{self._root}/{name}"
        seen = _stat(full)
        self.needs.setdefault(name, seen and (seen.size, 0))
        if seen is None or path.endswith("/") or not is_below(os.path.realpath(full), self._root):
            return None
        return seen.size

    def names(self, folder: str) -> tuple[str, ...]:
        names = _names(self._root, folder.strip("/"))
        self.needs[f"{folder.strip('/')}/"] = _listing(names)
        return names

    def _text(self, name: str, full: str, folder: str, max_bytes: int) -> str | None:
        """The text of a file below a folder, recorded under its name."""
        seen = _stat(full)
        if seen is None:
            self.needs[name] = None
            return None
        data = _bytes_below(folder, full, seen, max_bytes)
        self.needs[name] = _state(seen, data)
        try:
            return None if data is None else data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None


def _stat(full: str) -> Stat | None:
    """The stat of a regular file; None: there is none."""
    try:
        seen = os.stat(full)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    return stat_of(full, seen, inodes=True)


def _bytes_below(folder: str, full: str, seen: Stat, most: int = MAX_BYTES) -> bytes | None:
    """The bytes of a file; None: it is too large, can't be read, or a link leads out of a folder.

    `folder`: without links.
    """
    real = os.path.realpath(full)
    if seen.size > most or not is_below(real, folder):
        return None
    try:
        return regular_files.read_file(real, most)
    except OSError:
        return None


def _state(seen: Stat, data: bytes | None) -> FileState:
    """The state of a file whose text was wanted.

    A large file, and one that was not read, is known by its stat alone: the other permissions
    of a file that could not be read change its ctime.
    """
    if data is None or len(data) > MAX_BYTES:
        data = repr(seen[1:]).encode()
    return seen.size, _digest(data)


def _digest(data: bytes) -> int:
    """Never 0, which stands for no text."""
    return int.from_bytes(blake2b(data, digest_size=7).digest()) or 1


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
    return 0, _digest("\0".join(names).encode("utf-8", "surrogateescape"))
