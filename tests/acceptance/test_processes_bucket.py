"""Two processes on one PostgreSQL state, with the feeds in a bucket."""

import signal
from pathlib import Path

import buckets
from buckets import Environ
from command import AT_ONCE, until
from postgres import created, running
from running_processes import TAKEOVER, Processes, Receiver, never_older


def test_a_builder_that_sleeps_while_it_puts(tmp_path: Path) -> None:
    """Another one goes on from what it put. It stands by when it wakes, and builds again later.

    No object shows an older version after a newer one. The interval of polls is longer than that
    of a takeover: nothing may wait for a poll.
    """
    bucket = buckets.storage().bucket()
    with (
        running() as server,
        created(server.get_uri(), "bucket") as state,
        Receiver() as receiver,
        Processes(tmp_path / "x", state, receiver, output=bucket.settings, poll="1h") as processes,
    ):
        processes.command.environ |= buckets.CREDENTIALS
        receiver.on_ping = lambda: bucket.text("all.atom")
        processes.start("a")
        processes.start("b")
        processes.save("Version 1")
        until(lambda: "Version 1" in processes.served("b"), seconds=AT_ONCE)
        sleeper = processes.running["a"]

        def suspend(environ: Environ) -> None:
            if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].endswith("/all.json"):
                bucket.storage.fault = lambda environ: None
                sleeper.send(signal.SIGSTOP)  # the server puts the object all the same

        with never_older(lambda: bucket.text("all.json")):
            bucket.storage.fault = suspend
            processes.command.post("2026-01-01-one", "Version 2")
            until(lambda: "Version 2" in bucket.text("all.json"))
            assert processes.save("Version 3") < TAKEOVER
            sleeper.send(signal.SIGCONT)
            until(lambda: processes.roles() == {"b": "builder", "a": "standby"})
            until(lambda: "Version 3" in processes.served("a"), seconds=AT_ONCE)
            assert processes.running["b"].end()[0] == 0
            assert processes.save("Version 4") < AT_ONCE
            until(lambda: not processes.queued())
        assert all("Version 4" in bucket.text(f"all.{suffix}") for suffix in ("rss", "json"))
