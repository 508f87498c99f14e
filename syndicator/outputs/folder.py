"""The folder of feed files, which web servers and hubs read while it changes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from syndicator import regular_files
from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.outputs import safe_directories
from syndicator.outputs.atomic_files import AtomicFiles, folder_of
from syndicator.outputs.compress import siblings, suffixes
from syndicator.outputs.output import Disk, OnDisk
from syndicator.outputs.owner import Claim, FolderMark, Owner, OwnerCheck

_ENCODINGS = ("gzip", "br")
_SIBLINGS = suffixes(_ENCODINGS)

#: Replaced files that are kept open until `close_replaced`, at most.
_MAX_OPEN = 64


class OutputFolder:
    """Feed files below `root`, with compressed siblings if these are smaller.

    Raises OutputError with the cause and a hint for all that the operator can fix.
    """

    def __init__(
        self,
        root: Path,
        compress: Sequence[str],
        own: Callable[[], Owner] | None = None,
        check_lease: Callable[[], None] = lambda: None,
    ) -> None:
        """`own`: returns the state that writes the folder; None: any may.

        `check_lease`: see AtomicFiles.
        """
        self.files = AtomicFiles(root, check_lease)
        self._owner = OwnerCheck(FolderMark(self.files), own) if own else None
        self.compress = tuple(compress)
        # A disk syncs four files at once in the time of one.
        self._pool = ThreadPoolExecutor(4, "write")
        #: Replaced files, kept open: freeing one may take longer than writing one.
        self._replaced: list[int] = []

    def check_owner(self) -> bool:
        """Raise OutputError if the folder belongs to another state. True: it is marked as ours."""
        return self._owner is None or self._owner.check() is not Claim.TAKE

    def claim(self, now: datetime) -> None:
        """Mark the folder as this state's, before the first file. Raises as `check_owner`."""
        if self._owner:
            self._owner.claim(now)

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Write files, each dated as given, and return what is on disk of each now.

        The siblings of a replaced file are removed first, so that a server that prefers them never
        sends an older version after a newer one. `write_siblings` makes new ones. Replaced files
        use disk space until `close_replaced`.
        """
        written = [self._pool.submit(self._replace, file, date) for file, date in files]
        wait(written)  # if one fails too: nothing is still being written when this returns
        disks: list[Disk] = [{"": one.result()} for one in written]
        for folder in {folder_of(file.path) for file, _ in files}:
            self.files.sync_folder(folder)
        return disks

    def close_replaced(self) -> None:
        """Close replaced files so that their disk space is freed."""
        with suppress(IndexError):
            while True:
                os.close(self._replaced.pop())

    def needs_siblings(self, disk: Disk) -> bool:
        """Whether a file's siblings may differ from those it should have."""
        return {"", *suffixes(self.compress)} != disk.keys()

    def write_siblings(self, path: str, disk: Disk) -> Disk | None:
        """Write a file's compressed siblings that are smaller. Returns what is on disk then.

        None: the file is missing, or not as it was written.
        """
        data = self.files.read(path, disk[""][0])
        if data is None or not self.is_intact(path, {"": disk[""]}):
            return None
        date = datetime.fromtimestamp(disk[""][1] // 1_000_000_000, UTC)
        compressed = siblings(data, self.compress)
        for suffix in disk.keys() - compressed.keys() - {""}:
            self.files.remove(path + suffix)
        with self._freeing():
            written = {
                suffix: self.files.write(path + suffix, small, date)
                for suffix, small in compressed.items()
            }
        if written:
            self.files.sync_folder(folder_of(path))
        return {"": disk[""], **written}

    def is_intact(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are on disk as they were written.

        Checked by path because each poll checks each file; reads and writes use open folders.
        """
        linked = safe_directories.is_linked(self.files.root, folder_of(path))
        return not linked and all(
            self.files.stat(path + suffix) == tuple(seen) for suffix, seen in disk.items()
        )

    def published(self, path: str, disk: Disk) -> bytes | None:
        """The bytes of a file; None: no file there can be the one that was written."""
        return self.files.read(path, disk[""][0])

    def bodies(self, files: Mapping[str, Disk]) -> dict[str, dict[str, bytes]]:
        """The bytes of intact files by content coding: "identity" and their siblings'.

        A sibling that is not as it was written is left out.
        """
        found = ((path, _bodies(self, path, disk)) for path, disk in files.items())
        return {path: bodies for path, bodies in found if bodies}

    def on_disk(self, file: FeedFile) -> OnDisk | None:
        """What readers may have seen at a file's path.

        None: nothing, not a regular file, or one with a date that can't be sent.
        """
        linked = safe_directories.is_linked(self.files.root, folder_of(file.path))
        seen = None if linked else self.files.stat(file.path)
        if seen is None:
            return None
        size, mtime_ns = seen
        try:
            date = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
        except (ValueError, OverflowError):  # a year after 9999, which no reader was shown
            return None
        same = size == len(file.data) and self.files.read(file.path, size) == file.data
        return OnDisk(date, same)

    def remove(self, path: str) -> None:
        """Remove a file and its siblings."""
        for suffix in ("", *_SIBLINGS):
            self.files.remove(path + suffix)

    def _replace(self, file: FeedFile, date: datetime) -> tuple[int, int]:
        """Write a file in place of the one before and its siblings."""

        def before_rename(here: int, name: str) -> None:
            for suffix in ("", *_SIBLINGS):
                if len(self._replaced) < _MAX_OPEN:
                    with suppress(OSError):
                        self._replaced.append(regular_files.open_file(name + suffix, dir_fd=here))
            for suffix in _SIBLINGS:
                with suppress(FileNotFoundError):
                    os.unlink(name + suffix, dir_fd=here)

        with self._freeing():
            return self.files.write(file.path, file.data, date, before_rename)

    @contextmanager
    def _freeing(self) -> Iterator[None]:
        """Close replaced files if writing fails: the disk may be full."""
        try:
            yield
        except OutputError:
            self.close_replaced()
            raise


def _bodies(folder: OutputFolder, path: str, disk: Disk) -> dict[str, bytes]:
    data = folder.files.read(path, disk[""][0]) if folder.is_intact(path, {"": disk[""]}) else None
    if data is None:
        return {}
    bodies = {"identity": data}
    for encoding, suffix in zip(_ENCODINGS, _SIBLINGS, strict=True):
        if suffix not in disk:
            continue
        size, mtime_ns = disk[suffix]
        compressed = folder.files.read_part(path + suffix, (size, mtime_ns), 0, size)
        if compressed is not None:
            bodies[encoding] = compressed
    return bodies
