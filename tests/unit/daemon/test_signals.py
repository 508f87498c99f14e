"""Signals reach the main thread, whichever thread the system delivers them to."""

import subprocess
import sys

import pytest

SCRIPT = """
import linecache, os, signal, sys, threading, time
from syndicator.daemon.signals import Event, Signals
signals = Signals()

def later(act):
    main = threading.main_thread().ident
    def waits():
        at = sys._current_frames()[main]
        return "select.select" in linecache.getline(at.f_code.co_filename, at.f_lineno)
    def acting():
        while not waits():
            time.sleep(0)
        act()
    threading.Thread(target=acting).start()

{talk}
print(signals.wait(20), flush=True)
"""

OTHER_THREAD = "later(lambda: signal.pthread_kill(threading.get_ident(), signal.{name}))"


def event_after(talk: str, wait: str = "20") -> str:
    code = SCRIPT.format(talk=talk).replace("20", wait)
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    return done.stdout.strip() or f"{done.returncode}: {done.stderr}"


@pytest.mark.parametrize(
    ("name", "event"), [("SIGTERM", "stop"), ("SIGINT", "stop"), ("SIGHUP", "reload")]
)
@pytest.mark.parametrize("wait", ["10", "None"])
def test_a_signal_delivered_to_another_thread(name: str, event: str, wait: str) -> None:
    """Only the main thread may act on it, and it may be waiting without a limit."""
    assert event_after(OTHER_THREAD.format(name=name), wait) == event


def test_an_event_of_our_own() -> None:
    """Any thread may put it, before or while the main thread waits."""
    assert event_after("signals.put(Event.STATE_MOVED)") == "moved"
    assert event_after("later(lambda: signals.put(Event.STATE_MOVED))", "None") == "moved"
    assert event_after("for _ in range(100_000): signals.put(Event.STATE_MOVED)") == "moved"


RELOAD = "os.kill(os.getpid(), signal.SIGHUP); "
STOP = "os.kill(os.getpid(), signal.SIGTERM); "


def test_a_stop_does_not_wait_for_reloads() -> None:
    """A reload may take seconds, and a service manager kills what stops too late."""
    assert event_after(3 * RELOAD + STOP) == "stop"


def test_reloads_that_wait_are_one() -> None:
    """One reads the config as it is now. A signal after that needs another."""
    assert event_after(3 * RELOAD + "signals.wait(0)", "0") == "None"
    assert event_after(RELOAD + "signals.wait(0); " + RELOAD) == "reload"


def test_a_wait_without_an_event() -> None:
    """It ends when its time is over, and not before."""
    assert event_after("", "0.05") == "None"
    assert (
        event_after(
            "begun = time.monotonic(); signals.wait(0.2); assert time.monotonic() - begun >= 0.2",
            "0",
        )
        == "None"
    )


def test_the_second_stop_ends_at_once() -> None:
    """With the exit code of a process that the signal killed."""
    twice = "os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)"
    assert event_after(twice).startswith("143:")
