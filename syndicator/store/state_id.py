"""The id of a state. A copy keeps it, wherever it is; a state that is created anew has another."""

import os
import uuid

from sqlalchemy import Connection, make_url

from syndicator.store import kv
from syndicator.store.database import Database
from syndicator.store.schema import kv as kv_table
from syndicator.store.sql import insert
from syndicator.store.state_errors import without_password

#: Its key in `kv`.
KEY = "state id"


def place(url: str) -> str:
    """Where a state is: the real path of its file, or its URL without the password."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        return os.path.realpath(address.database)
    return without_password(address)


def state_id(database: Database) -> str:
    """The id of this state, given to it at the first call. Raises StateError."""
    with database.read() as connection:
        known = kv.get(connection, KEY)
    if known:
        return known
    with database.begin() as connection:
        return _create(connection)


def _create(connection: Connection) -> str:
    # Another process may have created it meanwhile.
    row = {"name": KEY, "value": uuid.uuid4().hex}
    connection.execute(insert(connection.dialect, kv_table).on_conflict_do_nothing(), row)
    created = kv.get(connection, KEY)
    assert created is not None
    return created
