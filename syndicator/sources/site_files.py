"""The files of a site that a post may ask for, and a memory of which were asked for.

This is where a post's reach ends: a path is resolved, links and all, and must lie below the site's root.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from syndicator import regular_files
from syndicator.sources.folder import is_below

#: An include or a data file is text that people wrote.
MAX_OCTETS = 1024 * 1024

#: What was seen of a file when it was asked for: size and mtime_ns. Of a folder's listing: 0 and a number for it.
#: None: it wasn't there.
Seen = tuple[int, int] | None


class FolderFiles:
    """`jekyll.asking.SiteFiles` on disk. `needs` says what was asked for since it was made."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self.needs: dict[str, Seen] = {}

    def text(self, path: str) -> str | None:
        full, _ = self._ask(path)
        if full is None:
            return None
        try:
            return regular_files.read_file(full, MAX_OCTETS).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    def size(self, path: str) -> int | None:
        _, seen = self._ask(path)
        return seen and seen[0]

    def names(self, folder: str) -> tuple[str, ...]:
        found = _names(self._root, folder.strip("/"))
        self.needs[f"{folder.strip('/')}/"] = _listing(found)
        return found

    def _ask(self, path: str) -> tuple[str, tuple[int, int]] | tuple[None, None]:
        """Where a regular file below the root really is, and what was seen of it; None: there is none."""
        folder, path = path.endswith("/"), path.strip("/")
        # What a look would see again; where it leads, only asking looks at.
        self.needs[path] = seen = look_again(self._root, path)
        if seen is None or folder:
            return None, None
        full = os.path.realpath(os.path.join(self._root, path))
        return (full, seen) if is_below(full, self._root) else (None, None)


def unchanged(root: Path, needs: Mapping[str, Seen]) -> bool:
    """Whether everything that was asked for would be answered the same."""
    return all(look_again(str(root), path) == seen for path, seen in needs.items())


def look_again(root: str, path: str) -> Seen:
    """What asking for a path again would see; a path that ends in "/" is a folder's listing."""
    if path.endswith("/"):
        return _listing(_names(root, path.rstrip("/")))
    try:
        seen = os.stat(f"{root}/{path}")
    except (OSError, ValueError):
        return None
    # Where it leads was looked at when it was asked for; here a look must stay as cheap as a poll.
    return (seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None


def _names(root: str, folder: str) -> tuple[str, ...]:
    top = os.path.realpath(os.path.join(root, folder))
    if not is_below(top, root):
        return ()
    found = []
    folders = [(folder, top)]  # a list and no recursion: folders may be nested deeper than calls
    while folders:
        below, here = folders.pop()
        with suppress(OSError), os.scandir(here) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}".lstrip("/")
                if not _is_folder(entry):
                    found.append(path)
                elif not entry.is_symlink():
                    folders.append((path, entry.path))
    return tuple(sorted(found))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _listing(names: tuple[str, ...]) -> Seen:
    digest = blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=7).digest()
    return 0, int.from_bytes(digest)
