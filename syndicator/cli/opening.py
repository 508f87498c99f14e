"""Opens what a command needs: its config, its state, the service.

Nothing is imported before the config is known to be right.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syndicator.config import Config
    from syndicator.service import Service
    from syndicator.store.database import Database


@contextmanager
def open_service(path: Path | None, verbose: bool, *, make: bool = False) -> "Iterator[Service]":
    """The service for one command. `make`: create the state if it does not exist."""
    config = load_config(path, verbose)
    if make and config.state.file and not os.path.lexists(config.state.file):
        _expect_many_posts()
    with import_without_gc():
        from syndicator.service import Service

    with Service(config, make=make) as service:
        yield service


def _expect_many_posts() -> None:
    """Start a worker process at once: all posts are new, and what renders them imports slowly."""
    from syndicator.build.processes import start_early

    start_early(("syndicator.build.read", "syndicator.jekyll.render"))


@contextmanager
def read_state(path: Path | None, verbose: bool) -> "Iterator[tuple[Config, Database]]":
    """The config and the state for a command that only reads."""
    config = load_config(path, verbose)
    with import_without_gc():
        from syndicator.inspection import open_state

    with closing(open_state(config)) as database:
        yield config, database


def load_config(path: Path | None, verbose: bool) -> "Config":
    """Load the config first, so that its mistakes are reported before the rest is imported."""
    with import_without_gc():
        from syndicator.config import load

    config = load(path, os.environ)
    if verbose:
        from syndicator import from_config
        from syndicator.logs import Logs

        options = from_config.log_options(config, verbose=True)
        Logs(options, sys.stderr.fileno(), os.environ)
    return config


@contextmanager
def import_without_gc() -> Iterator[None]:
    """Turn garbage collection off: imported objects stay, and scanning them is 10 % of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
