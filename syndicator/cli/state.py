"""Backs up and moves the state, and says what was done and what comes next."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from sqlalchemy import make_url

from syndicator import from_config
from syndicator.cli import output
from syndicator.config import Config, load
from syndicator.errors import ConfigError, StateError
from syndicator.model.readable import size
from syndicator.model.report import count
from syndicator.store import backup
from syndicator.store import move as moving
from syndicator.store.state_errors import without_password

if TYPE_CHECKING:
    from syndicator.service import Service

#: The setting from the environment, which a config file can't replace.
_VARIABLE = "SYNDICATOR_STATE__URL"


class Backup(NamedTuple):
    file: Path
    bytes: int


def back_up(config: Config, file: Path, *, overwrite: bool) -> Backup:
    """Copy the state to a file. Raises StateError, as `backup.back_up` does."""
    file = Path(os.path.abspath(file))
    feeds = config.output.path
    if feeds and Path(os.path.realpath(file)).is_relative_to(os.path.realpath(feeds)):
        hint = "name a file elsewhere: the backup has subscribers' secrets"
        raise StateError(f"{feeds} is public: all files in it are served", hint=hint)
    return Backup(file, backup.back_up(config.state.url, file, overwrite=overwrite))


def print_backup(made: Backup, *, json: bool) -> None:
    if json:
        output.print_json(made._asdict())
    else:
        click.echo(f"backed up the state to {made.file}, {size(made.bytes)}")


def target_config(path: Path | None, url: str) -> Config:
    """The config with another state. Raises ConfigError: the URL can't be a state's."""
    try:
        return load(path, {**os.environ, _VARIABLE: url})
    except ConfigError as error:  # the config is known to be valid otherwise
        found = error.mistakes or (str(error).replace(_VARIABLE, "it"),)
        mistakes = tuple(one.replace(f" ({_VARIABLE})", "") for one in found)
        raise ConfigError("this URL can't be the state's", mistakes=mistakes) from error


def move(
    service: "Service", target: Config, progress: Callable[[int, int | None, str], None]
) -> Mapping[str, int]:
    """Copy the state to that of another config. Returns the rows by table."""
    return moving.move(
        service.database,
        target.state.url,
        datetime.now(UTC),
        lambda done, total: progress(done, total, "copying"),
        folder_mode=from_config.state_folder_mode(target),
    )


def next_steps(config: Config, target: Config, rows: Mapping[str, int]) -> Iterator[str]:
    """What was copied, and what to do next."""
    old, new = (without_password(make_url(each.state.url)) for each in (config, target))
    kept = (
        count(rows["identities"], "id"),
        count(rows["subscriptions"], "subscription"),
        count(rows["jobs"], "notification"),
    )
    yield f"copied to {new}: {', '.join(kept)}"
    yield "Next:"
    hidden = ", with its password" if "***" in new else ""
    if _VARIABLE in os.environ:
        yield f"  1. set {_VARIABLE} to the new URL{hidden}"
    else:
        yield f'  1. set [state] url = "{new}"{hidden}'
    yield "  2. start syndicator again, and look at syndicator status"
    yield f"  3. delete the old state: {old}"
    yield "Do not start a daemon on the old state: it would send its notifications once more."
