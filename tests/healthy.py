"""A healthy service, for tests of something else."""

from syndicator.errors import StateError
from syndicator.inspection import Overview
from syndicator.web.health import Health, Readiness


def no_overview() -> Overview:
    raise StateError("there is no state in this test")


HEALTHY = Health(
    stuck=list,
    readiness=lambda: Readiness(ready=True, details={}),
    metrics=lambda: b"",
    status=lambda: "{}",
    overview=no_overview,
)
