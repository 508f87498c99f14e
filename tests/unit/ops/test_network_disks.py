"""Which folders are on a network disk."""

from pathlib import Path

import pytest

from syndicator.mounts import Mount
from syndicator.ops.network_disks import check_mounts


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "virtiofs"])
def test_a_state_or_source_on_a_network_disk(tmp_path: Path, kind: str) -> None:
    """A problem of the state, and a note of a watched source: the poll finds its changes."""
    (tmp_path / "link").symlink_to(tmp_path / "share/state")
    mounts = [Mount("8:1", "/", "ext4"), Mount("0:52", str(tmp_path / "share"), kind)]
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
    """Neither they nor a system without mountinfo are reported."""
    for mounts in ([Mount("8:1", "/", kind)], []):
        state = tmp_path / "state.db"
        assert list(check_mounts(tmp_path, state, watched=True, mounts=mounts)) == []
