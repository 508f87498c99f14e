"""Every request goes to the operator's URL, by requests, or to a stranger's, by http.client."""

import pytest


@pytest.fixture(params=[False, True], ids=["operator", "stranger"])
def stranger(request: pytest.FixtureRequest) -> bool:
    """Whose URL the test's requests go to: one rule for both."""
    return bool(request.param)
