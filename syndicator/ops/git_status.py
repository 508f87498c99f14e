"""Stores what is fetched from git and what keeps it from being fetched, for `status`."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from syndicator.errors import SourceError, StateError
from syndicator.model.content import Problem
from syndicator.store import kv
from syndicator.store.database import Database

#: Key in `kv` of a JSON object; empty or missing: nothing was fetched yet.
_KEY = "git"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitState:
    """The repository of the source."""

    remote: str  #: its address, without a user
    branch: str  #: "": unknown
    commit: str  #: the newest one that was fetched; "": none was
    fetched: datetime | None  #: when that commit was fetched; None: none was
    failing_since: datetime | None  #: None: the last fetch succeeded
    error: str  #: of the last fetch that failed since then; "": it succeeded
    hint: str  #: how to fix it


def read(connection: Connection, remote: str) -> GitState:
    """The state of the repository. `remote`: its address, without a user."""
    record = _record(connection)
    return GitState(
        remote=remote,
        branch=record.get("branch", ""),
        commit=record.get("commit", ""),
        fetched=_time(record.get("fetched")),
        failing_since=_time(record.get("failing_since")),
        error=record.get("error", ""),
        hint=record.get("hint", ""),
    )


def read_notes(connection: Connection) -> tuple[Problem, ...]:
    """What of the commit is not followed."""
    return tuple(Problem(**note, note=True) for note in _record(connection).get("notes", ()))


def remember_fetched(database: Database, commit: str, branch: str, now: datetime) -> None:
    """Store that a fetch succeeded. Written only if that is new."""
    with suppress(StateError):
        with database.read() as connection:
            record = _record(connection)
        same = (record.get("commit"), record.get("branch")) == (commit, branch)
        if same and not record.get("failing_since"):
            return
        fetched = record.get("fetched") if same else now.isoformat()
        known = {"commit": commit, "branch": branch, "fetched": fetched}
        _put(database, known | {"notes": record.get("notes", ())})


def remember_failure(database: Database, error: SourceError, now: datetime) -> None:
    """Store why a fetch failed, and since when. Written only if that is new."""
    with suppress(StateError):
        with database.read() as connection:
            record = _record(connection)
        if record.get("error") == str(error):
            return
        since = record.get("failing_since") or now.isoformat()
        failure = {"failing_since": since, "error": str(error), "hint": error.hint or ""}
        _put(database, record | failure)


def remember_notes(database: Database, notes: tuple[Problem, ...]) -> None:
    """Store what of the commit is not followed. Written only if that is new."""
    new = [{"path": note.path, "message": note.message, "hint": note.hint} for note in notes]
    with suppress(StateError):
        with database.read() as connection:
            record = _record(connection)
        if list(record.get("notes", ())) != new:
            _put(database, record | {"notes": new})


def _record(connection: Connection) -> dict[str, Any]:
    text = kv.get(connection, _KEY)
    record: dict[str, Any] = json.loads(text) if text else {}
    return record


def _put(database: Database, record: dict[str, Any]) -> None:
    with database.begin() as connection:
        kv.put(connection, _KEY, json.dumps(record))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
