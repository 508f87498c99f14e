"""Whether the daemon is ready, with the details for its operator."""

from pathlib import Path

from support import FEEDS, Site

from syndicator import config, observe
from syndicator.daemon.faults import Faults
from syndicator.daemon.parts import source_of
from syndicator.daemon.scheduler import Scheduler
from syndicator.daemon.telemetry import Telemetry
from syndicator.service import Service


def test_the_details_of_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    """Each field is there in any case: null if it is unknown."""
    site = Site(tmp_path, settings=FEEDS)
    with Service(config.load(site.config_path, {}), clock=site.clock) as service:
        scheduler = Scheduler(
            service,
            source_of(service.config, service.database),
            Telemetry(observe.Metrics(), Faults()),
            notify=lambda event: None,
        )
        readable = scheduler.readiness().detailed()
        assert service.database.path
        service.database.path.unlink()
        unreadable = scheduler.readiness().detailed()
    assert readable == {"ready": False, "last_run_seconds_ago": None, "queued": 0, "error": None}
    assert readable.keys() == unreadable.keys()
    assert (unreadable["last_run_seconds_ago"], unreadable["queued"]) == (None, None)
