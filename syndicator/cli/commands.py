"""The commands and their options. Each loads the config, calls the service and prints the result.

Nothing heavy is imported before a command needs it, so that help and usage errors appear at once.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from syndicator.cli import output

if TYPE_CHECKING:
    from syndicator.config import Config
    from syndicator.service import Service
    from syndicator.store.database import Database

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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", show_default=False)]


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"syndicator {version('syndicator')}")
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
    _pass_on(context, config, verbose)


def _pass_on(context: typer.Context, config: Path | None, verbose: bool) -> None:
    """Make these options the defaults of the command that follows: given there, they win.

    https://click.palletsprojects.com/en/stable/commands/#overriding-defaults
    """
    defaults = ({"config": config} if config else {}) | ({"verbose": True} if verbose else {})
    group = cast("typer.core.TyperGroup", context.command)
    context.default_map = dict.fromkeys(group.commands, defaults)


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

    for line in init.write_config(directory, config, os.environ):
        typer.echo(line)


@app.command()
def check(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """List every problem in the config and the posts. Writes nothing.

    Every post is read. Each problem is printed as path:line: message, with a hint below it.
    Exit code 1: there are problems.
    """
    settings = _load_config(config, verbose)
    with _import_without_gc():
        from syndicator.inspection import check_site

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
    with _open_service(config, verbose, make=True) as service, output.progress() as progress:
        report = service.build(progress)
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
    with _open_service(config, verbose) as service:
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
    with _import_without_gc():
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
    with _read_state(config, verbose) as (settings, database):
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
    Exit code 1: there are problems. A note, such as an address for this machine only, is none.
    """
    settings = _load_config(config, verbose)
    with _import_without_gc():
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
    settings = _load_config(config, verbose)
    with _import_without_gc():
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
    with _open_service(config, verbose) as service, output.progress() as progress:
        from syndicator.cli import state

        target = state.target_config(config, url)
        rows = state.move(service, target, progress)
    typer.echo("\n".join(state.next_steps(service.config, target, rows)))


hub = typer.Typer(
    name="hub", help="List and remove subscriptions at our own hub.", no_args_is_help=True
)
app.add_typer(hub)


@hub.callback()
def _hub_options(
    context: typer.Context, config: ConfigPath = None, verbose: Verbose = False
) -> None:
    _pass_on(context, config, verbose)


@hub.command("list")
def hub_list(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """List subscriptions: their feed, lease and last delivery.

    A callback's address is a secret: only its host and a digest of the whole address are shown.
    """
    with _read_state(config, verbose) as (_, database):
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
    with _open_service(config, verbose) as service:
        from syndicator.ops.hub import unsubscribe

        removed = unsubscribe(service.database, callback, datetime.now(UTC))
    typer.echo(
        f"{removed:,} removed"
        if removed
        else "No subscription has this callback: see syndicator hub list"
    )
    raise typer.Exit(0 if removed else 1)


@contextmanager
def _open_service(path: Path | None, verbose: bool, *, make: bool = False) -> "Iterator[Service]":
    """The service for one command. `make`: create the state if it does not exist."""
    config = _load_config(path, verbose)
    with _import_without_gc():
        from syndicator.service import Service

    with Service(config, make=make) as service:
        yield service


@contextmanager
def _read_state(path: Path | None, verbose: bool) -> "Iterator[tuple[Config, Database]]":
    """The config and the state for a command that only reads."""
    config = _load_config(path, verbose)
    with _import_without_gc():
        from syndicator.inspection import open_state

    with closing(open_state(config)) as database:
        yield config, database


def _load_config(path: Path | None, verbose: bool) -> "Config":
    """Load the config first, so that its mistakes are reported before the rest is imported."""
    with _import_without_gc():
        from syndicator.config import load

    config = load(path, os.environ)
    if verbose:
        from syndicator import from_config
        from syndicator.logs import Logs

        options = from_config.log_options(config, verbose=True)
        Logs(options, sys.stderr.fileno(), os.environ)
    return config


@contextmanager
def _import_without_gc() -> Iterator[None]:
    """Turn garbage collection off: imported objects stay, and scanning them is 10 % of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
