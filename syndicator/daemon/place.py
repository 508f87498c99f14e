"""Where the path of a folder leads, and by way of which links."""

import os

#: Links followed for one path: as many as Linux follows (path_resolution(7)).
_MAX_LINKS = 40

#: The folder that a path leads to: its path without links, its device and inode. None: none.
Place = tuple[str, int, int] | None


def place_of(path: str) -> Place:
    """Where a path leads now. Another place is another folder, also at the same path."""
    real = os.path.realpath(path)
    try:
        seen = os.stat(real)
    except (OSError, ValueError):
        return None
    return real, seen.st_dev, seen.st_ino


def names_on_the_way(path: str) -> set[str]:
    """The paths whose replacement changes where an absolute path leads.

    Those of each link on the way, in folders without links, and of the folder at its end, or of
    what is missing on the way.
    """
    names: set[str] = set()
    here, waiting, links = "/", path.split("/")[::-1], 0
    while waiting:
        name = waiting.pop()
        if name == "..":
            here = os.path.dirname(here)
        if name in ("", ".", ".."):
            continue
        full = os.path.join(here, name)
        try:
            target = os.readlink(full)
        except OSError:  # not a link
            here = full
            if not os.path.lexists(full):
                break
            continue
        names.add(full)
        links += 1
        if links > _MAX_LINKS:
            return names
        waiting += target.split("/")[::-1]
        if target.startswith("/"):
            here = "/"
    return names | {here}
