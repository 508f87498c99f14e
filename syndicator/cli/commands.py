"""The commands and their options. Each loads the config, calls the service and prints the result.

Nothing heavy is imported before a command needs it, so that help and usage errors appear at once.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click
from msgspec.structs import asdict, replace

from syndicator import __version__, garbage
from syndicator.cli import output
from syndicator.cli.hub_commands import hub
from syndicator.cli.opening import (
    load_config,
    open_service,
    read_state,
)
from syndicator.cli.options import (
    HELP_NAMES,
    PATH,
    Group,
    config_options,
    json_option,
    parse_patience,
    pass_on,
)
from syndicator.cli.post_commands import feeds, preview
from syndicator.model.content import Problem


def _print_version(context: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested:
        click.echo(f"syndicator {__version__}")
        context.exit()


def _print_completion(context: click.Context, _: click.Parameter, shell: str | None) -> None:
    """https://click.palletsprojects.com/en/stable/shell-completion/"""
    if shell:
        from click.shell_completion import get_completion_class

        found = get_completion_class(shell)
        assert found
        click.echo(found(app, {}, "syndicator", "_SYNDICATOR_COMPLETE").source())
        context.exit()


@click.group(
    cls=Group,
    name="syndicator",
    epilog="Start with: syndicator init, syndicator check, syndicator run.",
    context_settings=HELP_NAMES,
)
@config_options
@click.option(
    "--version",
    is_flag=True,
    callback=_print_version,
    is_eager=True,
    expose_value=False,
    help="Print the version.",
)
@click.option(
    "--show-completion",
    type=click.Choice(["bash", "zsh", "fish"]),
    callback=_print_completion,
    is_eager=True,
    expose_value=False,
    metavar="SHELL",
    help="Print the completion for bash, zsh or fish.",
)
@click.pass_context
def app(context: click.Context, config: Path | None, verbose: bool) -> None:
    """Publish feeds of a Jekyll site's posts, and notify subscribers when a post is saved.

    syndicator reads a folder of Markdown posts, builds RSS, Atom and JSON feeds for the whole
    site and for each category, notifies WebSub hubs of changed feeds, and serves the feeds.
    """
    pass_on(context, config, verbose)


@app.command()
@click.argument(
    "directory",
    type=PATH,
    default=Path(),
    metavar="[DIR]",
    help="The folder that contains _posts/.",
)
@config_options
def init(directory: Path, config: Path | None, verbose: bool) -> None:
    """Write a commented config for the site in DIR.

    The config is written to config/syndicator.toml in the current directory, or to the path given
    with --config. An existing file is never overwritten.
    """
    from syndicator.cli import init

    garbage.collect_from_now()
    for line in init.write_config(directory, config, os.environ):
        click.echo(line)


@app.command()
@config_options
@json_option
def check(config: Path | None, verbose: bool, json: bool) -> None:
    """List every problem in the config and the posts. Writes nothing.

    Every post is read. Each problem is printed as path:line: message, with a hint below it.
    Exit code 1: there are problems.
    """
    settings = load_config(config, verbose)
    from syndicator.inspection import check_site

    garbage.collect_from_now()
    with output.progress() as progress:
        report = check_site(settings, progress)
    output.print_report(report, json=json)
    raise click.exceptions.Exit(1 if report.problems else 0)


@app.command()
@config_options
@json_option
def build(config: Path | None, verbose: bool, json: bool) -> None:
    """Write the feeds that changed, once.

    Notifications are queued and sent by `syndicator push`. `syndicator run` does both
    continuously. Exit code 1: there are problems; everything else was published.
    """
    with open_service(config, verbose, make=True) as service, output.progress() as progress:
        from syndicator.live_pages import build_and_ask

        failure = service.git.fetch(progress)
        report = build_and_ask(service, progress)
        report = replace(report, archived=service.archive(progress))
        service.git.tidy(progress)
    if failure:
        problem = Problem(path="source.git", message=str(failure), hint=failure.hint)
        report = replace(report, problems=(*report.problems, problem))
    output.print_report(report, json=json)
    raise click.exceptions.Exit(1 if report.problems else 0)


@app.command()
@config_options
@json_option
@click.option("--all", "everything", is_flag=True, help="First queue a ping for every feed.")
@click.option(
    "--when-live",
    metavar="DURATION",
    help="Ping each feed once its address serves it as it was built. Those that do not within "
    'this time, as in "10m", stay queued.',
)
def push(
    config: Path | None, verbose: bool, json: bool, everything: bool, when_live: str | None
) -> None:
    """Send queued notifications to hubs and subscribers, once.

    If a daemon is running, it sends them instead. Exit code 1: some are still queued; the next
    push or `syndicator run` retries them.
    """
    patience = None if when_live is None else parse_patience(when_live)
    with open_service(config, verbose) as service, output.progress() as progress:
        from syndicator.ops.hub import enqueue_all_pings
        from syndicator.store.locks import find_daemon

        if everything:
            enqueue_all_pings(service.database, service.config.hub_url, datetime.now(UTC))
        if find_daemon(service.database):  # it knows what it serves, and sends within seconds
            output.print_summary("left to the running daemon", json=json)
            return
        report = service.push(progress, when_live=patience)
        service.delete_expired()
    output.print_report(report, json=json)
    raise click.exceptions.Exit(1 if report.queued else 0)


@app.command()
@config_options
def run(config: Path | None, verbose: bool) -> None:
    """Poll, build, push and serve until stopped.

    SIGTERM and SIGINT stop it, SIGHUP reloads the config. Exit code 0: it was stopped by a signal.
    """
    from syndicator import daemon

    raise click.exceptions.Exit(daemon.run(config, verbose=verbose))


@app.command()
@config_options
@json_option
@click.option(
    "--check", is_flag=True, help="Print only what needs attention; exit code 1 if anything."
)
@click.option(
    "--url",
    metavar="URL",
    help="Ask the daemon at this operator's address instead of reading config and state; "
    "with --check or --json.",
)
def status(config: Path | None, verbose: bool, json: bool, check: bool, url: str | None) -> None:
    """Show what is published, queued and failing.

    Lists the feeds, the last run, the queued notifications, failures and their next attempts.
    With --check, for monitoring: only what needs attention, and exit code 1 if anything does.
    """
    if url is not None:
        _status_of_daemon(url, check=check, json=json)
    with read_state(config, verbose) as (settings, database):
        from syndicator import inspection

        now = datetime.now(UTC)
        status = inspection.collect_status(settings, database, now)
        concerns = inspection.concerns(settings, database, status, now)
    if json:
        output.print_json({**asdict(status), "concerns": concerns})
    elif check:
        click.echo(output.printable_lines(concerns) or "All is well.")
    else:
        from syndicator.cli import status_page

        click.echo(output.printable_lines(status_page.status_lines(status, concerns, now)))
    raise click.exceptions.Exit(1 if check and concerns else 0)


def _status_of_daemon(url: str, *, check: bool, json: bool) -> NoReturn:
    from syndicator.ops.daemon_status import ask

    if not (check or json):
        raise click.BadParameter("it needs --check or --json as well", param_hint="--url")
    fields = ask(url)
    if json:
        output.print_json(fields)
    else:
        click.echo(output.printable_lines(fields["concerns"]) or "All is well.")
    raise click.exceptions.Exit(1 if check and fields["concerns"] else 0)


@app.command()
@config_options
@json_option
@click.option(
    "--ask", is_flag=True, help="Also test the hubs, and whether feeds.url leads back here."
)
def doctor(config: Path | None, verbose: bool, json: bool, ask: bool) -> None:
    """Check whether this machine and this config are ready.

    Checks addresses, folders, disks, ports, the state, the clock, the limits on watching, and what
    other users of this host may read or write. Writes nothing, and uses the network only with
    --ask.
    Exit code 1: there are problems. Notes don't count, such as an address for this machine only.
    """
    settings = load_config(config, verbose)
    from syndicator.config import find
    from syndicator.machine_checks import check_machine

    found = check_machine(settings, ask=ask, config_file=find(config, os.environ))
    problems = [each for each in found if not each.note]
    notes = [each for each in found if each.note]
    if json:
        output.print_json(
            {"problems": list(map(asdict, problems)), "notes": list(map(asdict, notes))}
        )
    else:
        for line in (line for each in problems + notes for line in output.problem_lines(each)):
            click.echo(line)
        if not problems:
            click.echo("All is well.")
    raise click.exceptions.Exit(1 if problems else 0)


@app.command()
@click.argument("file", type=PATH, metavar="FILE", help="The file to create.")
@config_options
@json_option
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
def backup(file: Path, config: Path | None, verbose: bool, json: bool, overwrite: bool) -> None:
    """Copy the state to FILE, also while the daemon runs.

    FILE is complete as of one time, appears at once, and is readable by its owner only. For
    PostgreSQL, the command of pg_dump is printed instead. Exit code 1: there is no backup.
    """
    settings = load_config(config, verbose)
    from syndicator.cli import state

    state.print_backup(state.back_up(settings, file, overwrite=overwrite), json=json)


@app.command("move-state")
@click.argument("url", metavar="URL", help="The new state, as [state] url would name it.")
@config_options
def move_state(url: str, config: Path | None, verbose: bool) -> None:
    """Copy the state to another database: from SQLite to PostgreSQL, or back.

    Ids, subscriptions and queued notifications are kept, and nothing is sent anew. Stop the daemon
    first. URL must be empty. The config stays as it is, and the old state too: what to do next is
    printed. Exit code 1: nothing was copied.
    """
    with open_service(config, verbose) as service, output.progress() as progress:
        from syndicator.cli import state

        target = state.target_config(config, url)
        rows = state.move(service, target, progress)
    click.echo("\n".join(state.next_steps(service.config, target, rows)))


app.add_command(preview)
app.add_command(feeds)
app.add_command(hub)
