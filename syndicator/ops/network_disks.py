"""Which folders are on a network disk: SQLite's locks and the watcher don't work across machines.

Only where the system lists its mounts, as Linux does.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from syndicator.model.content import Problem
from syndicator.mounts import Mount, mount_of

#: File systems whose files another machine may change: over a network, or from a virtual machine's
#: host. Those in user space are named by their program, as in `fuse.sshfs`.
NETWORK_KINDS = frozenset(
    "9p afs beegfs ceph cifs coda davfs glusterfs gpfs lustre ncpfs nfs nfs4 orangefs smb2 smb3 "
    "smbfs vboxsf virtiofs "
    "fuse.ceph fuse.ceph-fuse fuse.cephfs fuse.curlftpfs fuse.davfs2 fuse.gcsfuse fuse.glusterfs "
    "fuse.goofys fuse.grpcfuse fuse.juicefs fuse.moosefs fuse.osxfs fuse.rclone fuse.s3fs "
    "fuse.seaweedfs fuse.smbnetfs fuse.sshfs fuse.vmhgfs-fuse".split()
)


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
