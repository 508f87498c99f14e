"""The options that several commands have."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, cast

import typer

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        show_default=False,
        help="The config file. Default: $SYNDICATOR_CONFIG, else config/syndicator.toml, "
        "else syndicator.toml.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Log more details to stderr.", show_default=False)
]
WhenLive = Annotated[
    str | None,
    typer.Option(
        "--when-live",
        metavar="DURATION",
        show_default=False,
        help="Ping each feed once its address serves it as it was built. Those that do not within "
        'this time, as in "10m", stay queued.',
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", show_default=False)]


def parse_patience(text: str) -> timedelta:
    """The duration of `--when-live`. Raises BadParameter."""
    from syndicator.config.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--when-live") from error


def pass_on(context: typer.Context, config: Path | None, verbose: bool) -> None:
    """Make these options the defaults of the command that follows: given there, they win.

    https://click.palletsprojects.com/en/stable/commands/#overriding-defaults
    """
    defaults = ({"config": config} if config else {}) | ({"verbose": True} if verbose else {})
    group = cast("typer.core.TyperGroup", context.command)
    context.default_map = dict.fromkeys(group.commands, defaults)
