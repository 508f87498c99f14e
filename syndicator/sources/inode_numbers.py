"""Whether a file keeps its inode number, so that another number means another file.

Some file systems make numbers up while they have a file in memory: FUSE ones without `use_ino`,
SMB without `serverino`, FAT and exFAT (fuse(8), mount.cifs(8); Linux `iunique`). Compared there,
each poll would read files that nobody touched. git has `core.checkStat = minimal` for the same
reason (git-config(1)).
"""

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

_UNSTABLE = ("cifs", "exfat", "fuse", "msdos", "smb3", "vfat")


def are_lasting(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether files in a folder keep their numbers. A file system that isn't listed does.

    `mounts`: as proc_pid_mountinfo(5) describes it.
    """
    try:
        device = os.stat(folder).st_dev
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:  # not Linux, or the folder is missing, which the scan reports
        return True
    wanted = f"{os.major(device)}:{os.minor(device)}"
    return not any(_kind(line, wanted).startswith(_UNSTABLE) for line in lines)


def _kind(line: str, device: str) -> str:
    """The type of the file system of one mount; "" if it is of another device.

    `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`: the optional fields end at
    the first separate hyphen.
    """
    fields, _, rest = line.partition(" - ")
    return rest.split(" ", 1)[0] if fields.split(" ")[2:3] == [device] else ""
