"""Brings the working tree of a clone to a commit.

Only files that differ are written. The others keep their inode and times, so a scan finds only what
the commits between changed. A record names the commit whose files the tree has. It is deleted
before the first file is written, and written after the last: a tree without a record may be half of
a commit, and is made from nothing.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.content import Problem
from syndicator.sources.folder import LFS_BEGINNING
from syndicator.sources.git import listing
from syndicator.sources.git.clone import Clone, boot_id, remove_folder, unusable
from syndicator.sources.git.command import Git, GitFailed, TooMuchOutput
from syndicator.sources.git.failures import first_message
from syndicator.sources.git.fetch import clone_error

_RECORD = "tree"


class CheckedOut(Struct, frozen=True, kw_only=True):
    """The commit in the working tree."""

    commit: str
    notes: tuple[Problem, ...] = ()


def check_out(
    clone: Clone, commit: str, folder: str, local: Git, *, most: int, dates: Mapping[str, int]
) -> CheckedOut:
    """Bring the tree to a commit's folder ("": all of it). The caller holds the lock of the tree.

    `dates`: the times that files get, in seconds, by their path in the repository; others have the
    time when they were written. Raises SourceError. The tree is then as it was, unless a file could
    not be written.
    """
    git = replace(local, folder=clone.repository, tree=clone.tree, index=clone.index)
    record = clone.read(_RECORD)
    wanted = {"commit": commit, "folder": folder, "dated": bool(dates)}
    boot = boot_id()
    if is_current(record, wanted, boot) and clone.tree.is_dir():
        return CheckedOut(commit=commit, notes=_notes_of(record))
    name = f"{commit}:{folder}"
    entries = list_commit(clone, git, commit, folder, most)
    try:
        for left in clone.folder.glob("index*.lock"):  # by a git that was killed
            left.unlink(missing_ok=True)
        # A power cut may have taken back files, of which the record knows nothing.
        whole = bool(record) and record.get("boot") == boot and clone.has_tree
        whole = whole or _is_as_recorded(clone, git, record)
        _try(replace(git, tree=None, index=clone.folder / "index.trial"), name)
        clone.forget(_RECORD)
        if whole:
            git.run("read-tree", "--reset", "-u", name)
        else:
            _from_nothing(clone, git, name)
    except OSError as error:
        raise unusable(clone.folder, error) from error
    except GitFailed as error:
        raise clone_error(clone, clone.repository, error) from error
    _set_times(clone.tree, f"{folder}/" if folder else "", entries, dates)
    notes = listing.notes(entries, _lfs_pointers(clone.tree, entries))
    clone.write(_RECORD, wanted | {"boot": boot, "notes": [_as_dict(note) for note in notes]})
    return CheckedOut(commit=commit, notes=notes)


def is_current(record: Mapping[str, Any], wanted: Mapping[str, Any], boot: str) -> bool:
    """Whether the tree has what is wanted, for certain: since then the machine did not restart."""
    return record.get("boot") == boot and all(record.get(key) == wanted[key] for key in wanted)


def has_commit(clone: Clone, commit: str) -> bool:
    """Whether the tree has a commit, whole and for certain."""
    return is_current(clone.read(_RECORD), {"commit": commit}, boot_id()) and clone.tree.is_dir()


def list_commit(
    clone: Clone, local: Git, commit: str, folder: str, most: int
) -> list[listing.Entry]:
    """The entries of a commit's folder. Raises CommitError if it has too much.

    Arguments are those of `check_out`.
    """
    git = replace(local, folder=clone.repository)
    name = f"{commit}:{folder}"
    try:
        output = git.run(
            "ls-tree", "-r", "-z", "--long", "--full-tree", name, most=listing.MAX_LISTING
        )
    except TooMuchOutput:
        raise listing.too_many_files() from None
    except GitFailed as error:
        if folder and _has(git, f"{commit}^{{tree}}"):
            message = f"commit {commit[:12]} has no folder {folder}"
            raise listing.CommitError(message, hint="check source.folder") from error
        raise clone_error(clone, clone.repository, error) from error
    entries = list(listing.parse(output))
    listing.check(entries, most)
    return entries


def _has(git: Git, name: str) -> bool:
    try:
        git.run("cat-file", "-e", name)
    except GitFailed:
        return False
    return True


def _try(git: Git, name: str) -> None:
    """Read a commit into an index, before any file is written.

    Raises CommitError if it has a name that no working tree may have, such as `.git`.
    """
    try:
        git.run("read-tree", name)
    except GitFailed as error:
        if "invalid path" not in str(error):
            raise
        message = f"the commit has a name that git refuses ({first_message(str(error))})"
        raise listing.CommitError(message, hint="rename it in the repository") from error


def _is_as_recorded(clone: Clone, git: Git, record: dict[str, Any]) -> bool:
    """Whether the tree has the bytes of the recorded commit: all of them are read."""
    if not record or not clone.tree.is_dir():
        return False
    try:
        clone.index.unlink(missing_ok=True)
        git.run("read-tree", f"{record.get('commit')}:{record.get('folder')}")
        git.run("update-index", "-q", "--refresh")
    except OSError as error:
        raise unusable(clone.folder, error) from error
    except GitFailed:
        return False
    return True


def _from_nothing(clone: Clone, git: Git, name: str) -> None:
    """Write all files. Those that are there go first: they may be what fills the disk."""
    new = clone.folder / "tree.new"
    try:
        remove_folder(clone.tree)
        remove_folder(new)
        clone.index.unlink(missing_ok=True)
        new.mkdir(mode=0o700)
        replace(git, tree=new).run("read-tree", "--reset", "-u", name)
        new.rename(clone.tree)
    except OSError as error:
        raise unusable(clone.folder, error) from error


def _lfs_pointers(tree: Path, entries: Sequence[listing.Entry]) -> list[str]:
    """The paths of files whose content is in Git LFS."""
    found = []
    for entry in entries:
        if listing.may_be_lfs(entry):
            try:
                handle = os.open(tree / entry.path, os.O_RDONLY | os.O_NOFOLLOW)
            except OSError:
                continue
            try:
                if os.read(handle, len(LFS_BEGINNING)) == LFS_BEGINNING:
                    found.append(entry.path)
            finally:
                os.close(handle)
    return found


def _set_times(
    tree: Path, above: str, entries: Sequence[listing.Entry], dates: Mapping[str, int]
) -> None:
    """Give files the times of their commits."""
    for entry in entries if dates else ():
        date = dates.get(above + entry.path)
        if date is None or not entry.is_file:
            continue
        try:
            if os.lstat(tree / entry.path).st_mtime != date:
                os.utime(tree / entry.path, (date, date), follow_symlinks=False)
        except OSError as error:
            raise unusable(tree, error) from error


def _as_dict(note: Problem) -> dict[str, Any]:
    return {"path": note.path, "message": note.message, "hint": note.hint}


def _notes_of(record: dict[str, Any]) -> tuple[Problem, ...]:
    return tuple(Problem(**note, note=True) for note in record.get("notes", ()))
