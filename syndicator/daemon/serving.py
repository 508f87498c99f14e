"""What the web server serves: the published files, the hub's endpoint, health and metrics."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from starlette.routing import BaseRoute

from syndicator.config import Config, Listen, WebSettings
from syndicator.daemon.recorder import Recorder
from syndicator.observe import Metrics
from syndicator.outbound import Client
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.web.app import counter, make_app
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue, FeedCatalogue, OnRequest
from syndicator.web.health import Health, admin_app
from syndicator.web.hub import Hub, HubEndpoint
from syndicator.web.hub_fetches import HubFetches
from syndicator.web.hub_limits import HubLimits
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import FEEDS, PublishedFile, format_of
from syndicator.web.proxies import Proxies
from syndicator.websub.hub_requests import LeaseBounds
from syndicator.websub.links import link_header

#: Names of this machine. No page of another site can have them.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class ServedFiles:
    """The files of the catalogue, as they were published last."""

    def __init__(self, catalogue: Catalogue, database: Database, output: OutputFolder) -> None:
        self._catalogue = catalogue
        self._database = database
        self._output = output
        self._shown: dict[str, FileRow] = {}
        self._topics: dict[str, str] = {}  # path by URL

    def show_published(self) -> None:
        """Serve all files that the state has. Raises StateError if it can't be read."""
        with self._database.read() as connection:
            rows = feeds.all_files(connection)
        self.show(rows)

    def show(self, rows: Sequence[FileRow]) -> None:
        """Serve these files as they are on disk now. Unchanged ones are not read again.

        The index page waits for all others: without it, the catalogue is incomplete and answers 503
        for a file that a crash or a restored backup left otherwise than in the state. The first run
        publishes that file, and shows the index page last.
        """
        rows = [row for row in rows if row != self._shown.get(row.path)]
        self._topics |= {row.url: row.path for row in rows if _is_topic(row)}
        files = {row.path: file for row in rows if (file := self._read(row))}
        gone = [row.path for row in rows if row.gone]
        if {row.path for row in rows} - files.keys() - self._shown.keys() - {*gone}:
            files.pop("index.html", None)
        self._catalogue.update(files.values(), gone=gone)
        self._shown |= {row.path: row for row in rows if row.gone or row.path in files}

    def shown(self) -> list[FileRow]:
        """The files that are served now, and those answered 410."""
        return list(self._shown.values())

    def _read(self, row: FileRow) -> PublishedFile | None:
        bodies = {} if row.gone else self._output.bodies(row.path, row.disk)
        if not bodies:
            return None
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

    def topic(self, url: str) -> FileRow | None:
        """A topic by its URL; None: no such topic, which costs no query."""
        if (path := self._topics.get(url)) is None:
            return None
        # Read from the state: a file is shown before its row is committed.
        with self._database.read() as connection:
            row = feeds.file(connection, path)
        return row if row is not None and row.url == url and _is_topic(row) else None


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


def archives_of(config: Config, output: OutputFolder) -> Archives:
    """The archives of this config's feeds, still without pages, with files in `output`."""
    return Archives(max_age=_max_age(config), home=config.feeds.url, read=output.files.read_part)


def _max_age(config: Config) -> int:
    return int(config.web.max_age.total_seconds())


def public_app(
    config: Config,
    catalogue: Catalogue,
    recorder: Recorder,
    routes: Sequence[BaseRoute],
    *,
    health: Health,
    on_request: OnRequest,
) -> FeedCatalogue:
    """The app of the public address. `routes`: those of the hub's endpoint, if it has one."""
    limit = config.web.poller_limit
    trusted = config.web.trusted_proxies
    return make_app(
        catalogue,
        health=health,
        on_request=on_request,
        routes=routes,
        limiter=PollLimiter(limit, trusted=trusted) if limit else None,
        proxies=Proxies(trusted, on_untrusted=recorder.untrusted_proxy),
    )


def request_counter(
    config: Config, client: Client, recorder: Recorder, metrics: Metrics
) -> OnRequest:
    """Counts requests, and records fetches by the outside hubs."""
    fetches = HubFetches(
        [hub for hub in config.hubs if hub != config.hub_url],
        peers=client.peers,
        on_fetch=recorder.hub_fetched,
        trusted=config.web.trusted_proxies,
    )
    return fetches.watching(counter(metrics.requests))


def hub_routes(
    config: Config,
    database: Database,
    client: Client,
    topic: Callable[[str], FileRow | None],
    on_queued: Callable[[], None],
) -> list[BaseRoute]:
    """The hub's endpoint at its public path, and at those that a proxy may make of it.

    Empty if the config has no hub of its own. `on_queued` is called when it has queued a job.
    """
    if config.hub_url is None:
        return []
    lease = config.hub.lease
    hub = Hub(
        database,
        read=topic,
        refusal=client.refusal,
        limits=HubLimits(
            **config.hub.limits.model_dump(),
            lease=LeaseBounds(min=lease.min, default=lease.default, max=lease.max),
        ),
        clock=lambda: datetime.now(UTC),
        on_queued=on_queued,
    )
    endpoint = HubEndpoint(hub, home=config.feeds.url, trusted=config.web.trusted_proxies)
    paths = hub_paths(_path_of(config.hub_url), root=_path_of(config.feeds.url))
    return [route for path in paths for route in endpoint.routes(path)]


def hub_paths(public: str, *, root: str) -> list[str]:
    """The paths of the hub: its public one, and /hub for proxies that strip the feeds' `root`.

    Each also with a slash at its end, and as proxies misspell it (see `catalogue.without_slip`).
    """
    stripped = "/hub"
    paths = (public.rstrip("/") or stripped, stripped, f"/{root.strip('/')}hub")
    return [path + end for path in dict.fromkeys(paths) for end in ("", "/")]


def operator_app(web: WebSettings, health: Health) -> FeedCatalogue:
    """The app of the operator's address.

    Server takes a FeedCatalogue; this one is empty, so every request reaches the app.
    """
    app = admin_app(health, _admin_hosts(web))
    return FeedCatalogue(Catalogue(max_age=0), app, on_request=lambda *_: None)


def _admin_hosts(web: WebSettings) -> list[str]:
    """Host names that the operator's address accepts: those of this machine and of the config."""
    own = [web.admin.host] if isinstance(web.admin, Listen) else []
    names = [*LOOPBACK_NAMES, *own, *web.admin_hosts]
    return [f"[{name}]" if ":" in name else name for name in names]


def _path_of(address: str) -> str:
    """The decoded path of a URL, as requests have it."""
    return unquote(urlsplit(address).path)
