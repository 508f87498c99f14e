"""The mounted file systems, and which of them a path is on."""

from pathlib import Path

import pytest
from disks import disks

from syndicator.mounts import Mount, mount_of, parse_mounts, read_mounts

MOUNTINFO = r"""27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
36 35 98:0 /mnt1 /srv/state rw,noatime master:1 shared:2 - nfs4 nas:/export rw
50 27 0:52 / /srv/state/local rw - tmpfs tmpfs rw
51 27 0:53 / /home/ann/my\040site rw - fuse.sshfs ann@host: rw
52 27 0:54 / /over rw - ext4 /dev/vdb rw
53 52 0:55 / /over rw - cifs //nas/share rw
"""
MOUNTS = parse_mounts(MOUNTINFO)


def test_mountinfo() -> None:
    """The mount point and the type, with any number of optional fields between (proc(5))."""
    assert MOUNTS[:2] == [Mount("254:0", "/", "ext4"), Mount("98:0", "/srv/state", "nfs4")]
    assert MOUNTS[3] == Mount("0:53", "/home/ann/my site", "fuse.sshfs")


def test_a_path_with_another_character_that_ends_lines() -> None:
    """The kernel escapes a line feed, and no other of Unicode's line ends."""
    (mount,) = parse_mounts("36 35 98:0 / /srv/a\u2028b rw - ext4 /dev/vda rw\n")
    assert mount.path == "/srv/a\u2028b"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/state", "nfs4"),
        ("/srv/state/deep/down", "nfs4"),
        ("/srv/state/local/x", "tmpfs"),
        ("/srv/stately", "ext4"),
        ("/over/x", "cifs"),
    ],
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """The deepest mount, and of two at one place the later."""
    mount = mount_of(path, MOUNTS)
    assert mount is not None
    assert mount.kind == kind


def test_a_real_mount_is_found(tmp_path: Path) -> None:
    """Also at a path with a space, and through a link."""
    with disks(tmp_path / "a disk") as (disk,):
        (tmp_path / "link").symlink_to(disk.at)
        mount = mount_of(str((tmp_path / "link").resolve()), read_mounts())
    assert mount is not None
    assert (mount.path, mount.kind) == (str(tmp_path / "a disk"), "tmpfs")
