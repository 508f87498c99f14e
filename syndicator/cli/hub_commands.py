"""The commands `syndicator hub …`."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from syndicator.cli import output
from syndicator.cli.opening import open_service, read_state
from syndicator.cli.options import ConfigPath, Json, Verbose, pass_on

hub = typer.Typer(
    name="hub", help="List and remove subscriptions at our own hub.", no_args_is_help=True
)


@hub.callback()
def _hub_options(
    context: typer.Context, config: ConfigPath = None, verbose: Verbose = False
) -> None:
    pass_on(context, config, verbose)


@hub.command("list")
def hub_list(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """List subscriptions: their feed, lease and last delivery.

    A callback's address is a secret: only its host and a digest of the whole address are shown.
    """
    with read_state(config, verbose) as (_, database):
        from syndicator.ops.hub import list_subscribers

        now = datetime.now(UTC)
        subscribers = list_subscribers(database, now)
    if json:
        output.print_json({"subscriptions": [asdict(each) for each in subscribers]})
    else:
        from syndicator.cli import status_page

        typer.echo("\n".join(status_page.subscription_lines(subscribers, now)))


@hub.command("remove")
def hub_remove(
    callback: Annotated[
        str,
        typer.Argument(metavar="CALLBACK", help="Its address, or its name in `hub list`."),
    ],
    config: ConfigPath = None,
    verbose: Verbose = False,
) -> None:
    """Remove every subscription of a callback, and notify it.

    It may subscribe again. Exit code 1: it has no subscription.
    """
    with open_service(config, verbose) as service:
        from syndicator.ops.hub import unsubscribe

        removed = unsubscribe(service.database, callback, datetime.now(UTC))
    typer.echo(
        f"{removed:,} removed"
        if removed
        else "No subscription has this callback: see syndicator hub list"
    )
    raise typer.Exit(0 if removed else 1)
