"""An output that keeps nothing, for `check` and `preview`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from syndicator.model.content import FeedFile
from syndicator.outputs.atomic_files import AtomicFiles
from syndicator.outputs.folder import OutputFolder
from syndicator.outputs.output import Disk, OnDisk


class DiscardedOutput(OutputFolder):
    """Accepts all files, and writes and removes none."""

    def __init__(self, published: Path | None = None) -> None:
        """`published`: the folder whose files readers have, which are read; None: they have none.

        Without a folder, files that were written count as intact.
        """
        super().__init__(published or Path("/dev/null"), compress=())
        self._has_files = published is not None
        self.files = _ReadFiles(self.files.root)

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        return [{"": (len(file.data), 0)} for file, _ in files]

    def needs_siblings(self, disk: Disk) -> bool:
        return False

    def is_intact(self, path: str, disk: Disk) -> bool:
        return super().is_intact(path, disk) if self._has_files else True

    def on_disk(self, file: FeedFile) -> OnDisk | None:
        return None

    def remove(self, path: str) -> None:
        pass


class _ReadFiles(AtomicFiles):
    """Files that are only read."""

    def write(
        self,
        path: str,
        data: bytes,
        date: datetime,
        before_rename: Callable[[int, str], None] = lambda here, name: None,
        mode: int = 0o666,
    ) -> tuple[int, int]:
        return len(data), 0

    def remove(self, path: str) -> None:
        pass

    def sync_folder(self, folder: str) -> None:
        pass

    def sweep(self) -> None:
        pass
