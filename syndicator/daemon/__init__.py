"""When things run: the order of start and stop.

Start: signals, config, state, web, scheduler, ready. Stop: web, scheduler, state, within 5 s whatever hangs.
"""

from pathlib import Path

from syndicator.daemon.signals import Signals


def run(path: Path | None, *, verbose: bool) -> int:
    """Poll, build, push and serve as the config says, until told to stop. Returns the exit code.

    Raises SyndicatorError when it can't start.
    """
    signals = (
        Signals()
    )  # before anything that takes time: an early SIGTERM is a stop like any other
    from syndicator.daemon.descriptors import raise_limit
    from syndicator.daemon.lifecycle import Daemon

    raise_limit()

    return Daemon(path, signals, verbose=verbose).run()
