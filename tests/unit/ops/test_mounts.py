"""Which folders are on a network disk."""

from pathlib import Path

import pytest
from disks import disks

from syndicator.ops.mounts import Mount, check_mounts, mount_of, parse_mounts, read_mounts

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
    assert MOUNTS[:2] == [Mount("/", "ext4"), Mount("/srv/state", "nfs4")]
    assert MOUNTS[3] == Mount("/home/ann/my site", "fuse.sshfs")


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
    assert mount == Mount(str(tmp_path / "a disk"), "tmpfs")


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "virtiofs"])
def test_a_state_or_source_on_a_network_disk(tmp_path: Path, kind: str) -> None:
    """A problem of the state, and a note of a watched source: the poll finds its changes."""
    (tmp_path / "link").symlink_to(tmp_path / "share/state")
    mounts = [Mount("/", "ext4"), Mount(str(tmp_path / "share"), kind)]
    source, state = tmp_path / "share/site", tmp_path / "link/state.db"
    problem, note = check_mounts(source, state, watched=True, mounts=mounts)
    assert (problem.path, problem.note, note.path, note.note) == (
        "state.url", False, "source.watch", True,
    )  # fmt: skip
    assert f"{kind} at {tmp_path / 'share'}" in problem.message
    assert "PostgreSQL" in (problem.hint or "")
    assert "source.poll" in (note.hint or "")
    assert list(check_mounts(source, None, watched=False, mounts=mounts)) == []


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "zfs", "overlay", "tmpfs", "fuseblk"])
def test_local_disks(tmp_path: Path, kind: str) -> None:
    """They are no problem, and neither is a system without mountinfo."""
    for mounts in ([Mount("/", kind)], []):
        state = tmp_path / "state.db"
        assert list(check_mounts(tmp_path, state, watched=True, mounts=mounts)) == []
