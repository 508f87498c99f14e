"""What the web server serves beside the published files: the hub's endpoint, health, metrics."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from msgspec import structs
from starlette.routing import BaseRoute

from syndicator.config import Config, Listen, WebSettings
from syndicator.daemon.fetches import Fetches
from syndicator.daemon.recorder import Recorder
from syndicator.daemon.served_files import ServedFiles
from syndicator.observe import Metrics
from syndicator.outbound.late_client import LateClient
from syndicator.store.database import Database
from syndicator.web.app import counter, make_app
from syndicator.web.catalogue import Catalogue, FeedCatalogue, OnRequest
from syndicator.web.git_hooks import GitHooks
from syndicator.web.health import Health, admin_app
from syndicator.web.hub import Hub, HubEndpoint
from syndicator.web.hub_fetches import HubFetches
from syndicator.web.hub_limits import HubLimits
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.proxies import Proxies
from syndicator.websub.hub_requests import LeaseBounds

#: Names of this machine. No page of another site can have them.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


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
    config: Config, client: LateClient, recorder: Recorder, metrics: Metrics
) -> OnRequest:
    """Counts requests, and records fetches by the outside hubs."""
    fetches = HubFetches(
        [hub for hub in config.hubs if hub != config.hub_url],
        peers=lambda: client.peers,
        on_fetch=recorder.hub_fetched,
        trusted=config.web.trusted_proxies,
    )
    return fetches.watching(counter(metrics.requests))


def hub_routes(
    config: Config,
    database: Database,
    client: LateClient,
    files: ServedFiles,
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
        read=files.topic,
        refusal=client.refusal,
        limits=HubLimits(
            **structs.asdict(config.hub.limits),
            lease=LeaseBounds(min=lease.min, default=lease.default, max=lease.max),
        ),
        clock=lambda: datetime.now(UTC),
        on_queued=on_queued,
    )
    endpoint = HubEndpoint(
        hub,
        home=config.feeds.url,
        is_complete=files.is_complete,
        trusted=config.web.trusted_proxies,
    )
    paths = hub_paths(_path_of(config.hub_url), root=_path_of(config.feeds.url))
    return [route for path in paths for route in endpoint.routes(path)]


def git_hook_routes(
    config: Config, fetches: Fetches | None, branch: Callable[[], str]
) -> list[BaseRoute]:
    """The endpoint of webhooks, below the feeds' public path and at the top.

    Empty if the config has no secret for it. `fetches` None: the source is not in git.
    """
    if config.source.hook_secret is None or fetches is None:
        return []
    hooks = GitHooks(
        secret=config.source.hook_secret,
        branch=branch,
        on_push=fetches.pushed,
        trusted=config.web.trusted_proxies,
    )
    return hooks.routes(git_hook_paths(_path_of(config.feeds.url)))


def git_hook_paths(root: str) -> list[str]:
    """The paths of webhooks: also below the feeds' `root`, for proxies that do not strip it."""
    return list(dict.fromkeys(["/hooks/git", f"/{root.strip('/')}/hooks/git".replace("//", "/")]))


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
