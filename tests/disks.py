"""Disks that are full, read-only or gone: small tmpfs mounts, where this user may mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A small file system mounted at a folder."""

    at: Path

    @property
    def _ballast(self) -> Path:
        return self.at / "ballast"

    def fill(self) -> None:
        """Fill the disk to the last byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink()

    def read_only(self) -> None:
        _mount("-o", "remount,ro", self.at)

    def writable(self) -> None:
        _mount("-o", "remount,rw", self.at)

    def unmount(self) -> None:
        """Unmount it, even while it is in use."""
        subprocess.run(["umount", "--lazy", self.at], check=True, capture_output=True)


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)


@contextmanager
def disks(*places: Path, size: int = 8 * 2**20) -> Iterator[list[Disk]]:
    """Mount disks at these folders until the block ends.

    Skips the test if mounting is not permitted.
    """
    with ExitStack() as mounted:
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
            try:
                _mount("-t", "tmpfs", "-o", f"size={size}", "syndicator-test", place)
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"can't mount a disk: {getattr(error, 'stderr', error)}")
            mounted.callback(_unmount, place)
        yield [Disk(place) for place in places]


def _unmount(place: Path) -> None:
    while os.path.ismount(place):
        subprocess.run(["umount", "--lazy", place], check=True, capture_output=True)
