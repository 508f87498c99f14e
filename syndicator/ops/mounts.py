"""Which folders are on a network disk: SQLite's locks and the watcher don't work across machines.

Linux only: other systems have no /proc/self/mountinfo, and nothing is reported there.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from syndicator.model.content import Problem

#: File systems whose files another machine may change: over a network, or from a virtual machine's
#: host. Those in user space are named by their program, as in `fuse.sshfs`.
NETWORK_KINDS = frozenset(
    "9p afs beegfs ceph cifs coda davfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs smb2 smb3 "
    "smbfs vboxsf virtiofs "
    "fuse.ceph fuse.ceph-fuse fuse.cephfs fuse.curlftpfs fuse.davfs2 fuse.gcsfuse fuse.glusterfs "
    "fuse.goofys fuse.grpcfuse fuse.juicefs fuse.moosefs fuse.osxfs fuse.rclone fuse.s3fs "
    "fuse.seaweedfs fuse.smbnetfs fuse.sshfs fuse.vmhgfs-fuse".split()
)

#: A space, tab, line break or backslash in a path.
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    path: str
    kind: str  #: the type of the file system, as `mount -t` has it


def read_mounts() -> list[Mount]:
    """The mounted file systems, as this process sees them; empty where the system doesn't say."""
    try:
        text = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return []
    return parse_mounts(text)


def parse_mounts(text: str) -> list[Mount]:
    """https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) > 4 and kind:
            path = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
            mounts.append(Mount(path, kind))
    return mounts


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The file system that a path without links is on: the deepest one, and of those the last."""
    above = [each for each in mounts if f"{path}/".startswith(f"{each.path.rstrip('/')}/")]
    return max(reversed(above), key=lambda each: len(each.path), default=None)


def check_mounts(
    source: Path, state: Path | None, *, watched: bool, mounts: Sequence[Mount]
) -> Iterator[Problem]:
    """Whether the state or a watched source is on a network disk. `state` None: it is not a file.

    https://www.sqlite.org/wal.html says that WAL does not work over a network file system.
    https://man7.org/linux/man-pages/man7/inotify.7.html says that remote changes are not reported.
    """
    if state and (disk := _network_disk(state.parent, mounts)):
        message = f"{state} is on a network disk ({disk.kind} at {disk.path})"
        hint = (
            "put the state on a local disk, or use PostgreSQL: SQLite's locks and shared memory "
            "may fail there, which damages the state"
        )
        yield Problem(path="state.url", message=message, hint=hint)
    if watched and (disk := _network_disk(source, mounts)):
        message = f"{source} is on a network disk ({disk.kind} at {disk.path})"
        hint = (
            "what other machines change there is found at the next poll: "
            "set source.poll to how long that may take"
        )
        yield Problem(path="source.watch", message=message, hint=hint, note=True)


def _network_disk(folder: Path, mounts: Sequence[Mount]) -> Mount | None:
    mount = mount_of(os.path.realpath(folder), mounts)
    return mount if mount and mount.kind in NETWORK_KINDS else None
