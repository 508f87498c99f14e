"""The published files, as they are served: also before the other parts of the daemon are there."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.types import Receive, Scope, Send

from syndicator.config import Config
from syndicator.errors import UnavailableError
from syndicator.outputs.output import Output
from syndicator.store import feeds
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue, FeedCatalogue
from syndicator.web.prepared_responses import FEEDS, PublishedFile, format_of, text_response
from syndicator.web.proxies import Network, Proxies
from syndicator.websub.links import link_header

_STARTING = text_response(503, "Starting.\n", (b"retry-after", b"1"))


class ServedFiles:
    """The files of the catalogue, as they were published last."""

    def __init__(self, catalogue: Catalogue, database: Database, output: Output) -> None:
        self._catalogue = catalogue
        self._database = database
        self._output = output
        self._showing = threading.Lock()
        self._shown: dict[str, FileRow] = {}
        self._topics: dict[str, str] = {}  # path by URL

    def show_published(self) -> bool:
        """Serve all files that the state has. Raises StateError if it can't be read.

        False: the output does not have some of them as the state does. If a bucket can't be read
        now, the first run that can shows them, as `OtherProcesses` does.
        """
        # Locked: what is published meanwhile is shown later.
        with self._showing:
            with self._database.read() as connection:
                rows = feeds.all_files(connection)
            with suppress(UnavailableError):
                self._show(rows)
            return all(self._shown.get(row.path) == row for row in rows)

    def show(self, rows: Sequence[FileRow]) -> None:
        """Serve these files as they are in the output now. Unchanged ones are not read again.

        The index page waits for all others: without it, the catalogue is incomplete and answers 503
        for a file that a crash or a restored backup left otherwise than in the state. The first run
        publishes that file, and shows the index page last. Raises UnavailableError.
        """
        with self._showing:
            self._show(rows)

    def _show(self, rows: Sequence[FileRow]) -> None:
        rows = [row for row in rows if row != self._shown.get(row.path)]
        self._topics |= {row.url: row.path for row in rows if _is_topic(row)}
        bodies = self._output.bodies({row.path: row.disk for row in rows if not row.gone})
        files = {row.path: _served(row, bodies[row.path]) for row in rows if row.path in bodies}
        gone = [row.path for row in rows if row.gone]
        if {row.path for row in rows} - files.keys() - self._shown.keys() - {*gone}:
            files.pop("index.html", None)
        self._catalogue.update(files.values(), gone=gone)
        self._shown |= {row.path: row for row in rows if row.gone or row.path in files}

    def shown(self) -> list[FileRow]:
        """The files that are served now, and those answered 410."""
        return list(self._shown.values())

    def is_complete(self) -> bool:
        """Whether the first run is complete, so that any other file does not exist."""
        return self._catalogue.is_complete

    def topic(self, url: str) -> FileRow | None:
        """A topic by its URL; None: no such topic, which costs no query."""
        if (path := self._topics.get(url)) is None:
            return None
        # Read from the state: a file is shown before its row is committed.
        with self._database.read() as connection:
            row = feeds.file(connection, path)
        return row if row is not None and row.url == url and _is_topic(row) else None


def _served(row: FileRow, bodies: Mapping[str, bytes]) -> PublishedFile:
    topic = format_of(row.media_type) in FEEDS
    return PublishedFile(
        path=row.path,
        media_type=row.media_type,
        updated=row.updated,
        digest=row.digest,
        link=link_header(row.hubs, row.url) if topic else None,
        page=f"{row.feed}.html" if topic else None,
        bodies=bodies,
    )


def _is_topic(row: FileRow) -> bool:
    """Whether a file is a feed with hubs. An alias does not count: it has the URL of its feed."""
    return bool(row.hubs) and not row.gone and row.path.rpartition(".")[0] == row.feed


def catalogue_of(config: Config, archives: Archives) -> Catalogue:
    """An empty catalogue for the files of this config, and for the pages of their archives."""
    return Catalogue(
        max_age=_max_age(config),
        home=config.feeds.url,
        moved={path: config.feeds.url + to for path, to in config.feeds.moved},
        archives=archives,
    )


def archives_of(config: Config, output: Output) -> Archives:
    """The archives of this config's feeds, still without pages, with files in `output`."""
    return Archives(max_age=_max_age(config), home=config.feeds.url, read=output.files.read_part)


def _max_age(config: Config) -> int:
    return int(config.web.max_age.total_seconds())


def starting_app(catalogue: Catalogue, trusted: Sequence[Network]) -> FeedCatalogue:
    """The app until all parts are there: published files, and 503 for all else.

    `trusted`: networks of proxies. Requests are not counted, and polls not limited.
    """
    proxies = Proxies(trusted)
    return FeedCatalogue(catalogue, _starting, on_request=lambda *_: None, proxies=proxies)


async def _starting(scope: Scope, _receive: Receive, send: Send) -> None:
    body = b"" if scope["method"] == "HEAD" else _STARTING.content()
    headers = list(_STARTING.headers)
    await send({"type": "http.response.start", "status": _STARTING.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
