"""What the operating system says is heard, by whichever thread."""

import subprocess
import sys

import pytest

HEARD = """
import linecache, os, signal, sys, threading, time
from syndicator.daemon.signals import Signals
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


def heard(talk: str, wait: str = "20") -> str:
    code = HEARD.format(talk=talk).replace("20", wait)
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    return done.stdout.strip() or f"{done.returncode}: {done.stderr}"


@pytest.mark.parametrize(
    ("name", "word"), [("SIGTERM", "stop"), ("SIGINT", "stop"), ("SIGHUP", "reload")]
)
@pytest.mark.parametrize("wait", ["10", "None"])
def test_a_signal_that_another_thread_was_given(name: str, word: str, wait: str) -> None:
    """The system gives a signal to any thread; only the main one may act, and it may be waiting without end."""
    assert heard(OTHER_THREAD.format(name=name), wait) == word


def test_a_word_of_our_own() -> None:
    """Told by any thread, before or while the main one waits."""
    assert heard("signals.say('moved')") == "moved"
    assert heard("later(lambda: signals.say('moved'))", "None") == "moved"
    assert heard("for _ in range(100_000): signals.say('moved')") == "moved"


def test_nothing_is_said() -> None:
    """The wait ends when its time is over, and not before."""
    assert heard("", "0.05") == "None"
    assert (
        heard(
            "begun = time.monotonic(); signals.wait(0.2); assert time.monotonic() - begun >= 0.2",
            "0",
        )
        == "None"
    )


def test_the_second_stop_ends_at_once() -> None:
    """With the code that a shell gives to a process that the signal ended."""
    twice = "os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)"
    assert heard(twice).startswith("143:")
