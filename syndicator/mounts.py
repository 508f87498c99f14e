"""The mounted file systems, as Linux lists them for a process."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MOUNTINFO = Path("/proc/self/mountinfo")

#: A space, tab, line break or backslash in a path.
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    device: str  #: as `major:minor`
    path: str
    kind: str  #: the type of the file system, as `mount -t` has it


def read_mounts(mountinfo: Path = MOUNTINFO) -> list[Mount]:
    """The mounted file systems; empty on systems other than Linux, which don't list them there."""
    try:
        text = mountinfo.read_text("utf-8", "surrogateescape")
    except OSError:
        return []
    return parse_mounts(text)


def parse_mounts(text: str) -> list[Mount]:
    """https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""
    mounts = []
    for line in text.split("\n"):  # a path may contain other characters that end lines elsewhere
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) > 4 and kind:
            path = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
            mounts.append(Mount(fields[2], path, kind))
    return mounts


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The file system that a path without links is on: the deepest one, and of those the last."""
    above = [each for each in mounts if f"{path}/".startswith(f"{each.path.rstrip('/')}/")]
    return max(reversed(above), key=lambda each: len(each.path), default=None)
