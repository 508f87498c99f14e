"""A service that is well, for tests that ask about something else."""

from syndicator.web.health import Health, Readiness

HEALTHY = Health(
    stuck=list,
    readiness=lambda: Readiness(ready=True, facts={}),
    metrics=lambda: b"",
)
