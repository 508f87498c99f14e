"""Whether a file keeps its inode number, so that another number means another file.

Some file systems make numbers up while they have a file in memory: FUSE ones without `use_ino`,
SMB without `serverino`, FAT and exFAT (fuse(8), mount.cifs(8); Linux `iunique`). Compared there,
each poll would read files that nobody touched. git has `core.checkStat = minimal` for the same
reason (git-config(1)).
"""

import os
from pathlib import Path

from syndicator.mounts import MOUNTINFO, read_mounts

_UNSTABLE = ("cifs", "exfat", "fuse", "msdos", "smb3", "vfat")


def are_lasting(folder: Path, mountinfo: Path = MOUNTINFO) -> bool:
    """Whether files in a folder keep their numbers. A file system that isn't listed does."""
    try:
        device = os.stat(folder).st_dev
    except OSError:  # the folder is missing, which the scan reports
        return True
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = [mount.kind for mount in read_mounts(mountinfo) if mount.device == wanted]
    return not any(kind.startswith(_UNSTABLE) for kind in kinds)
