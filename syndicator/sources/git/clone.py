"""The folder of a clone: its files, their locks, and the records of what was fetched."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from syndicator.errors import SourceError

if TYPE_CHECKING:
    from syndicator.sources.git.command import Tick

#: Seconds between two attempts at a lock.
_INTERVAL = 0.05

#: No attribute of a repository converts a file: a working tree has the bytes of the commit, and
#: runs no filter (gitattributes(5)). This file wins over those of the repository.
_ATTRIBUTES = "* -text -filter -ident !eol !working-tree-encoding !export-subst\n"


class Clone(Struct, frozen=True, kw_only=True):
    """The paths of a clone. Nothing in it is needed elsewhere: it can be deleted at any time."""

    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "repository.git"

    @property
    def history(self) -> Path:
        """All commits without their files, for `source.git_dates`."""
        return self.folder / "history.git"

    @property
    def tree(self) -> Path:
        """The files of one commit: the site."""
        return self.folder / "tree"

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def has_tree(self) -> bool:
        """Whether there are files, and the index that says which of them git wrote."""
        return self.tree.is_dir() and self.index.is_file()

    def create(self) -> None:
        """Create the folder, for this user only: drafts are not public. Raises SourceError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self.folder, error) from error

    @contextmanager
    def lock(self, name: str, tick: "Tick", seconds: float) -> Iterator[int]:
        """Hold a lock of this clone, and yield its handle, which a child process may inherit.

        A git that outlives a killed process keeps it, so two never work at once. At the end it is
        unlocked, not only closed: a `git credential-cache--daemon` that git started inherits the
        handle, and runs for a quarter of an hour (flock(2)). Raises SourceError if it is held for
        too long.
        """
        self.create()
        until = time.monotonic() + seconds
        try:
            handle = os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(self.folder, error) from error
        try:
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                tick()
                if time.monotonic() > until:
                    hint = "does another syndicator, or a git that hangs, use source.clone?"
                    raise SourceError(f"{self.folder} is in use", hint=hint)
                time.sleep(_INTERVAL)
            yield handle
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

    def read(self, name: str) -> dict[str, Any]:
        """A record; empty: there is none, or a crash left it incomplete."""
        try:
            record = json.loads((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Write a record. Raises SourceError on a full disk."""
        file = self.folder / f"{name}.json"
        temporary = self.folder / f".{name}.new"
        try:
            temporary.write_text(json.dumps(record), encoding="utf-8")
            temporary.replace(file)
        except OSError as error:
            raise unusable(self.folder, error) from error

    def forget(self, name: str) -> None:
        """Delete a record. Raises SourceError."""
        try:
            (self.folder / f"{name}.json").unlink(missing_ok=True)
        except OSError as error:
            raise unusable(self.folder, error) from error

    def discard(self, repository: Path) -> None:
        """Delete one of the two repositories, and what is recorded of it. Raises SourceError."""
        remove_folder(repository)
        self.forget("dates" if repository == self.history else "fetched")


def remove_leftovers(repository: Path) -> None:
    """Delete what a killed git left in a repository: its locks, and packs it was receiving."""
    for lock in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for file in repository.glob(lock):
            file.unlink(missing_ok=True)


def write_attributes(repository: Path) -> None:
    (repository / "info").mkdir(exist_ok=True)
    (repository / "info" / "attributes").write_text(_ATTRIBUTES)


def has_attributes(repository: Path) -> bool:
    """Whether they were written whole. They come last, so then the repository is whole too."""
    try:
        return (repository / "info" / "attributes").read_text() == _ATTRIBUTES
    except OSError:
        return False


def remove_folder(folder: Path) -> None:
    """Delete a folder with all in it, if there is one. Raises SourceError."""
    try:
        if os.path.lexists(folder):
            shutil.rmtree(folder)
    except OSError as error:
        raise unusable(folder, error) from error


def boot_id() -> str:
    """Another value after each start of the machine (random(4)); "": unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def unusable(folder: Path, error: OSError) -> SourceError:
    hint = "check its permissions and the free space; it is source.clone"
    return SourceError(f"{folder} can't be used: {error.strerror}", hint=hint)
