"""Which file systems keep the inode numbers of their files."""

import os
from pathlib import Path

import pytest

from syndicator.sources.inode_numbers import are_lasting

MOUNT = "36 35 {device} / /srv rw,noatime {optional}- {kind} source rw"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ext4", True),
        ("btrfs", True),
        ("overlay", True),
        ("nfs4", True),
        ("virtiofs", True),
        ("fuse.sshfs", False),
        ("fuse.rclone", False),
        ("fuseblk", False),
        ("cifs", False),
        ("smb3", False),
        ("vfat", False),
        ("exfat", False),
    ],
)
@pytest.mark.parametrize("optional", ["", "master:1 ", "shared:2 master:1 "])
def test_numbers_by_file_system(tmp_path: Path, kind: str, expected: bool, optional: str) -> None:
    """Of the folder's own device; a mount of another device does not matter."""
    mounts = tmp_path / "mountinfo"
    device = os.stat(tmp_path).st_dev
    lines = [
        MOUNT.format(device=f"{os.major(device)}:{os.minor(device)}", kind=kind, optional=optional),
        MOUNT.format(device="7:77", kind="fuse.sshfs", optional=""),
    ]
    mounts.write_text("\n".join(lines) + "\n")
    assert are_lasting(tmp_path, mounts) is expected


def test_numbers_of_an_unknown_device(tmp_path: Path) -> None:
    """Without /proc, without the folder, with lines of another form; as on btrfs' subvolumes."""
    mounts = tmp_path / "mountinfo"
    assert are_lasting(tmp_path, mounts)
    mounts.write_text("\nno mount\n")
    assert are_lasting(tmp_path, mounts)
    assert are_lasting(tmp_path / "gone", mounts)
    assert are_lasting(tmp_path)
