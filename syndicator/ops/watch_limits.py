"""Whether the system's limits allow to watch the source: an inotify watch for each folder.

https://man7.org/linux/man-pages/man7/inotify.7.html. Linux only: nothing is reported elsewhere.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from syndicator.model.content import Problem
from syndicator.sources.files_of_tools import is_of_tool

#: Folders that are counted at most: some seconds.
MAX_FOLDERS = 200_000

#: Instances that a daemon opens: for the source, and for the folders that lead to it.
_INSTANCES = 2

_WATCH = re.compile(r"^inotify wd:\S+ ino:([0-9a-f]+) sdev:([0-9a-f]+)", re.MULTILINE)


class Inotify(NamedTuple):
    watches: int
    instances: int


def check_watch_limits(source: Path) -> Iterator[Problem]:
    """Whether this user may watch every folder of the source.

    What already watches the source is not counted: it is a daemon of ours.
    """
    try:
        limits, root = _read_limits(), source.stat()
    except (OSError, ValueError):  # no inotify; `check_folders` reports a missing source
        return
    used = count_usage(_infos_of_this_user(), root)
    yield from find_shortage(source, limits, used, count_folders(source, MAX_FOLDERS))


def find_shortage(source: Path, limits: Inotify, used: Inotify, folders: int) -> Iterator[Problem]:
    """What the limits don't allow. `folders`: of the source, counted up to MAX_FOLDERS."""
    left = max(0, limits.watches - used.watches)
    if folders > left:
        needed = f"{folders:,}" if folders < MAX_FOLDERS else f"at least {folders:,}"
        message = (
            f"{source} needs {needed} inotify watches, one for each folder; "
            f"{left:,} of {limits.watches:,} are left for this user"
        )
        hint = _hint("max_user_watches", used.watches + folders)
        yield Problem(path="source.watch", message=message, hint=hint)
    left = max(0, limits.instances - used.instances)
    if left < _INSTANCES:
        message = (
            f"{source} needs {_INSTANCES} inotify instances; "
            f"{left:,} of {limits.instances:,} are left for this user"
        )
        hint = _hint("max_user_instances", used.instances + _INSTANCES)
        yield Problem(path="source.watch", message=message, hint=hint)


def _hint(limit: str, needed: int) -> str:
    """Twice of what is needed, as a power of two."""
    return (
        f"sysctl fs.inotify.{limit}={1 << (2 * needed - 1).bit_length()}, and the same line in "
        "/etc/sysctl.d/ for the next start; until then each poll finds what changed"
    )


def count_folders(root: Path, at_most: int) -> int:
    """Folders that are watched: a folder and those below it. Stops at `at_most`.

    Links are not followed, and folders of tools are not watched.
    """
    number = 0
    for _, folders, _ in os.walk(root):
        folders[:] = [name for name in folders if not is_of_tool(name)]
        number += 1
        if number >= at_most:
            break
    return number


def _read_limits() -> Inotify:
    folder = Path("/proc/sys/fs/inotify")
    watches, instances = (
        int((folder / name).read_text()) for name in ("max_user_watches", "max_user_instances")
    )
    return Inotify(watches, instances)


def count_usage(infos: Iterable[str], root: os.stat_result) -> Inotify:
    """What these instances have, without those that watch the folder `root`. `infos`: fdinfo."""
    found = [parse_watches(info) for info in infos]
    others = [watches for watches in found if (root.st_ino, root.st_dev) not in watches]
    return Inotify(sum(map(len, others)), len(others))


def _infos_of_this_user() -> Iterator[str]:
    """The fdinfo of each inotify instance (proc_pid_fdinfo(5)).

    Processes that this user may not look into belong to another user, who has limits of their own.
    """
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid != os.geteuid():
                continue
            for descriptor in os.scandir(process / "fd"):
                if os.readlink(descriptor.path) == "anon_inode:inotify":
                    yield (process / "fdinfo" / descriptor.name).read_text()
        except OSError:  # it has ended, or closed the descriptor
            continue


def parse_watches(info: str) -> set[tuple[int, int]]:
    """Inode and device of each watch of an instance. The kernel's devices have 20-bit minors."""
    return {
        (int(inode, 16), os.makedev(int(device, 16) >> 20, int(device, 16) & 0xFFFFF))
        for inode, device in _WATCH.findall(info)
    }
