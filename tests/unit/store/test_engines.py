"""URLs of PostgreSQL that can't be connected to."""

import re

import pytest

from syndicator.errors import StateError
from syndicator.store.database import Database

#: The folder of a socket. Its name is longer than that of a host may be.
FOLDER = "%2Fnonexistent" * 6


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("a..b/n", '"a..b" is not a valid host name'),
        ("h\u202e/n", "is not a valid host name"),
        (f"{'a' * 64}/n", "is not a valid host name"),
        ("/n?host=a..b", '"a..b" is not a valid host name'),
        ("h/n?plugin=x", 'invalid connection option "plugin"'),
        ("h/n?self=1", 'invalid connection option "self"'),
        ("h/n?autocommit=x", 'invalid connection option "autocommit"'),
        ("h/n?host=a&host=b&port=1", "Can't mix 'multihost' formats"),
        (f"/n?host={FOLDER}", "No such file or directory"),
    ],
)
def test_a_url_that_is_wrong(rest: str, message: str, read_only: bool) -> None:
    """The error of each names the URL, without its password."""
    url = f"postgresql+psycopg://u:secret@{rest}"
    with pytest.raises(StateError, match=re.escape(message)) as raised:
        Database(url, read_only=read_only)
    assert "secret" not in str(raised.value)
    assert raised.value.hint == "check [state] url"
