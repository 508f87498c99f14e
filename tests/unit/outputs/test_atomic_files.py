"""Files that are complete or absent, below a root."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndicator.errors import OutputError
from syndicator.outputs.atomic_files import AtomicFiles

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "path", ["../a.rss", "/etc/passwd", "a/../../b", "a//b", "", "a/" + "b" * 256, "a\0b", "."]
)
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    """A path that leaves the folder, or is not a path, is refused."""
    with pytest.raises(OutputError, match="not a path below"):
        AtomicFiles(tmp_path / "feeds").write(path, b"x", DATE)
    assert os.listdir(tmp_path) == []


def test_temporary_files_of_killed_processes_are_removed(tmp_path: Path) -> None:
    """All other files stay."""
    (tmp_path / "category").mkdir()
    (tmp_path / "category/.syndicator-12-abc").write_text("half")
    (tmp_path / "category/mine").write_text("")
    AtomicFiles(tmp_path).sweep()
    assert os.listdir(tmp_path / "category") == ["mine"]


def test_a_sweep_removes_our_own_files_only(tmp_path: Path) -> None:
    """Other names, links and their targets, folders and FIFOs stay, also in deep folders."""
    root, outside = tmp_path / "feeds", tmp_path / "outside"
    kept = [
        "outside/.syndicator-1-abc",
        "feeds/.syndicator-notes",
        "feeds/x.syndicator-1-abc",
        "feeds/.syndicator-2-abc/x",
    ]
    for name in kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("precious")
    (root / "linked").symlink_to(outside)
    (root / ".syndicator-3-abc").symlink_to(outside / ".syndicator-1-abc")
    os.mkfifo(root / ".syndicator-4-abc")
    _make_deep(root, 300)
    AtomicFiles(root).sweep()
    assert all((tmp_path / name).read_text() == "precious" for name in kept)
    assert {".syndicator-3-abc", ".syndicator-4-abc"} <= set(os.listdir(root))


def _make_deep(root: Path, folders: int) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(folders):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")
def test_a_temporary_file_of_another_user_is_not_swept(tmp_path: Path) -> None:
    """This process's user didn't leave it."""
    (tmp_path / ".syndicator-1-abc").write_text("precious")
    os.chown(tmp_path / ".syndicator-1-abc", 65_534, 65_534)
    AtomicFiles(tmp_path).sweep()
    assert os.listdir(tmp_path) == [".syndicator-1-abc"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    """The error names it and has a hint; no partial file stays."""
    (tmp_path / "a.rss").mkdir()
    with pytest.raises(OutputError, match=r"a\.rss can't be written") as caught:
        AtomicFiles(tmp_path).write("a.rss", b"x", DATE)
    assert caught.value.hint
    assert os.listdir(tmp_path) == ["a.rss"]
