"""The time of the last commit that touched each file, for `source.git_dates`.

It needs all commits and folders of a branch, but no file: they are fetched into a repository of
their own (`--filter=blob:none`), beside the one of the newest commit.
"""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from syndicator.sources.git.clone import Clone
from syndicator.sources.git.command import Git, GitFailed, TooMuchOutput
from syndicator.sources.git.fetch import (
    Remote,
    clone_error,
    head_of,
    limit_size,
    prepare,
    receive,
)
from syndicator.sources.git.listing import CommitError

#: The remote's name in the repository of the history: only a remote with a name may be filtered.
_NAME = "origin"

#: A commit in git's log: its time, in seconds; none: it has no valid one.
_TIME = re.compile(rb"\x01(\d{0,20})")

_PART = re.compile(rb"[^\0]+")

#: Bytes of the names of all files that all commits touched.
_MAX_LOG = 256 * 1024 * 1024


def fetch_dates(
    clone: Clone, remote: Remote, network: Git, local: Git, *, most: int, commit: str
) -> None:
    """Record the dates of the files of a commit, unless it was done. The caller holds the lock.

    Arguments and errors are those of `fetch`.
    """
    record = clone.read("dates")
    if record.get("commit") == commit:
        return
    prepare(clone, clone.history, local)
    git = replace(local, folder=clone.history)
    network = replace(
        network, folder=clone.history, settings=(f"remote.{_NAME}.url={remote.address}",)
    )
    _allow_missing_files(clone, git)
    limited = limit_size(network, most, remote.shown)
    receive(clone, limited, remote, "--filter=blob:none", name=_NAME)
    head = head_of(clone.history, local)
    before = str(record.get("head", ""))
    known = record.get("dates", {}) if before and _follows(git, before, head) else {}
    since = [f"^{before}"] if known else []
    try:
        log = git.run(
            "log",
            "--format=%x01%ct",
            "--name-only",
            "--no-renames",
            "-z",
            head,
            *since,
            "--",
            most=_MAX_LOG,
        )
    except GitFailed as error:
        raise clone_error(clone, clone.history, error) from error
    except TooMuchOutput:
        message = f"{remote.shown} has too many commits"
        raise CommitError(message, hint="turn source.git_dates off") from None
    clone.write("dates", {"commit": commit, "head": head, "dates": known | parse_log(log)})


def _allow_missing_files(clone: Clone, git: Git) -> None:
    """Declare that the remote has what is missing, or git would take it for damage.

    git's Documentation/technical/partial-clone.txt
    """
    try:
        git.run("config", "core.repositoryFormatVersion", "1")
        git.run("config", "extensions.partialClone", _NAME)
        git.run("config", f"remote.{_NAME}.promisor", "true")
    except GitFailed as error:
        raise clone_error(clone, clone.history, error) from error


def _follows(git: Git, before: str, head: str) -> bool:
    """Whether a commit is an ancestor of another: after a force-push it is not."""
    try:
        git.run("merge-base", "--is-ancestor", before, head)
    except GitFailed:
        return False
    return True


def parse_log(log: bytes) -> dict[str, int]:
    """The newest time of each path in the output of `git log`, in seconds.

    A commit may be of any program's making: one without a valid time counts for nothing.
    """
    dates: dict[str, int] = {}
    for path, date in _touched(log):
        dates[path] = max(date, dates.get(path, date))
    return dates


def _touched(log: bytes) -> Iterator[tuple[str, int]]:
    """Each path with the time of a commit: a commit's time, an empty line, and its paths.

    A path may have every byte but NUL. One that looks like a time dates those after it: authors
    choose the times of their commits anyway.
    """
    date = None
    beginning = b""  #: of the next path: an empty line comes before a commit's first one
    for found in _PART.finditer(log):  # not `split`, which needs several times the memory
        part = found[0]
        if time := _TIME.fullmatch(part):
            date, beginning = (int(time[1]) if time[1] else None), b"\n"
        else:
            path, beginning = part.removeprefix(beginning), b""
            if date is not None:
                yield path.decode("utf-8", "surrogateescape"), date
