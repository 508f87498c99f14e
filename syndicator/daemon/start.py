"""The first step of a start: published files are served before anything else is imported.

Importing the rest takes longer than this step: builds, pushes, the schedule, the log.
"""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from syndicator.config import Config, load
from syndicator.config.settings import OutputSettings
from syndicator.daemon.activation import InheritedSockets, inherited_sockets
from syndicator.daemon.membership import DaemonMember
from syndicator.daemon.served_files import ServedFiles, archives_of, catalogue_of, starting_app
from syndicator.errors import OutputError, UnavailableError
from syndicator.file_access import refusal
from syndicator.service import Service
from syndicator.store import feeds, locks
from syndicator.store.leases import process_name
from syndicator.store.process_schema import DAEMON
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue
from syndicator.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping


class Opened:
    """The state and the output folder of one config. Opening the state may raise StateError."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.service = Service(config)
        self.archives: Archives = archives_of(config, self.service.output)
        self.catalogue: Catalogue = catalogue_of(config, self.archives)
        self.files = ServedFiles(self.catalogue, self.service.database, self.service.output)


class Started(Struct, frozen=True, kw_only=True):
    """A daemon that serves what was published, and does nothing else yet."""

    opened: Opened
    member: DaemonMember
    lock: ExitStack  #: on the state: a member until it is closed
    sockets: InheritedSockets
    server: Server


def start(path: Path | None, environ: "Mapping[str, str]") -> Started:
    """Load the config, lock the state and serve the published files, as the state has them.

    A file that a crash left otherwise is answered 503 until the first run, as all other paths are
    until all parts are there. Raises SyndicatorError if the daemon can't start.
    """
    config = load(path, environ)
    sockets = inherited_sockets(environ)
    opened = Opened(config)
    with ExitStack() as undo:
        undo.callback(opened.service.close)
        lock = undo.enter_context(ExitStack())
        member = join(opened, lock)
        with suppress(UnavailableError):  # the first run reports it
            require_output(opened)
        opened.service.git.require()
        opened.files.show_published()
        app = starting_app(opened.catalogue, config.web.trusted_proxies)
        server = Server(app, config.web.listen, sockets=sockets.web)
        server.start()
        undo.pop_all()
    return Started(opened=opened, member=member, lock=lock, sockets=sockets, server=server)


def join(opened: Opened, lock: ExitStack) -> DaemonMember:
    """Become one of the daemons on the state, until `lock` is closed. On SQLite the only one.

    Raises LockedError, which names the process that has the state.
    """
    database = opened.service.database
    if database.sqlite:
        lock.enter_context(locks.acquire(database, "daemon"))
        member = DaemonMember(process_name(DAEMON))
    else:
        from syndicator.daemon.presence import Presence

        member = presence = Presence(opened.config.state.url)
        lock.callback(presence.leave)
        presence.enter()
    opened.service.join(member)
    return member


def require_output(opened: Opened) -> None:
    """Raise OutputError if the output folder is another state's, or not the one that is published.

    A daemon that stands by serves the files of another process. If there are none yet, `follow` of
    the daemon's parts finds out.
    """
    service = opened.service
    is_ours = service.output.check_owner()
    if service.member.is_builder or is_ours:
        return
    with service.database.read() as connection:
        published = any(not file.gone for file in feeds.all_files(connection))
    if published:
        raise not_shared(opened.config.output.place)


def require_writable(output: OutputSettings) -> None:
    """Raise OutputError if no feeds can be published in a folder, which need not exist yet."""
    if output.path is None:
        return
    nearest = next(each for each in (output.path, *output.path.parents) if os.path.lexists(each))
    if not nearest.is_dir():
        hint = "move it away, or set another folder in [output] path"
        raise OutputError(f"{nearest} is not a folder", hint=hint)
    if why := refusal(output.path, write=True):
        raise OutputError(why.message, hint=why.hint)


def not_shared(place: str) -> OutputError:
    hint = "mount the folder that the other processes write, or name a bucket that all of them use"
    return OutputError(f"{place} does not have the feeds of this state", hint=hint)
