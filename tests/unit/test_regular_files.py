"""Reads of regular files only."""

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
        os.chdir(place.parent)  # a socket's path is short
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
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, plant: Callable[[Path], object], follow: bool
) -> None:
    """At once, also where a link is followed; no handle is left open."""
    plant(tmp_path / "x")
    before = handles_of(tmp_path / "x")
    with pytest.raises(OSError, match="x") as caught:
        regular_files.read_file(tmp_path / "x", 10, follow=follow)
    assert caught.value.errno
    assert handles_of(tmp_path / "x") == before


def test_a_link_is_followed_where_it_is_wanted(tmp_path: Path) -> None:
    """And nowhere else."""
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert regular_files.read_file(tmp_path / "link", 3, follow=True) == b"abc"
    with pytest.raises(OSError, match="link"):
        regular_files.read_file(tmp_path / "link", 3)


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000])
def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path, size: int) -> None:
    """One byte more than wanted is too many, and costs no memory."""
    (tmp_path / "x").write_bytes(bytes(size))
    assert regular_files.read_file(tmp_path / "x", size) == bytes(size)
    with (tmp_path / "x").open("ab") as file:
        file.truncate(2**36)
    with pytest.raises(OSError, match="too large"):
        regular_files.read_file(tmp_path / "x", size)


def test_a_file_without_a_length_is_read(tmp_path: Path) -> None:
    """Linux says of what stands in /proc that it is empty."""
    cpu = Path("/proc/version")
    if not cpu.exists():
        pytest.skip("no /proc here")
    assert regular_files.read_file(cpu, 4096) == cpu.read_bytes()


def test_a_file_is_found_below_a_handle(tmp_path: Path) -> None:
    """As those in an open folder are."""
    (tmp_path / "x").write_bytes(b"abc")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        assert regular_files.read_file("x", 3, dir_fd=handle) == b"abc"
    finally:
        os.close(handle)
