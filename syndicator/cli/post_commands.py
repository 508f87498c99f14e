"""The commands that show what is in feeds: `syndicator preview` and `syndicator feeds`."""

import os
from pathlib import Path

import click
from msgspec.structs import asdict

from syndicator import garbage
from syndicator.cli import output
from syndicator.cli.opening import load_config, read_state
from syndicator.cli.options import config_options, json_option


@click.command()
@click.argument(
    "post",
    metavar="POST",
    help="A path from here, from the site or absolute, or the end of one.",
)
@config_options
@json_option
@click.option("--open", "open_page", is_flag=True, help="Show it as a page in a browser instead.")
def preview(post: str, config: Path | None, verbose: bool, json: bool, open_page: bool) -> None:
    """Show what feeds make of one post, before or after it is published.

    Prints its id, the feeds it is in or why it is not, its problems, and its entry in each format.
    Reads the site and the state, if there is one, and changes nothing. Exit code 1: the post has
    problems, or there is no such post.
    """
    settings = load_config(config, verbose)
    from syndicator.inspection import preview_post

    garbage.collect_from_now()
    with output.progress() as progress:
        found = preview_post(settings, post, os.getcwd(), progress)
    from syndicator.cli import preview_output

    if open_page:
        click.echo(preview_output.open_page(found))
    elif json:
        output.print_json(preview_output.fields(found))
    else:
        click.echo("\n".join(preview_output.lines(found)))
    raise click.exceptions.Exit(1 if found.problems else 0)


@click.command()
@config_options
@json_option
def feeds(config: Path | None, verbose: bool, json: bool) -> None:
    """List the published feeds: names, entries, subscribers of our own hub, addresses."""
    with read_state(config, verbose) as (_, database):
        from syndicator.inspection import list_feeds

        found = list_feeds(database)
    if json:
        output.print_json({"feeds": [asdict(feed) for feed in found]})
    else:
        from syndicator.cli import feed_table

        click.echo("\n".join(feed_table.lines(found)))
