"""What a request to build means, and what follows from a run. Values only: `builds` does it."""

from collections.abc import Collection
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path

from msgspec import Struct

from syndicator.model.report import Report

#: With more changed paths than this a full scan is cheaper.
FEW = 200


class Reason(Enum):
    """Why all documents are scanned."""

    POLL = auto()  #: the poll interval is over
    DUE = auto()  #: the time of a future post has come
    PAGE = auto()  #: the page of a held post is live, or late
    WATCHER = auto()  #: the watcher saw changes and does not know their paths


class BuildRequest(Struct, frozen=True, kw_only=True):
    """Reasons for a full scan, and paths that changed. Without both, nothing is requested."""

    reasons: frozenset[Reason] = frozenset()
    paths: frozenset[str] = frozenset()  #: absolute

    def __or__(self, other: "BuildRequest") -> "BuildRequest":
        return BuildRequest(reasons=self.reasons | other.reasons, paths=self.paths | other.paths)

    @property
    def saved(self) -> frozenset[str]:
        """The paths, if they are few enough to be checked one by one; else none."""
        return self.paths if len(self.paths) <= FEW else frozenset()


NOTHING = BuildRequest()


class RunPlan(Struct, frozen=True, kw_only=True):
    """What the next run does, and what is left to the one after it."""

    now: BuildRequest
    later: BuildRequest
    documents: tuple[str, ...] | None  #: the only ones that may have changed; None: any may

    @property
    def urgent(self) -> bool:
        """Whether a post was saved, or its time has come: deliveries of others wait for it."""
        return bool(self.now.saved) or Reason.DUE in self.now.reasons


def plan(
    request: BuildRequest, root: Path, folders: Collection[str], *, first: bool, interruptible: bool
) -> RunPlan:
    """Plan a run. A few posts that were saved come before a full scan, if it is interruptible.

    `folders`: those of the request's paths that are folders. `first`: whether no run has succeeded
    yet, so that any document may have changed.
    """
    if not first and interruptible and request.reasons:
        saved = BuildRequest(paths=request.saved)
        if (documents := _documents(saved, root, folders)) is not None:
            return RunPlan(
                now=saved, later=BuildRequest(reasons=request.reasons), documents=documents
            )
    documents = None if first else _documents(request, root, folders)
    return RunPlan(now=request, later=NOTHING, documents=documents)


def _documents(
    request: BuildRequest, root: Path, folders: Collection[str]
) -> tuple[str, ...] | None:
    """The documents that may have changed, relative to the source; None: any."""
    if request.reasons or not request.saved:
        return None
    paths = [Path(path) for path in request.saved]
    # The watcher reports a folder that came or went, and not the files in it. One that is gone
    # has no suffix.
    if folders or any(not path.suffix or not path.is_relative_to(root) for path in paths):
        return None
    return tuple(sorted(path.relative_to(root).as_posix() for path in paths))


def is_interruptible(now: float, scanned_at: float | None, limit: timedelta) -> bool:
    """Whether a full scan may be interrupted for saved posts: for `limit` after the last one.

    `now`, `scanned_at`: seconds by the monotonic clock. `scanned_at` None: there was none yet.
    """
    return scanned_at is not None and now < scanned_at + limit.total_seconds()


def interrupts_archive(pending: BuildRequest, *, progressed: bool) -> bool:
    """Whether an update of the archives ends for what is requested meanwhile.

    `progressed`: whether it has written pages. An update begins with a look at the pages that the
    ones before it have made. If each poll ended it before the next page, it would never be done.
    """
    is_poll = pending == BuildRequest(reasons=frozenset({Reason.POLL}))
    return pending != NOTHING and (progressed or not is_poll)


def after_interruption(request: BuildRequest) -> BuildRequest:
    """What an interrupted scan leaves to do.

    Not a poll: repeated at once, it would not end where files often change. The next one is near.
    """
    return BuildRequest(reasons=request.reasons - {Reason.POLL}, paths=request.paths)


class FollowUp(Struct, frozen=True, kw_only=True):
    """What a run that succeeded leads to."""

    missed: bool  #: the watcher missed a change: it is restarted
    repaired: bool  #: another program changed feed files: the operator is warned
    reschedule: bool  #: the next future post is another one
    push: bool  #: it may have queued pings, deliveries and denials


def follow_up(
    report: Report,
    last: Report | None,
    request: BuildRequest,
    *,
    begun: float,
    reported_at: float | None,
) -> FollowUp:
    """What follows from a run. `last`: the report of the run before; None: this is the first.

    `begun`, `reported_at`: when the run began and when the watcher last reported a change, in
    seconds by the monotonic clock. `reported_at` None: there is no watcher.
    """
    changed = bool(report.new or report.changed or report.gone)
    polled = request == BuildRequest(reasons=frozenset({Reason.POLL}))
    # A poll may find what was saved during its scan, shortly before the watcher reports it.
    quiet = reported_at is not None and reported_at < begun
    return FollowUp(
        missed=last is not None and changed and polled and quiet,
        repaired=last is not None and bool(report.repaired),
        reschedule=report.next_due != (last.next_due if last else None),
        push=last is None or report.has_changes,
    )
