"""What a commit has, by `git ls-tree`, and what of it is refused or noted. Values only."""

import posixpath
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syndicator.errors import SourceError
from syndicator.model.content import Problem
from syndicator.model.report import count
from syndicator.sources.file_names import printable
from syndicator.sources.folder import LFS_BEGINNING

#: Files of a commit. A site of 100,000 posts has several for each.
MAX_FILES = 500_000

#: Bytes of `git ls-tree`'s output: 250 for each file.
MAX_LISTING = MAX_FILES * 250

#: Bytes of one name, and of a path below the working tree (Linux: NAME_MAX, PATH_MAX).
_MAX_NAME = 255
_MAX_PATH = 3000

#: Submodules that are named one by one.
_MAX_NAMED = 20

#: Suffixes of texts, of which a site has thousands.
_TEXTS = (".md", ".markdown", ".html", ".yml", ".yaml")

#: Bytes of the longest pointer of Git LFS (git-lfs, docs/spec.md).
LFS_MAX_BYTES = 1024


class CommitError(SourceError):
    """A commit can't be checked out, however often it is tried."""


class Entry(NamedTuple):
    """An entry of a commit's tree."""

    mode: str
    path: str
    size: int  #: 0 for a submodule

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")


def parse(output: bytes) -> Iterator[Entry]:
    """The entries in the output of `git ls-tree -r -z --long`."""
    for record in output.split(b"\0"):
        if record:
            fields, _, path = record.partition(b"\t")
            mode, _kind, _object, size = fields.split()
            number = int(size) if size.isdigit() else 0
            yield Entry(mode.decode(), path.decode("utf-8", "surrogateescape"), number)


def check(entries: Sequence[Entry], most: int) -> None:
    """Raise CommitError if a commit has too much. `most`: bytes of all its files."""
    hint = "see source.folder; source.git_max_bytes is the limit"
    if len(entries) > MAX_FILES:
        raise too_many_files()
    total = sum(entry.size for entry in entries)
    if total > most:
        raise CommitError(f"the commit has {total:,} bytes of files", hint=hint)
    for entry in entries:
        data = entry.path.encode("utf-8", "surrogateescape")
        if len(data) > _MAX_PATH or max(map(len, data.split(b"/"))) > _MAX_NAME:
            shown = printable(entry.path[:100])
            message = f"the commit has a path that is too long for this disk: {shown}…"
            raise CommitError(message, hint="rename it in the repository")


def too_many_files() -> CommitError:
    return CommitError(
        f"the commit has more than {MAX_FILES:,} files",
        hint="name the site's part of the repository in source.folder",
    )


def may_be_lfs(entry: Entry) -> bool:
    """Whether a file may be a pointer of Git LFS. Texts may not: reading them reports that."""
    small = len(LFS_BEGINNING) < entry.size < LFS_MAX_BYTES
    return small and entry.is_file and not entry.path.endswith(_TEXTS)


def notes(entries: Sequence[Entry], pointers: Sequence[str]) -> tuple[Problem, ...]:
    """What of a commit is not followed. `pointers`: its files whose content is in Git LFS."""
    submodules = [entry.path for entry in entries if entry.is_submodule]
    found = [
        Problem(
            path=printable(posixpath.normpath(path)),
            message="is a submodule, which is not followed",
            hint="posts in it are not published; name its repository in a config of its own",
            note=True,
        )
        for path in submodules[:_MAX_NAMED]
    ]
    if pointers:
        others = count(len(pointers) - 1, "other file")
        found.append(
            Problem(
                path=printable(pointers[0]),
                message="is in Git LFS, which is not followed: its size in feeds is its pointer's"
                + (f"; so are {others}" if len(pointers) > 1 else ""),
                hint="give the length of an enclosure in front matter",
                note=True,
            )
        )
    return tuple(found)
