"""How the daemon shows what it does: metrics, and faults in its log."""

from dataclasses import dataclass

from syndicator.daemon.faults import Faults
from syndicator.observe import Metrics


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The metrics and the log of faults. One for the whole process, through reloads."""

    metrics: Metrics
    faults: Faults
