"""What the web server is given: the published files, the hub, the health, the numbers."""

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
from syndicator.web.hub import HubEndpoint, HubLimits
from syndicator.web.hub_fetches import HubFetches
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import FEEDS, PublishedFile, format_of
from syndicator.web.proxies import Proxies
from syndicator.websub.hub_requests import LeaseBounds
from syndicator.websub.links import link_header

#: Names of this machine that no page elsewhere can have.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class Serving:
    """The apps of one config, and the catalogue. `on_queued` is told when our hub owes someone something."""

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        faults: Faults,
        *,
        health: Health,
        on_queued: Callable[[], None],
    ) -> None:
        self._service, self._metrics = service, metrics
        config = service.config
        self._topics: dict[str, str] = {}  # path by URL
        self._catalogue = Catalogue(
            max_age=int(config.web.max_age.total_seconds()),
            root=_path_of(config.feeds.url),
            moved={path: config.feeds.url + to for path, to in config.feeds.moved},
        )
        limit, trusted = config.web.poller_limit, config.web.trusted_proxies
        # A hub that comes is written down by a thread of its own: the server's may not wait for the state.
        self._fetched = Worker(
            "fetched",
            self._remember_fetched,
            at_least=timedelta(days=1),
            failed=partial(faults.tell, "fetched"),
        )
        fetches = HubFetches(
            [hub for hub in config.hubs if hub != config.hub_url],
            peers=service.client.peers,
            on_fetch=self._hub_came,
            trusted=trusted,
        )
        self._unnamed = Worker(
            "unnamed",
            self._remember_unnamed,
            at_least=timedelta(days=1),
            failed=partial(faults.tell, "unnamed"),
        )
        service.remember_unnamed_proxy("")  # one that was seen before may be gone
        self.app = make_app(
            self._catalogue,
            health=health,
            on_request=fetches.watching(counter(metrics.requests)),
            routes=_hub_routes(service, self._topic, on_queued),
            limiter=PollLimiter(limit, trusted=trusted) if limit else None,
            proxies=Proxies(trusted, on_unnamed=self._see_unnamed),
        )
        #: For the operator. The catalogue in front of it is empty: the server asks it first.
        self.admin_app = FeedCatalogue(
            Catalogue(max_age=0),
            admin_app(health, _admin_hosts(config.web)),
            on_request=lambda *_: None,
        )
        self._shown: dict[str, FileRow] = {}
        service.show = self.show
        self.show(service.published())
        self._fetched.start()
        self._unnamed.start()

    def stop(self) -> None:
        self._fetched.stop()
        self._unnamed.stop()

    def stuck(self) -> list[str]:
        """The threads that ended, or that have not worked for too long."""
        workers = {"fetched": self._fetched, "unnamed": self._unnamed}
        return [name for name, worker in workers.items() if not worker.pulse.is_felt()]

    def show(self, rows: Sequence[FileRow]) -> None:
        """Serve these files as they are on disk now. One that is as it was is not read again."""
        rows = [row for row in rows if row != self._shown.get(row.path)]
        self._topics |= {row.url: row.path for row in rows if _is_topic(row)}
        found = {row.path: file for row in rows if (file := self._read(row))}
        gone = [row.path for row in rows if row.gone]
        self._catalogue.update(found.values(), gone=gone)
        self._shown |= {row.path: row for row in rows if row.gone or row.path in found}

    def shown(self) -> list[FileRow]:
        """What is served now, and what is answered 410."""
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
        """A topic by its URL; None: there is no such topic, which costs no query."""
        if (path := self._topics.get(url)) is None:
            return None
        with self._service.database.read() as connection:  # shown is not committed yet
            row = feeds.file(connection, path)
        return row if row is not None and row.url == url and _is_topic(row) else None

    def _hub_came(self, hub: str) -> None:
        self._metrics.fetches.labels(hub).inc()
        self._fetched.ask(hub)

    def _see_unnamed(self, proxy: str) -> None:
        """Say once that a proxy is not believed; `doctor` says it, too."""
        hint = "if it is a proxy of yours, name it in web.trusted_proxies: until then its readers count as one client"
        log: Any = structlog.get_logger()
        log.warning(
            "X-Forwarded-For came from an address that is not trusted", address=proxy, hint=hint
        )
        self._unnamed.ask(proxy)

    def _remember_unnamed(self, proxies: frozenset[str]) -> None:
        for proxy in proxies:
            self._service.remember_unnamed_proxy(proxy)

    def _remember_fetched(self, hubs: frozenset[str]) -> None:
        if hubs:
            with (
                suppress(StateError),
                self._service.database.begin() as connection,
            ):  # the next build tells of it
                outbox.record_fetch(connection, hubs, datetime.now(UTC))


def _is_topic(row: FileRow) -> bool:
    """Whether a file is a feed with hubs, and not an alias of one: that has the same URL."""
    return bool(row.hubs) and not row.gone and row.path.rpartition(".")[0] == row.feed


def _hub_routes(
    service: Service, topic: Callable[[str], FileRow | None], on_queued: Callable[[], None]
) -> list[BaseRoute]:
    """Our hub's endpoint, at its public path and, for a proxy that strips the feeds' path, at /hub."""
    config = service.config
    if config.hub_url is None:
        return []
    lease, limits = config.hub.lease, config.hub.limits
    hub = HubEndpoint(
        service.database,
        read=topic,
        refusal=service.client.refusal,
        lease=LeaseBounds(min=lease.min, default=lease.default, max=lease.max),
        clock=lambda: datetime.now(UTC),
        on_queued=on_queued,
        home=config.feeds.url,
        limits=HubLimits(**limits.model_dump()),
        trusted=config.web.trusted_proxies,
    )
    paths = dict.fromkeys((_path_of(config.hub_url) or "/hub", "/hub"))
    return [route for path in paths for route in hub.routes(path)]


def _admin_hosts(web: WebSettings) -> list[str]:
    """The names that the operator's address answers to: this machine's own, and those of the config."""
    own = [web.admin.host] if web.admin else []
    names = [*LOOPBACK_NAMES, *own, *web.admin_hosts]
    return [f"[{name}]" if ":" in name else name for name in names]


def _path_of(address: str) -> str:
    """As requests name it, decoded."""
    return unquote(urlsplit(address).path)
