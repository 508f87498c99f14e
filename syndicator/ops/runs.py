"""What the last runs did, as the state remembers it."""

import json
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.errors import StateError, SyndicatorError
from syndicator.model.report import Report
from syndicator.store import kv
from syndicator.store.database import Database

#: Runs that are remembered.
KEPT = 20

_RUNS = "last runs"
_FAILURE = "last failure"


class Run(Struct, frozen=True, kw_only=True):
    """A run that changed anything."""

    started: datetime
    seconds: float
    summary: str


class Failure(Struct, frozen=True, kw_only=True):
    """Why the last run failed. A run that succeeds deletes it."""

    at: datetime
    message: str
    hint: str | None
    since: datetime | None = None  #: when the first of the runs failed that did in a row


def remember_run(database: Database, report: Report) -> None:
    """Store that a run succeeded, and what it did if it had changes."""
    run = {
        "started": report.started.isoformat(),
        "seconds": report.seconds,
        "summary": report.summary(),
    }
    with database.begin() as connection:
        if report.has_changes:
            runs = [run, *json.loads(kv.get(connection, _RUNS) or "[]")]
            kv.put(connection, _RUNS, json.dumps(runs[:KEPT]))
        kv.put(connection, _FAILURE, "")


def remember_failure(database: Database, error: SyndicatorError, at: datetime) -> None:
    """Store why a run failed. A StateError is not: the state can't be written, or not soon."""
    if isinstance(error, StateError):
        return
    with suppress(StateError), database.begin() as connection:
        before = last_failure(connection)
        since = (before and before.since) or at
        failure = {
            "at": at.isoformat(),
            "message": str(error),
            "hint": error.hint,
            "since": since.isoformat(),
        }
        kv.put(connection, _FAILURE, json.dumps(failure))


def last_runs(connection: Connection) -> tuple[Run, ...]:
    """The last runs that changed anything, newest first."""
    runs = json.loads(kv.get(connection, _RUNS) or "[]")
    return tuple(Run(**run | {"started": datetime.fromisoformat(run["started"])}) for run in runs)


def last_failure(connection: Connection) -> Failure | None:
    """Why the last run failed; None: it succeeded."""
    text = kv.get(connection, _FAILURE)
    if not text:
        return None
    failure = json.loads(text)
    dates = {name: failure.get(name) for name in ("at", "since")}
    times = {name: datetime.fromisoformat(text) if text else None for name, text in dates.items()}
    return Failure(**failure | times)
