"""How the daemon shows what it does: metrics, their last day, and faults in its log."""

from syndicator.daemon.activity import ActivityMeter
from syndicator.daemon.faults import Faults
from syndicator.observe import Metrics


class Telemetry:
    """One for the whole process, through reloads."""

    def __init__(self, metrics: Metrics, faults: Faults) -> None:
        self.metrics = metrics
        self.faults = faults
        self.activity = ActivityMeter(metrics)
