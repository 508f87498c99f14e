"""Free disk space where a folder is, or will be created."""

import os
import shutil
from pathlib import Path

#: Bytes. With less free space than this, the next write may fail.
LOW = 16 * 2**20


def nearest_existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    # os.path.exists, since Path.exists raises if a parent folder denies access.
    return next(each for each in (folder, *folder.parents) if os.path.exists(each))


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write on the folder's disk."""
    return shutil.disk_usage(nearest_existing(folder)).free
