"""Stores what is fetched from git and what keeps it from being fetched, for `status`."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.errors import SourceError, StateError
from syndicator.model.content import Problem
from syndicator.store import kv
from syndicator.store.database import Database

#: Key in `kv` of a JSON object; empty or missing: nothing was fetched yet.
_KEY = "git"

Record = dict[str, Any]


class GitState(Struct, frozen=True, kw_only=True):
    """The repository of the source."""

    remote: str  #: its address, without a user
    branch: str  #: "": unknown
    commit: str  #: the newest one that was fetched; "": none was
    fetched: datetime | None  #: when that commit was fetched; None: none was
    failing_since: datetime | None  #: None: the last fetch succeeded
    error: str  #: of the last fetch that failed since then; "": it succeeded
    hint: str  #: how to fix it


class Fetch(NamedTuple):
    """A fetch that succeeded. Fetches differ if another one brought another commit in between."""

    commit: str  #: "": nothing was fetched yet
    time: str


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


def newest_fetch(connection: Connection) -> Fetch:
    """The last fetch of any process that succeeded."""
    return _fetch_of(_record(connection))


def remember_fetched(
    database: Database, before: Fetch, commit: str, branch: str, now: datetime
) -> bool:
    """Store that a fetch succeeded. Written only if that is new. Raises StateError.

    `before`: the last fetch when this one began. False: another process fetched another commit
    meanwhile, which may be newer. Then nothing is stored.
    """
    is_newest = True

    def fetched(record: Record) -> Record:
        nonlocal is_newest
        same = (record.get("commit"), record.get("branch")) == (commit, branch)
        is_newest = record.get("commit") == commit or _fetch_of(record) == before
        if not is_newest:
            return record
        time = record.get("fetched") if same else now.isoformat()
        known = {"commit": commit, "branch": branch, "fetched": time}
        return known | {"notes": record.get("notes", ())}

    _change(database, fetched)
    return is_newest


def remember_failure(database: Database, error: SourceError, now: datetime) -> None:
    """Store why a fetch failed, and since when. Written only if that is new."""

    def failed(record: Record) -> Record:
        if record.get("error") == str(error):
            return record
        since = record.get("failing_since") or now.isoformat()
        failure = {"failing_since": since, "error": str(error), "hint": error.hint or ""}
        return record | failure

    with suppress(StateError):
        _change(database, failed)


def remember_notes(database: Database, notes: tuple[Problem, ...]) -> None:
    """Store what of the commit is not followed. Written only if that is new."""
    new = [{"path": note.path, "message": note.message, "hint": note.hint} for note in notes]

    def noted(record: Record) -> Record:
        return record | {"notes": new} if list(record.get("notes", ())) != new else record

    with suppress(StateError):
        _change(database, noted)


def _change(database: Database, changed: Callable[[Record], Record]) -> None:
    """Replace the record by what `changed` makes of it, unless that is the same.

    Runs and fetches change it at the same time, in threads and processes.
    """
    with database.read() as connection:
        record = _record(connection)
    if changed(record) == record:
        return
    with database.begin() as connection:
        record = _record(connection, kv.lock)
        kv.put(connection, _KEY, json.dumps(changed(record)))


def _record(
    connection: Connection, get: Callable[[Connection, str], str | None] = kv.get
) -> Record:
    text = get(connection, _KEY)
    record: Record = json.loads(text) if text else {}
    return record


def _fetch_of(record: Record) -> Fetch:
    return Fetch(commit=record.get("commit", ""), time=record.get("fetched", ""))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
