"""What requests show is stored for the operator."""

from pathlib import Path

from command import until

from syndicator import observe
from syndicator.daemon.faults import Faults
from syndicator.daemon.recorder import Recorder
from syndicator.daemon.telemetry import Telemetry
from syndicator.ops.doctor import check_proxies
from syndicator.store.database import Database


def test_an_untrusted_proxy_is_stored_until_the_next_start(tmp_path: Path) -> None:
    """`doctor` reports it. After a start it may be gone, and is stored again if it is not."""
    url = f"sqlite:///{tmp_path}/state.db"
    database = Database(url)
    for _ in range(2):
        recorder = Recorder(database, Telemetry(observe.Metrics(), Faults()))
        recorder.start()
        assert not list(check_proxies(url, []))
        recorder.untrusted_proxy("192.0.2.1")
        until(lambda: list(check_proxies(url, [])))
        recorder.stop()
    database.close()
