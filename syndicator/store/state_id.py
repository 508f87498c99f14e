"""The id of a state. A copy keeps it, wherever it is; a state that is created anew has another."""

import os
import uuid

from sqlalchemy import make_url

from syndicator.store import kv
from syndicator.store.database import Database
from syndicator.store.engines import file_of
from syndicator.store.state_errors import without_password

#: Its key in `kv`.
KEY = "state id"


def place(url: str) -> str:
    """Where a state is: the real path of its file, or its URL without the password."""
    address = make_url(url)
    file = file_of(address)
    return os.path.realpath(file) if file else without_password(address)


def state_id(database: Database) -> str:
    """The id of this state, given to it at the first call. Raises StateError."""
    with database.read() as connection:
        known = kv.get(connection, KEY)
    if known:
        return known
    with database.begin() as connection:
        return kv.put_once(connection, KEY, uuid.uuid4().hex)
