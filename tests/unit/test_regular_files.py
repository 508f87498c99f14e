"""Only regular files are opened and read."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from syndicator import regular_files


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        before = os.getcwd()
        os.chdir(place.parent)  # paths of sockets must be short
        try:
            one.bind(place.name)
        finally:
            os.chdir(before)


def handles_of(path: Path) -> list[int]:
    """The handles that this process has of a file, or of what a link leads to."""
    files = list[os.stat_result]()
    for look in (os.stat, os.lstat):
        with suppress(OSError):  # missing, or a link to itself
            files.append(look(path))
    handles = list[int]()
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # that of the listing itself
            opened = os.fstat(int(name))
            if any(os.path.samestat(opened, file) for file in files):
                handles.append(int(name))
    return handles


@pytest.mark.parametrize(
    "plant",
    [
        os.mkfifo,
        _socket,
        Path.mkdir,
        lambda p: p.symlink_to("/dev/zero"),
        lambda p: p.symlink_to(p),
        lambda p: None,
    ],
)
@pytest.mark.parametrize("follow", [False, True])
def test_other_files_are_refused(
    tmp_path: Path, plant: Callable[[Path], object], follow: bool
) -> None:
    """At once, also through a followed link; no handle stays open."""
    plant(tmp_path / "x")
    before = handles_of(tmp_path / "x")
    with pytest.raises(OSError, match="x") as caught:
        regular_files.read_file(tmp_path / "x", 10, follow=follow)
    assert caught.value.errno
    assert handles_of(tmp_path / "x") == before


def test_a_link_is_followed_only_if_asked(tmp_path: Path) -> None:
    """With `follow`; otherwise it is an error."""
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert regular_files.read_file(tmp_path / "link", 3, follow=True) == b"abc"
    with pytest.raises(OSError, match="link"):
        regular_files.read_file(tmp_path / "link", 3)


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000])
def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    """A file over the limit by one byte or by gigabytes is refused, without using memory."""
    (tmp_path / "x").write_bytes(bytes(size))
    assert regular_files.read_file(tmp_path / "x", size) == bytes(size)
    with (tmp_path / "x").open("ab") as file:
        file.truncate(2**36)
    with pytest.raises(OSError, match="too large"):
        regular_files.read_file(tmp_path / "x", size)


def test_a_file_without_a_length_is_read(tmp_path: Path) -> None:
    """Files in /proc have a size of 0."""
    version = Path("/proc/version")
    if not version.exists():
        pytest.skip("no /proc here")
    assert regular_files.read_file(version, 4096) == version.read_bytes()


def test_a_file_is_found_below_a_handle(tmp_path: Path) -> None:
    """With `dir_fd`, the path is relative to an open folder."""
    (tmp_path / "x").write_bytes(b"abc")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        assert regular_files.read_file("x", 3, dir_fd=handle) == b"abc"
    finally:
        os.close(handle)
