"""A healthy service, for tests of something else."""

from syndicator.web.health import Health, Readiness

HEALTHY = Health(
    stuck=list,
    readiness=lambda: Readiness(ready=True, details={}),
    metrics=lambda: b"",
    status=lambda: "{}",
)
