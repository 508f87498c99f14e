"""Kills work in a process of its own, at any time."""

import os
import signal
import time
from collections.abc import Callable


def run_and_kill(work: Callable[[], object], after: float) -> bool:
    """Kill work in a process of its own after some seconds. True: it had ended before."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)
