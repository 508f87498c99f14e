"""When things run: start, schedule, reload and stop.

Start: signals, config, state, published files, all other parts, scheduler, ready. Stop: web,
scheduler, state; within 5 s, whatever hangs.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

from syndicator.daemon.signals import Signals


def run(path: Path | None, *, verbose: bool) -> int:
    """Poll, build, push and serve as the config says, until a signal stops it.

    Returns the exit code. Raises SyndicatorError if it can't start.
    """
    # Installed before the slow imports: an early SIGTERM is an ordinary stop.
    signals = Signals()
    from syndicator.daemon.descriptors import raise_limit
    from syndicator.daemon.malloc import return_memory
    from syndicator.daemon.start import start

    raise_limit()
    return_memory()
    started = start(path, os.environ)
    _import_structlog()
    from syndicator.daemon.lifecycle import Daemon

    return Daemon(path, signals, started, verbose=verbose).run()


def _import_structlog() -> None:
    """Import structlog without rich, which it would import for tracebacks that the log has not.

    rich takes a tenth of a start, and 4 MB. A module that is None is not found:
    https://docs.python.org/3.11/reference/import.html#the-module-cache
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    if "rich" in modules:
        return
    modules["rich"] = None
    try:
        import structlog  # noqa: F401
    finally:
        del modules["rich"]
