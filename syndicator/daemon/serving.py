"""What the web server is given: the published files, the health, the numbers."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Scope

from syndicator.observe import Metrics
from syndicator.service import Service
from syndicator.store.feeds import FileRow
from syndicator.web.app import make_app
from syndicator.web.feeds import Catalogue, PublishedFile
from syndicator.web.health import Readiness
from syndicator.web.limiter import Limiter
from syndicator.websub.links import link_header

#: Formats that requests are counted by; any other file counts as "other".
_COUNTED = frozenset({"rss", "atom", "json", "html", "opml"})


class Serving:
    """The app of one config, and its catalogue."""

    def __init__(self, service: Service, metrics: Metrics, ready: Callable[[], Readiness]) -> None:
        self._service = service
        self._metrics = metrics
        web = service.config.web
        self._catalogue = Catalogue(
            max_age=int(web.max_age.total_seconds()), root=urlsplit(service.config.feeds.url).path
        )
        limiter = Limiter(web.poller_limit, trusted=web.trusted_proxies) if web.poller_limit else None
        self.app: ASGIApp = make_app(
            self._catalogue, ready=ready, numbers=metrics.text, on_request=self._count, limiter=limiter
        )
        self._served: dict[str, tuple[FileRow, PublishedFile]] = {}

    def refresh(self) -> None:
        """Serve what is published now."""
        served, gone = {}, []
        for row, bodies in self._service.published():
            before = self._served.get(row.path)
            if row.gone:
                gone.append(row.path)
            elif before and before[0] == row and before[1].bodies.keys() == bodies.keys():
                served[row.path] = before
            else:
                served[row.path] = (row, _published(row, dict(bodies)))
        self._served = served
        self._catalogue.replace([file for _, file in served.values()], gone=gone)

    def _count(self, status: int, suffix: str, _scope: Scope) -> None:
        self._metrics.requests.labels(str(status), suffix if suffix in _COUNTED else "other").inc()


def _published(row: FileRow, bodies: dict[str, bytes]) -> PublishedFile:
    return PublishedFile(
        path=row.path,
        media_type=row.media_type,
        updated=row.updated,
        digest=row.digest,
        link=link_header(row.hubs, row.url) if row.hubs else None,
        bodies=bodies,
    )
