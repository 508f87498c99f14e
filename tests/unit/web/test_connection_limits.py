"""The bounds on connections."""

import pytest

from syndicator.web.connection_limits import ConnectionLimits, share_of_client


@pytest.mark.parametrize(
    ("open_files", "connections"),
    [(None, 900), (65_536, 900), (1024, 900), (1023, 899), (400, 276), (248, 124), (100, 50)],
)
def test_connections_leave_files_for_the_rest(open_files: int | None, connections: int) -> None:
    """124 of them, but at most half."""
    assert ConnectionLimits().allowed_connections(open_files) == connections


@pytest.mark.parametrize(("connections", "share"), [(900, 90), (100, 10), (60, 8), (4, 8)])
def test_one_client_has_a_tenth_of_the_connections(connections: int, share: int) -> None:
    """But eight in any case: a browser opens six."""
    assert share_of_client(connections) == share
