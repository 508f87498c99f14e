"""The first step of a start: published files are served before anything else is imported.

Importing the rest takes longer than this step: builds, pushes, the schedule, the log.
"""

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syndicator.config import Config, load
from syndicator.daemon.activation import InheritedSockets, inherited_sockets
from syndicator.daemon.served_files import ServedFiles, archives_of, catalogue_of, starting_app
from syndicator.errors import UnavailableError
from syndicator.service import Service
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue
from syndicator.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The claimer of the daemon's jobs. There is one daemon on a state.
_CLAIMER = "daemon"


class Opened:
    """The state and the output folder of one config. Opening the state may raise StateError."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.service = Service(config, claimer=_CLAIMER)
        self.archives: Archives = archives_of(config, self.service.output)
        self.catalogue: Catalogue = catalogue_of(config, self.archives)
        self.files = ServedFiles(self.catalogue, self.service.database, self.service.output)


@dataclass(frozen=True, kw_only=True)
class Started:
    """A daemon that serves what was published, and does nothing else yet."""

    opened: Opened
    lock: ExitStack  #: on the state
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
        lock.enter_context(opened.service.daemon_lock())
        with suppress(UnavailableError):  # the first run reports it
            opened.service.output.check_owner()
        opened.service.git.require()
        opened.files.show_published()
        app = starting_app(opened.catalogue, config.web.trusted_proxies)
        server = Server(app, config.web.listen, sockets=sockets.web)
        server.start()
        undo.pop_all()
    return Started(opened=opened, lock=lock, sockets=sockets, server=server)
