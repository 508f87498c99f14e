"""The end of the daemon's process."""

import subprocess
import sys

from command import PATIENCE

HANGING = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
from syndicator.daemon.lifecycle import exit_by
ThreadPoolExecutor().submit(threading.Event().wait)
exit_by(time.monotonic())
"""


def test_no_thread_delays_the_end() -> None:
    """Such as one of a pool that reads from a bucket: the interpreter would wait for it."""
    assert subprocess.run([sys.executable, "-c", HANGING], timeout=PATIENCE).returncode == 0
