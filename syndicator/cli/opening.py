"""Opens what a command needs: its config, its state, the service.

Nothing is imported before the config is known to be right.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from syndicator import garbage

if TYPE_CHECKING:
    from syndicator.config import Config
    from syndicator.service import Service
    from syndicator.store.database import Database


@contextmanager
def open_service(path: Path | None, verbose: bool, *, make: bool = False) -> "Iterator[Service]":
    """The service for one command. `make`: create the state if it does not exist."""
    config = load_config(path, verbose)
    if make and config.state.file and not os.path.lexists(config.state.file):
        _expect_new_posts()
    from syndicator.service import Service

    with Service(config, make=make) as service:
        garbage.collect_from_now()
        yield service


def _expect_new_posts() -> None:
    """Start a worker process at once: all posts are new, and what renders them imports slowly."""
    from syndicator.build.processes import start_early

    start_early(
        ("syndicator.build.read", "syndicator.jekyll.render", "syndicator.jekyll.fast_heads")
    )


@contextmanager
def read_state(path: Path | None, verbose: bool) -> "Iterator[tuple[Config, Database]]":
    """The config and the state for a command that only reads."""
    config = load_config(path, verbose)
    from syndicator.inspection import open_state

    with closing(open_state(config)) as database:
        yield config, database


def load_config(path: Path | None, verbose: bool) -> "Config":
    """Load the config first, so that its mistakes are reported before the rest is imported."""
    from syndicator.config import load

    config = load(path, os.environ)
    if verbose:
        from syndicator import from_config
        from syndicator.logs import Logs

        options = from_config.log_options(config, verbose=True)
        Logs(options, sys.stderr.fileno(), os.environ)
    return config
