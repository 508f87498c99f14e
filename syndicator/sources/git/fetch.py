"""Fetches the newest commit of a branch into a clone, without its history."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from syndicator.errors import SourceError
from syndicator.sources.git.clone import (
    Clone,
    has_attributes,
    remove_folder,
    remove_leftovers,
    unusable,
    write_attributes,
)
from syndicator.sources.git.command import Git, GitFailed, TooMuchOutput
from syndicator.sources.git.failures import (
    OUT_OF_MEMORY,
    explain,
    first_message,
    is_explained,
    local_messages,
    shown_address,
)
from syndicator.sources.git.listing import CommitError

#: Our reference to the newest fetched commit.
HEAD = "refs/syndicator/head"

#: With more packs than this the clone is packed anew. Each fetch makes one.
_MANY_PACKS = 20

#: Seconds between two looks at the size of what is being received.
_SIZE_INTERVAL = 0.5

#: git's messages about a full disk, and about objects of the clone that are missing or unreadable.
_FULL = "No space left on device|Disk quota exceeded"
_DAMAGED = (
    "bad object|[Nn]ot a valid object|unable to read|corrupt|missing (blob|tree|commit)"
    "|not a git repository|not in a git directory|failed to read|invalid object|does not match"
    "|[Bb]ad tree|loose object|did not send all necessary objects|packfile|too (short|small)"
    "|bad .*config|bad shallow|reference broken|unknown object type|inflate"
)

#: Characters of the name of the remote's default branch. It is shown and compared.
_MAX_BRANCH = 250

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Remote(Struct, frozen=True, kw_only=True):
    """Whose commits are fetched."""

    address: str
    branch: str | None  #: None: the one that its HEAD names

    @property
    def reference(self) -> str:
        return f"refs/heads/{self.branch}" if self.branch else "HEAD"

    @property
    def is_ssh(self) -> bool:
        return not self.address.startswith(("https:", "file:", "/"))

    @property
    def shown(self) -> str:
        """Its address in messages."""
        return shown_address(self.address)


class Fetched(Struct, frozen=True, kw_only=True):
    """The newest commit of the remote's branch."""

    commit: str
    branch: str  #: "": the remote's HEAD is not a branch, or one whose name is not shown


def parse_heads(output: bytes, wanted: str) -> Fetched | None:
    """The commit of a reference in the output of `git ls-remote --symref`; None: it has none.

    `wanted`: "HEAD" or a full name.
    """
    branch, commit = wanted.removeprefix("refs/heads/") if wanted != "HEAD" else "", ""
    for line in output.decode("utf-8", "replace").splitlines():
        value, _, name = line.partition("\t")
        if name != wanted:  # patterns match the ends of other names too
            continue
        if value.startswith("ref: refs/heads/"):
            branch = value.removeprefix("ref: refs/heads/")
            if len(branch) > _MAX_BRANCH or not branch.isprintable():
                branch = ""
        elif _COMMIT.fullmatch(value):
            commit = value
    return Fetched(commit=commit, branch=branch) if commit else None


def fetch(clone: Clone, remote: Remote, network: Git, local: Git, *, most: int) -> Fetched:
    """Fetch the commit of a reference, unless the clone has it. The caller holds the lock.

    `network` and `local`: how to run git with the operator's settings, and without. `most`: bytes
    that may be received. Raises SourceError: the clone has what it had.
    """
    found = look(remote, network)
    if found.commit == clone.read("fetched").get("commit") and clone.repository.exists():
        return found
    prepare(clone, clone.repository, local)
    limited = limit_size(replace(network, folder=clone.repository), most, remote.shown)
    receive(clone, limited, remote, "--depth=1")
    # It may be newer than at the look.
    found = replace(found, commit=head_of(clone.repository, local))
    clone.write("fetched", {"commit": found.commit, "branch": found.branch})
    return found


def look(remote: Remote, network: Git) -> Fetched:
    """Ask the remote for the commit of a reference. Raises SourceError."""
    try:
        output = network.run("ls-remote", "--symref", "--", remote.address, remote.reference)
    except GitFailed as error:
        raise explain(remote.shown, str(error)) from error
    except TooMuchOutput:
        message = f"{remote.shown} has too many branches and tags"
        raise SourceError(message, hint="delete some") from None
    found = parse_heads(output, remote.reference)
    if found is None:
        message = f"has no branch {remote.branch}" if remote.branch else "has no commit"
        raise SourceError(f"{remote.shown} {message}", hint="check source.branch, or push to it")
    return found


def prepare(clone: Clone, repository: Path, local: Git) -> None:
    """Create a repository if it does not exist, and remove what a killed git left. SourceError."""
    try:
        if not has_attributes(repository):
            remove_folder(repository)
            local.run("init", "--bare", "--quiet", "--template=", "--", str(repository))
            write_attributes(repository)
        remove_leftovers(repository)
    except OSError as error:
        raise unusable(repository, error) from error
    except GitFailed as error:
        raise clone_error(clone, repository, error) from error


def receive(
    clone: Clone, network: Git, remote: Remote, *options: str, name: str | None = None
) -> None:
    """Fetch a reference as our HEAD into the repository of `network`.

    `name`: of the remote in the settings of `network`; None: it has none. Raises SourceError.
    """
    assert network.folder
    try:
        network.run(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--no-show-forced-updates",
            "--update-shallow",
            *options,
            "--",
            name or remote.address,
            f"+{remote.reference}:{HEAD}",
        )
    except GitFailed as error:
        ours = local_messages(str(error))
        if re.search(_DAMAGED, ours):
            raise clone_error(clone, network.folder, GitFailed(ours)) from error
        if ours and not is_explained(str(error)):
            # The remote has just answered: the clone may be damaged in a way that is not known.
            clone.discard(network.folder)
        raise explain(remote.shown, str(error)) from error


def head_of(repository: Path, local: Git) -> str:
    """The commit that was fetched last. Raises SourceError."""
    name = f"{HEAD}^{{commit}}"
    try:
        output = replace(local, folder=repository).run("rev-parse", "--verify", "--quiet", name)
    except GitFailed as error:
        raise SourceError("what was fetched is not a commit", hint="check source.branch") from error
    return output.decode().strip()


def has_many_packs(repository: Path) -> bool:
    """Whether earlier fetches left much in a repository."""
    return len(list((repository / "objects" / "pack").glob("*.pack"))) > _MANY_PACKS


def pack(clone: Clone, local: Git) -> None:
    """Delete what earlier fetches left in the repository of `local`. Raises SourceError."""
    assert local.folder
    try:
        # By force: one that was killed left its mark, and the lock of the clone excludes others.
        local.run("gc", "--quiet", "--force", "--prune=now")
    except GitFailed as error:
        raise clone_error(clone, local.folder, error) from error


def clone_error(clone: Clone, repository: Path, error: GitFailed) -> SourceError:
    """The error of a command on one of the clone's repositories.

    A damaged one is deleted: the next fetch clones it anew.
    """
    detail = first_message(str(error))
    if re.search(_FULL, str(error)):
        hint = "free some disk space; the next poll continues"
        return SourceError(f"the disk of {clone.folder} is full ({detail})", hint=hint)
    if re.search(OUT_OF_MEMORY, str(error)):
        return CommitError(
            f"git needs too much memory for what was fetched ({detail})",
            hint="look at the largest files of the repository, and the most in one commit",
        )
    if re.search(_DAMAGED, str(error)):
        clone.discard(repository)
        return SourceError(f"the clone was damaged ({detail})", hint="the next poll clones it anew")
    hint = "check the permissions and the disk of source.clone; it can be deleted at any time"
    return SourceError(f"{clone.folder} can't be used: {detail}", hint=hint)


def limit_size(git: Git, most: int, shown: str) -> Git:
    """Like `git`, but it ends when it has received too much: git itself has no such limit."""
    assert git.folder
    packs, tick = git.folder / "objects" / "pack", git.tick
    looked_at = 0.0

    def check() -> None:
        nonlocal looked_at
        tick()
        if time.monotonic() < looked_at + _SIZE_INTERVAL:
            return
        looked_at = time.monotonic()
        if _received(packs) > most:
            hint = "source.git_max_bytes is the limit"
            raise SourceError(f"{shown} sends more than {most:,} bytes", hint=hint)

    return replace(git, tick=check)


def _received(packs: Path) -> int:
    """Bytes of the packs that are not complete yet."""
    size = 0
    with suppress(OSError):
        for file in packs.glob("tmp_*"):
            size += os.stat(file).st_size
    return size
