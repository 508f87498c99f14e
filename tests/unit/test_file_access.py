"""Why access to a path is refused."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import disks

from syndicator.file_access import group_name, refusal, user_name


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="syndicator-test-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_nothing_is_refused_to_the_owner(tmp_path: Path) -> None:
    """Of files, folders, and missing files of a folder that this user may write to."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file", tmp_path / "none/below"):
        assert [refusal(path, write=write) for write in (True, False)] == [None, None]


@pytest.mark.parametrize("name", ["", "file", "none/below"])
def test_a_read_only_disk(tmp_path: Path, name: str) -> None:
    """It can be read. What is missing there is on the disk of the nearest folder."""
    with disks(tmp_path / "disk") as (disk,):
        (disk.at / "file").write_text("")
        disk.read_only()
        refused = refusal(disk.at / name, write=True)
        assert refused is not None
        assert refused.message.endswith("is on a read-only disk")
        assert refusal(disk.at / name, write=False) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("modes", "write", "message"),
    [
        ((0o755, 0o600), False, "file belongs to root, and nobody may not read it"),
        ((0o755, 0o644), True, "file belongs to root, and nobody may not write to it"),
        ((0o700, 0o666), False, "folder belongs to root, and nobody may not enter it"),
        ((0o755, 0o644), False, None),
    ],
)
def test_files_of_another_user(
    open_folder: Path, modes: tuple[int, int], write: bool, message: str | None
) -> None:
    """The message names the owner, and the hint how to become that user."""
    file = open_folder / "folder/file"
    file.parent.mkdir()
    file.write_text("")
    for path, mode in zip((file.parent, file), modes, strict=True):
        path.chmod(mode)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        nobody = pwd.getpwnam("nobody").pw_uid
        os.setresuid(nobody, nobody, nobody)
        os.write(writer, "\n".join(refusal(file, write=write) or ["None", ""]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    found, hint = os.read(reader, 4096).decode().split("\n")
    assert found.endswith(message or "None")
    assert ("sudo -u root syndicator" in hint) == bool(message)


def test_names() -> None:
    """A user or group without a name has its number."""
    assert (user_name(0), group_name(0)) == ("root", "root")
    assert (user_name(4_000_000), group_name(4_000_000)) == ("user 4000000", "4000000")
