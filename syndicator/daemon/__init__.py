"""When things run: start, schedule, reload and stop.

Start: signals, config, state, web, scheduler, ready. Stop: web, scheduler, state; within 5 s,
whatever hangs.
"""

from pathlib import Path

from syndicator.daemon.signals import Signals


def run(path: Path | None, *, verbose: bool) -> int:
    """Poll, build, push and serve as the config says, until a signal stops it.

    Returns the exit code. Raises SyndicatorError if it can't start.
    """
    # Installed before the slow imports: an early SIGTERM is an ordinary stop.
    signals = Signals()
    from syndicator.daemon.descriptors import raise_limit
    from syndicator.daemon.lifecycle import Daemon

    raise_limit()

    return Daemon(path, signals, verbose=verbose).run()
