"""The commands and their options. Each loads the config, calls the service and prints the result.

Nothing heavy is imported before a command needs it, so that help and usage errors appear at once.
"""

import os
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from syndicator import __version__, garbage
from syndicator.cli import output
from syndicator.cli.hub_commands import hub
from syndicator.cli.opening import load_config, open_service, read_state
from syndicator.cli.options import ConfigPath, Json, Verbose, pass_on

app = typer.Typer(
    name="syndicator",
    help="Publish feeds of a Jekyll site's posts, and notify subscribers when a post is saved."
    "\n\n"
    "syndicator reads a folder of Markdown posts, builds RSS, Atom and JSON feeds for the whole "
    "site and for each category, notifies WebSub hubs of changed feeds, and serves the feeds.",
    epilog="Start with: syndicator init, syndicator check, syndicator run.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes would double the time that help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"syndicator {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: ConfigPath = None,
    verbose: Verbose = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass_on(context, config, verbose)


@app.command()
def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that contains _posts/.")
    ] = Path(),
    config: ConfigPath = None,
    verbose: Verbose = False,
) -> None:
    """Write a commented config for the site in DIR.

    The config is written to config/syndicator.toml in the current directory, or to the path given
    with --config. An existing file is never overwritten.
    """
    from syndicator.cli import init

    garbage.collect_from_now()
    for line in init.write_config(directory, config, os.environ):
        typer.echo(line)


@app.command()
def check(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
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
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def build(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """Write the feeds that changed, once.

    Notifications are queued and sent by `syndicator push`. `syndicator run` does both
    continuously. Exit code 1: there are problems; everything else was published.
    """
    with open_service(config, verbose, make=True) as service, output.progress() as progress:
        report = service.build(progress)
        report = replace(report, archived=service.archive(progress))
    output.print_report(report, json=json)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def push(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    everything: Annotated[
        bool, typer.Option("--all", help="First queue a ping for every feed.", show_default=False)
    ] = False,
) -> None:
    """Send queued notifications to hubs and subscribers, once.

    If a daemon is running, it sends them instead. Exit code 1: some are still queued; the next
    push or `syndicator run` retries them.
    """
    with open_service(config, verbose) as service:
        from syndicator.ops.hub import enqueue_all_pings
        from syndicator.ops.status import has_daemon

        if everything:
            enqueue_all_pings(service.database, service.config.hub_url, datetime.now(UTC))
        if has_daemon(service.database):  # it knows what it serves, and sends within seconds
            output.print_summary("left to the running daemon", json=json)
            return
        report = service.push()
        service.delete_expired()
    output.print_report(report, json=json)
    raise typer.Exit(1 if report.queued else 0)


@app.command()
def run(config: ConfigPath = None, verbose: Verbose = False) -> None:
    """Poll, build, push and serve until stopped.

    SIGTERM and SIGINT stop it, SIGHUP reloads the config. Exit code 0: it was stopped by a signal.
    """
    from syndicator import daemon

    raise typer.Exit(daemon.run(config, verbose=verbose))


@app.command()
def status(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Print only what needs attention; exit code 1 if anything."),
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            help="Ask the daemon at this operator's address instead of reading config and state; "
            "with --check or --json.",
        ),
    ] = None,
) -> None:
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
        typer.echo(output.printable_lines(concerns) or "All is well.")
    else:
        from syndicator.cli import status_page

        typer.echo("\n".join(status_page.status_lines(status, concerns, now)))
    raise typer.Exit(1 if check and concerns else 0)


def _status_of_daemon(url: str, *, check: bool, json: bool) -> NoReturn:
    from syndicator.ops.daemon_status import ask

    if not (check or json):
        raise typer.BadParameter("it needs --check or --json as well", param_hint="--url")
    fields = ask(url)
    if json:
        output.print_json(fields)
    else:
        typer.echo(output.printable_lines(fields["concerns"]) or "All is well.")
    raise typer.Exit(1 if check and fields["concerns"] else 0)


@app.command()
def doctor(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Also test the hubs, and whether feeds.url leads back here."),
    ] = False,
) -> None:
    """Check whether this machine and this config are ready.

    Checks addresses, folders, disks, ports, the state, the clock, the limits on watching, and what
    other users of this host may read or write. Writes nothing, and uses the network only with
    --ask.
    Exit code 1: there are problems. Notes don't count, such as an address for this machine only.
    """
    settings = load_config(config, verbose)
    from syndicator.config import find
    from syndicator.inspection import check_machine

    found = check_machine(settings, ask=ask, config_file=find(config, os.environ))
    problems = [each for each in found if not each.note]
    notes = [each for each in found if each.note]
    if json:
        output.print_json(
            {"problems": list(map(asdict, problems)), "notes": list(map(asdict, notes))}
        )
    else:
        for line in (line for each in problems + notes for line in output.problem_lines(each)):
            typer.echo(line)
        if not problems:
            typer.echo("All is well.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to create.")],
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE if it exists.", show_default=False)
    ] = False,
) -> None:
    """Copy the state to FILE, also while the daemon runs.

    FILE is complete as of one time, appears at once, and is readable by its owner only. For
    PostgreSQL, the command of pg_dump is printed instead. Exit code 1: there is no backup.
    """
    settings = load_config(config, verbose)
    from syndicator.cli import state

    state.print_backup(state.back_up(settings, file, overwrite=overwrite), json=json)


@app.command("move-state")
def move_state(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The new state, as [state] url would name it.")
    ],
    config: ConfigPath = None,
    verbose: Verbose = False,
) -> None:
    """Copy the state to another database: from SQLite to PostgreSQL, or back.

    Ids, subscriptions and queued notifications are kept, and nothing is sent anew. Stop the daemon
    first. URL must be empty. The config stays as it is, and the old state too: what to do next is
    printed. Exit code 1: nothing was copied.
    """
    with open_service(config, verbose) as service, output.progress() as progress:
        from syndicator.cli import state

        target = state.target_config(config, url)
        rows = state.move(service, target, progress)
    typer.echo("\n".join(state.next_steps(service.config, target, rows)))


app.add_typer(hub)
