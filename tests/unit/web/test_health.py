"""What readiness shows on the two addresses."""

import pytest

from syndicator.errors import Trouble
from syndicator.web.health import Readiness


@pytest.mark.parametrize(
    ("trouble", "kind", "message"),
    [(None, None, None), (Trouble("state", "/var/x.db is full"), "state", "/var/x.db is full")],
)
def test_the_public_sees_the_kind_of_an_error_alone(
    trouble: Trouble | None, kind: str | None, message: str | None
) -> None:
    """No message, path, host or cause. The operator sees them, and the details."""
    readiness = Readiness(ready=trouble is None, trouble=trouble, details={"queued": 3})
    assert readiness.public() == {"ready": trouble is None, "error": kind}
    assert readiness.detailed() == {"ready": trouble is None, "queued": 3, "error": message}
