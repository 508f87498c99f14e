"""The commands `syndicator hub …`."""

from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import asdict

from syndicator.cli import output
from syndicator.cli.opening import open_service, read_state
from syndicator.cli.options import Group, config_options, json_option, pass_on


@click.group(cls=Group)
@config_options
@click.pass_context
def hub(context: click.Context, config: Path | None, verbose: bool) -> None:
    """List and remove subscriptions at our own hub."""
    pass_on(context, config, verbose)


@hub.command("list")
@config_options
@json_option
def hub_list(config: Path | None, verbose: bool, json: bool) -> None:
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

        click.echo(output.printable_lines(status_page.subscription_lines(subscribers, now)))


@hub.command("remove")
@click.argument("callback", metavar="CALLBACK", help="Its address, or its name in `hub list`.")
@config_options
def hub_remove(callback: str, config: Path | None, verbose: bool) -> None:
    """Remove every subscription of a callback, and notify it.

    It may subscribe again. Exit code 1: it has no subscription.
    """
    with open_service(config, verbose) as service:
        from syndicator.ops.hub import unsubscribe

        removed = unsubscribe(service.database, callback, datetime.now(UTC))
    click.echo(
        f"{removed:,} removed"
        if removed
        else "No subscription has this callback: see syndicator hub list"
    )
    raise click.exceptions.Exit(0 if removed else 1)
