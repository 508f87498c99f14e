"""A worker process: the side of `processes` that runs in a new interpreter."""

import importlib
import logging
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from syndicator import garbage
from syndicator.late_imports import postpone_seldom_used
from syndicator.late_patterns import postpone_patterns

_NOT_DONE = pickle.dumps((False, None))


def main() -> None:
    """Do what is requested on stdin, until it ends. Results go to stdout.

    The requests: modules to import, what makes the context, then functions and what they get.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    postpone_seldom_used()
    postpone_patterns()
    requests, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints doesn't belong to the result
    received: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_receive, args=(requests, received), daemon=True).start()
    logged = _Logged()
    logging.getLogger().addHandler(logged)
    for module in received.get():
        importlib.import_module(module)
    context = received.get()()
    garbage.collect_from_now()
    with suppress(BrokenPipeError):
        while True:
            function, request = received.get()
            logged.anything = False
            result = _outcome(function, context, request)
            results.write(_NOT_DONE if logged.anything else result)
            results.flush()


def _outcome(function: Callable[[Any, Any], Any], context: Any, request: Any) -> bytes:
    try:
        return pickle.dumps((True, function(context, request)))
    except Exception:  # our parent does it again, and reports the cause
        return _NOT_DONE


def _receive(requests: BinaryIO, received: "SimpleQueue[Any]") -> None:
    """Receive requests while others are worked on, so that the parent's end is noticed at once."""
    try:
        while True:
            received.put(pickle.load(requests))  # noqa: S301 -- from our own process
    except EOFError:
        pass
    except BaseException:  # what is requested can't be imported
        traceback.print_exc()
    os._exit(0)


class _Logged(logging.Handler):
    """Notices log lines. A worker writes none: it doesn't know where its parent writes them."""

    anything = False

    def emit(self, record: logging.LogRecord) -> None:
        self.anything = True
