"""Folders that are opened without following links."""

import os
from pathlib import Path

import pytest

from syndicator.outputs.safe_directories import LinkError, is_linked, opened, walk


def tree(root: Path) -> None:
    """Folders, a link to one of them, and a link to itself."""
    (root / "a/b").mkdir(parents=True)
    (root / "a/file").write_text("")
    (root / "a/link").symlink_to(root / "a/b")
    (root / "circular").symlink_to("circular")


@pytest.mark.parametrize("folder", ["", "a", "a/b"])
def test_a_folder_is_opened(tmp_path: Path, folder: str) -> None:
    """The empty path is the root."""
    tree(tmp_path)
    with opened(tmp_path, folder) as handle:
        assert os.path.samestat(os.fstat(handle), os.stat(tmp_path / folder))


@pytest.mark.parametrize("make", [False, True])
@pytest.mark.parametrize(
    ("folder", "error"),
    [
        ("a/link", LinkError),
        ("a/link/b", LinkError),
        ("circular", LinkError),
        ("a/file", NotADirectoryError),
        ("a/file/b", NotADirectoryError),
    ],
)
def test_no_link_or_file_is_opened(
    tmp_path: Path, folder: str, error: type[OSError], make: bool
) -> None:
    """At any depth, also where missing folders are created."""
    tree(tmp_path)
    with pytest.raises(error), opened(tmp_path, folder, make=make):
        pass


@pytest.mark.parametrize("folder", ["root", "root/c/d"])
def test_missing_folders_are_created_if_asked(tmp_path: Path, folder: str) -> None:
    """The root, too."""
    root, _, below = folder.partition("/")
    with pytest.raises(FileNotFoundError), opened(tmp_path / root, below):
        pass
    with opened(tmp_path / root, below, make=True):
        assert (tmp_path / folder).is_dir()


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", False),
        ("a", False),
        ("a/b", False),
        ("a/link", True),
        ("a/link/b", True),
        ("circular", True),
        ("a/none", False),
    ],
)
def test_a_path_may_have_a_link_anywhere(tmp_path: Path, folder: str, expected: bool) -> None:
    """As its last folder or as one above. What is missing is not a link."""
    tree(tmp_path)
    assert is_linked(tmp_path, folder) is expected


def test_a_walk_enters_folders_only(tmp_path: Path) -> None:
    """The names are those of everything else: files, and links to folders."""
    tree(tmp_path)
    seen = {folder: sorted(names) for folder, _, names in walk(tmp_path)}
    assert seen == {"": ["circular"], "a": ["file", "link"], "a/b": []}


def test_a_walk_has_a_depth(tmp_path: Path) -> None:
    """Another user may nest thousands of folders."""
    (tmp_path / "/".join("d" * 40)).mkdir(parents=True)
    assert max(folder.count("/") for folder, _, _ in walk(tmp_path)) == 32
