"""What a build, the server and the hub need of an output: a folder, or a bucket."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from syndicator.model.content import FeedFile

#: Size and version as written, by suffix: "" is the file itself; ".gz" and ".br" are its
#: compressed siblings, which only a folder has. The version is a folder's mtime_ns, or a digest of
#: an object's ETag. It says whether something else was written there since.
Disk = Mapping[str, tuple[int, int]]


class OnDisk(NamedTuple):
    """What is at the path of a file that is to be published."""

    date: datetime  #: when it was published: its mtime, or what its object says
    same: bool  #: whether it has the bytes of that file already


class Files(Protocol):
    """Files by their paths in the output."""

    def read(self, path: str, most: int) -> bytes | None:
        """The bytes of a file; None: no file there can be ours. Ours have at most `most` bytes."""

    def read_part(self, path: str, written: tuple[int, int], begin: int, most: int) -> bytes | None:
        """At most `most` bytes of a file, from the byte `begin` on.

        None: it does not have the size and version that it was written with.
        """

    def names(self, folder: str) -> list[str]:
        """What is in a folder of the output; [] if it is missing."""

    def is_file(self, path: str) -> bool:
        """Whether there is a file, not a folder or a link."""

    def begin(self) -> None:
        """Begin a run, which reads the posts afterwards. Raises OutputError.

        Only the thread of the run calls it: what it learns of the output is what the run replaces.
        """

    def sweep(self) -> None:
        """Remove what a killed process left, and look anew at what is there."""


class Output(Protocol):
    """Where feed files are published, complete or absent, each with its date.

    Raises OutputError with the cause and a hint for all that the operator can fix.
    """

    @property
    def files(self) -> Files: ...

    def check_owner(self) -> bool:
        """Raise OutputError if the output belongs to another state. Any thread may ask.

        True: it is marked as this state's.
        """

    def claim(self, now: datetime) -> None:
        """Mark the output as this state's, before the first file. Raises as `check_owner`."""

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Write files, each dated as given, and return what is there of each now."""

    def remove(self, path: str) -> None:
        """Remove a file and its siblings. One that is missing is not an error."""

    def is_intact(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are there as they were written."""

    def on_disk(self, file: FeedFile) -> OnDisk | None:
        """What readers may have seen at a file's path; None: nothing."""

    def published(self, path: str, disk: Disk) -> bytes | None:
        """The bytes of a file; None: it is missing, or can't be the one that was written."""

    def bodies(self, files: Mapping[str, Disk]) -> Mapping[str, Mapping[str, bytes]]:
        """The bytes of files by content coding, as the server sends them.

        Files that are not there as they were written are left out.
        """

    def needs_siblings(self, disk: Disk) -> bool:
        """Whether a file's siblings may differ from those it should have."""

    def write_siblings(self, path: str, disk: Disk) -> Disk | None:
        """Write a file's siblings, and return what is there then. None: the file is not intact."""

    def close_replaced(self) -> None:
        """Free the space of replaced files."""
