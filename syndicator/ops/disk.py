"""What room is left on a disk."""

import os
import shutil
from pathlib import Path

#: Octets. With less than this on a disk, the next write may fail.
LITTLE = 16 * 2**20


def nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    # os.path's, since that of Path raises where a folder is closed to this user.
    return next(each for each in (folder, *folder.parents) if os.path.exists(each))


def free(folder: Path) -> int:
    """Octets that this user may still write where the folder is, or will be."""
    return shutil.disk_usage(nearest(folder)).free
