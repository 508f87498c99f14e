"""The options that several commands have, and groups that list commands as they were added."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: A path on the command line. The command reports what is wrong with it.
PATH = click.Path(readable=False, path_type=Path)

#: Settings of a group, and of the commands in it.
HELP_NAMES = {"help_option_names": ["-h", "--help"]}

_config = click.option(
    "--config",
    type=PATH,
    metavar="PATH",
    help="The config file. Default: $SYNDICATOR_CONFIG, else config/syndicator.toml, "
    "else syndicator.toml.",
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Log more details to stderr.")

json_option = click.option("--json", is_flag=True, help="Print one JSON object.")


def config_options(command: _Command) -> _Command:
    """The options of every command, which may stand before it too: `pass_on`."""
    return _config(_verbose(command))


class Group(click.Group):
    """A group of commands in the order in which they were added, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def parse_patience(text: str) -> timedelta:
    """The duration of `--when-live`. Raises BadParameter."""
    from syndicator.config.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--when-live") from error


def pass_on(context: click.Context, config: Path | None, verbose: bool) -> None:
    """Make these options the defaults of the command that follows: given there, they win.

    https://click.palletsprojects.com/en/stable/commands/#overriding-defaults
    """
    defaults = ({"config": config} if config else {}) | ({"verbose": True} if verbose else {})
    assert isinstance(context.command, click.Group)
    context.default_map = dict.fromkeys(context.command.commands, defaults)
