"""What the operator types.

Exit codes: 0 as wished, 1 something is wrong that a person can mend, 2 wrong use or wrong config. Nothing heavy
is imported before a command needs it: help and mistakes answer at once.
"""

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syndicator.cli import output
from syndicator.errors import ConfigError, SyndicatorError

if TYPE_CHECKING:
    from syndicator.config import Config
    from syndicator.service import Service

app = typer.Typer(
    name="syndicator",
    help="Save a post, and everyone who follows it has it.\n\n"
    "syndicator reads a folder of Markdown posts, builds RSS, Atom and JSON feeds for the whole site and for each "
    "category, tells WebSub hubs which feeds changed, and serves them.",
    epilog="Begin with: syndicator init, syndicator check, syndicator run.",
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
        help="The config file. Else $SYNDICATOR_CONFIG, config/syndicator.toml or syndicator.toml.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Say more on stderr.", show_default=False)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print facts as one JSON object.", show_default=False)
]


def main() -> None:
    """Run the command that was typed, and leave with its exit code."""
    # Closed by whoever started us; what is open instead is so as long as we run.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except SyndicatorError as error:
        output.error(error)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is_somewhere():
            output.error(
                SyndicatorError(
                    "the folder that this was called in is gone", hint="cd to one that is there"
                )
            )
            sys.exit(1)
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        output.error(
            SyndicatorError(
                "no room is left for what there is to say", hint="see where stdout leads"
            )
        )
        sys.exit(1)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "can't start new thread" not in str(error):
            raise
        hint = "raise what it may have: ulimit -v and -u, or MemoryMax and TasksMax of its unit"
        output.error(
            SyndicatorError(
                "there is too little memory, or there are too few threads, to go on", hint=hint
            )
        )
        sys.exit(1)


def _is_somewhere() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"syndicator {version('syndicator')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def init(
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The folder that holds _posts/.")
    ] = Path(),
    config: ConfigPath = None,
    verbose: Verbose = False,
) -> None:
    """Write a commented config for the site found in DIR.

    It goes to config/syndicator.toml below the current folder, or where --config says. A file that is there
    is never overwritten.
    """
    from syndicator.cli import init

    for line in init.write(directory, config, os.environ):
        typer.echo(line)


@app.command()
def check(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """List each problem of config and posts; write nothing.

    Every post is read. Each problem stands as path:line: message, with a hint below it. Exit code 1: there are
    problems.
    """
    loaded = _prepared(config, verbose)
    with _importing():
        from syndicator.service import check_site

    with output.progress() as progress:
        report = check_site(loaded, progress)
    output.report(report, json=json)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def build(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """Build the feeds that changed, and write them, once.

    What is owed for them is noted, and sent by `syndicator push`; `syndicator run` does both, again and again.
    Exit code 1: there are problems; everything else went out.
    """
    with _service(config, verbose, make=True) as service, output.progress() as progress:
        report = service.build(progress)
    output.report(report, json=json)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def push(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    everything: Annotated[
        bool, typer.Option("--all", help="First owe a ping for every feed.", show_default=False)
    ] = False,
) -> None:
    """Send what is owed to hubs and subscribers, once.

    Where a daemon runs, that is left to it. Exit code 1: something is still owed; it is tried again by the next
    push, or by `syndicator run`.
    """
    with _service(config, verbose) as service:
        if everything:
            service.enqueue_all_pings()
        if service.has_daemon():  # it knows what it serves, and pays within seconds
            output.line("left to the daemon, which sends what is owed", json=json)
            return
        report = service.push()
        service.delete_expired()
    output.report(report, json=json)
    raise typer.Exit(1 if report.owed else 0)


@app.command()
def run(config: ConfigPath = None, verbose: Verbose = False) -> None:
    """Poll, build, push and serve until told to stop.

    SIGTERM and SIGINT stop it, SIGHUP reads the config again. Exit code 0: it was told to stop.
    """
    with _importing():
        from syndicator import daemon

    raise typer.Exit(daemon.run(config, verbose=verbose))


@app.command()
def status(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say only what needs a person; exit code 1: something does."),
    ] = False,
) -> None:
    """Show what is out, what is owed, and what is wrong.

    The feeds, the last run, what is owed to whom, what failed and when it is tried again. With --check, for
    monitoring: only what needs a person, and exit code 1 when something does.
    """
    with _service(config, verbose) as service:
        found = service.status()
        concerns = service.concerns(found)
        now = datetime.now(UTC)
    if json:
        output.facts({**asdict(found), "concerns": concerns})
    elif check:
        typer.echo("\n".join(concerns) or "All is well.")
    else:
        from syndicator.cli import status_page

        typer.echo("\n".join(status_page.lines(found, concerns, now)))
    raise typer.Exit(1 if check and concerns else 0)


@app.command()
def doctor(
    config: ConfigPath = None,
    verbose: Verbose = False,
    json: Json = False,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Also ask the hubs, and feeds.url whether it leads back here."),
    ] = False,
) -> None:
    """Say what would go wrong on this machine with this config.

    Addresses, folders, disks, the port, state, clock, what other users of this host may read or write. It writes
    nothing, and asks the network only with --ask.
    Exit code 1: something would.
    """
    loaded = _prepared(config, verbose)
    with _importing():
        from syndicator.config import find
        from syndicator.service import examine

    found = examine(loaded, ask=ask, file=find(config, os.environ))
    if json:
        output.facts({"problems": [asdict(problem) for problem in found]})
    else:
        typer.echo(
            "\n".join(line for each in found for line in output.problem_lines(each))
            or "All is well."
        )
    raise typer.Exit(1 if found else 0)


hub = typer.Typer(
    name="hub", help="Show and end the subscriptions of our hub.", no_args_is_help=True
)
app.add_typer(hub)


@hub.command("list")
def hub_list(config: ConfigPath = None, verbose: Verbose = False, json: Json = False) -> None:
    """Show who is subscribed to which feed, until when, and whether deliveries arrive.

    A callback's address is a secret: it is shown as its host and a digest of the whole.
    """
    with _service(config, verbose) as service:
        found = service.subscribers()
        now = datetime.now(UTC)
    if json:
        output.facts({"subscriptions": [asdict(each) for each in found]})
    else:
        from syndicator.cli import status_page

        typer.echo("\n".join(status_page.subscriber_lines(found, now)))


@hub.command("remove")
def hub_remove(
    callback: Annotated[
        str, typer.Argument(metavar="CALLBACK", help="Its address, or what `hub list` calls it.")
    ],
    config: ConfigPath = None,
    verbose: Verbose = False,
) -> None:
    """End every subscription of a callback, and tell it so.

    It may subscribe again. Exit code 1: it has no subscription.
    """
    with _service(config, verbose) as service:
        number = service.unsubscribe(callback)
    typer.echo(
        f"{number:,} removed"
        if number
        else "No such callback is subscribed: see syndicator hub list"
    )
    raise typer.Exit(0 if number else 1)


@contextmanager
def _service(path: Path | None, verbose: bool, *, make: bool = False) -> "Iterator[Service]":
    """The parts put together as the config says, for one command. `make`: also a state, if there is none."""
    config = _prepared(path, verbose)
    with _importing():
        from syndicator.service import Service

    with Service(config, make=make) as service:
        yield service


def _prepared(path: Path | None, verbose: bool) -> "Config":
    """The config; a wrong one is told of before the rest is imported."""
    with _importing():
        from syndicator.config import load

    config = load(path, os.environ)
    if verbose:
        from syndicator import observe

        observe.logs(terminal=sys.stderr.isatty(), verbose=True)
    return config


@contextmanager
def _importing() -> Iterator[None]:
    """What is imported stays: to look through it for garbage, again and again, takes a tenth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
