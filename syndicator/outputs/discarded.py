"""An output that keeps nothing, for a check."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from syndicator.model.content import FeedFile
from syndicator.outputs.folder import Disk, OnDisk, OutputFolder


class DiscardedOutput(OutputFolder):
    """Accepts all files, and writes none. It has none of a process before either."""

    def __init__(self) -> None:
        super().__init__(Path("/dev/null"), compress=())

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        return [{"": (len(file.data), 0)} for file, _ in files]

    def is_intact(self, path: str, disk: Disk) -> bool:
        return True

    def on_disk(self, file: FeedFile) -> OnDisk | None:
        return None

    def remove(self, path: str) -> None:
        pass

    def sweep(self) -> None:
        pass
