"""What the web server serves: the published files, the hub's endpoint, health and metrics."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from starlette.routing import BaseRoute

from syndicator.config import WebSettings
from syndicator.daemon.faults import Faults
from syndicator.daemon.worker import Worker
from syndicator.errors import StateError
from syndicator.observe import Metrics
from syndicator.service import Service
from syndicator.store import feeds, outbox
from syndicator.store.feeds import FileRow
from syndicator.web.app import counter, make_app
from syndicator.web.catalogue import Catalogue, FeedCatalogue
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


class Serving:
    """The apps of one config, and the catalogue of files.

    `on_queued` is called when our hub has queued a job.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        faults: Faults,
        *,
        health: Health,
        on_queued: Callable[[], None],
    ) -> None:
        self._service = service
        self._metrics = metrics
        config = service.config
        self._topics: dict[str, str] = {}  # path by URL
        self._catalogue = Catalogue(
            max_age=int(config.web.max_age.total_seconds()),
            root=_path_of(config.feeds.url),
            moved={path: config.feeds.url + to for path, to in config.feeds.moved},
        )
        limit = config.web.poller_limit
        trusted = config.web.trusted_proxies
        # Written by threads of their own: the server's thread must not wait for the state.
        self._hub_fetches = Worker(
            "hub fetches",
            self._store_hub_fetches,
            at_least=timedelta(days=1),
            failed=partial(faults.report, "hub fetches"),
        )
        fetches = HubFetches(
            [hub for hub in config.hubs if hub != config.hub_url],
            peers=service.client.peers,
            on_fetch=self._hub_fetched,
            trusted=trusted,
        )
        self._untrusted_proxies = Worker(
            "untrusted proxies",
            self._store_untrusted_proxies,
            at_least=timedelta(days=1),
            failed=partial(faults.report, "untrusted proxies"),
        )
        service.store_untrusted_proxy("")  # one that was seen before may be gone
        self.app = make_app(
            self._catalogue,
            health=health,
            on_request=fetches.watching(counter(metrics.requests)),
            routes=_hub_routes(service, self._topic, on_queued),
            limiter=PollLimiter(limit, trusted=trusted) if limit else None,
            proxies=Proxies(trusted, on_untrusted=self._warn_untrusted),
        )
        #: The operator's app. Server takes a FeedCatalogue; this one is empty, so every request
        #: reaches the app.
        self.admin_app = FeedCatalogue(
            Catalogue(max_age=0),
            admin_app(health, _admin_hosts(config.web)),
            on_request=lambda *_: None,
        )
        self._shown: dict[str, FileRow] = {}
        service.on_files = self.show
        self.show(service.published())
        self._hub_fetches.start()
        self._untrusted_proxies.start()

    def stop(self) -> None:
        self._hub_fetches.stop()
        self._untrusted_proxies.stop()

    def stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        workers = {"hub fetches": self._hub_fetches, "untrusted proxies": self._untrusted_proxies}
        return [name for name, worker in workers.items() if not worker.heartbeat.is_alive()]

    def show(self, rows: Sequence[FileRow]) -> None:
        """Serve these files as they are on disk now. Unchanged ones are not read again."""
        rows = [row for row in rows if row != self._shown.get(row.path)]
        self._topics |= {row.url: row.path for row in rows if _is_topic(row)}
        files = {row.path: file for row in rows if (file := self._read(row))}
        gone = [row.path for row in rows if row.gone]
        self._catalogue.update(files.values(), gone=gone)
        self._shown |= {row.path: row for row in rows if row.gone or row.path in files}

    def shown(self) -> list[FileRow]:
        """The files that are served now, and those answered 410."""
        return list(self._shown.values())

    def _read(self, row: FileRow) -> PublishedFile | None:
        bodies = {} if row.gone else self._service.output.bodies(row.path, row.disk)
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

    def _topic(self, url: str) -> FileRow | None:
        """A topic by its URL; None: no such topic, which costs no query."""
        if (path := self._topics.get(url)) is None:
            return None
        # Read from the state: a file is shown before its row is committed.
        with self._service.database.read() as connection:
            row = feeds.file(connection, path)
        return row if row is not None and row.url == url and _is_topic(row) else None

    def _hub_fetched(self, hub: str) -> None:
        self._metrics.fetches.labels(hub).inc()
        self._hub_fetches.request(hub)

    def _warn_untrusted(self, proxy: str) -> None:
        """Log once that a proxy is not trusted. `doctor` reports it as well."""
        hint = (
            "if it is your proxy, add it to web.trusted_proxies: "
            "until then all its readers count as one client"
        )
        log: Any = structlog.get_logger()
        log.warning(
            "X-Forwarded-For came from an address that is not trusted", address=proxy, hint=hint
        )
        self._untrusted_proxies.request(proxy)

    def _store_untrusted_proxies(self, proxies: frozenset[str]) -> None:
        for proxy in proxies:
            self._service.store_untrusted_proxy(proxy)

    def _store_hub_fetches(self, hubs: frozenset[str]) -> None:
        if not hubs:
            return
        with suppress(StateError), self._service.database.begin() as connection:
            # An error is left to the next build, which meets and logs it too.
            outbox.record_fetch(connection, hubs, datetime.now(UTC))


def _is_topic(row: FileRow) -> bool:
    """Whether a file is a feed with hubs. An alias does not count: it has the URL of its feed."""
    return bool(row.hubs) and not row.gone and row.path.rpartition(".")[0] == row.feed


def _hub_routes(
    service: Service, topic: Callable[[str], FileRow | None], on_queued: Callable[[], None]
) -> list[BaseRoute]:
    """The hub's endpoint at its public path, and at /hub for proxies that strip the feeds' path."""
    config = service.config
    if config.hub_url is None:
        return []
    lease = config.hub.lease
    hub = Hub(
        service.database,
        read=topic,
        refusal=service.client.refusal,
        limits=HubLimits(
            **config.hub.limits.model_dump(),
            lease=LeaseBounds(min=lease.min, default=lease.default, max=lease.max),
        ),
        clock=lambda: datetime.now(UTC),
        on_queued=on_queued,
    )
    endpoint = HubEndpoint(hub, home=config.feeds.url, trusted=config.web.trusted_proxies)
    paths = dict.fromkeys((_path_of(config.hub_url) or "/hub", "/hub"))
    return [route for path in paths for route in endpoint.routes(path)]


def _admin_hosts(web: WebSettings) -> list[str]:
    """Host names that the operator's address accepts: those of this machine and of the config."""
    own = [web.admin.host] if web.admin else []
    names = [*LOOPBACK_NAMES, *own, *web.admin_hosts]
    return [f"[{name}]" if ":" in name else name for name in names]


def _path_of(address: str) -> str:
    """The decoded path of a URL, as requests have it."""
    return unquote(urlsplit(address).path)
