"""Records what requests show: hubs that fetch, and proxies that the config does not trust."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from syndicator.daemon.heartbeat import stuck
from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.worker import Worker
from syndicator.errors import StateError
from syndicator.ops import doctor
from syndicator.store import hubs
from syndicator.store.database import Database


class Recorder:
    """Logs, counts and stores. In threads of its own: the server's must not wait for the state."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._metrics = telemetry.metrics
        self._hub_fetches = _worker("hub fetches", self._store_hub_fetches, telemetry)
        self._proxies = _worker("untrusted proxies", self._store_untrusted_proxies, telemetry)

    def start(self) -> None:
        """Delete the proxy that was stored before, since it may be gone, and begin to record."""
        doctor.store_untrusted_proxy(self._database, "")
        self._hub_fetches.start()
        self._proxies.start()

    def stop(self) -> None:
        self._hub_fetches.stop()
        self._proxies.stop()

    def stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        heartbeats = {
            "hub fetches": self._hub_fetches.heartbeat,
            "untrusted proxies": self._proxies.heartbeat,
        }
        return stuck(heartbeats)

    def hub_fetched(self, hub: str) -> None:
        self._metrics.fetches.labels(hub).inc()
        self._hub_fetches.request(frozenset({hub}))

    def untrusted_proxy(self, address: str) -> None:
        """Log that a proxy is not trusted. `doctor` reports it as well."""
        hint = (
            "if it is your proxy, add it to web.trusted_proxies: "
            "until then all its readers count as one client"
        )
        log: Any = structlog.get_logger()
        log.warning(
            "X-Forwarded-For came from an address that is not trusted", address=address, hint=hint
        )
        self._proxies.request(frozenset({address}))

    def _store_untrusted_proxies(self, proxies: frozenset[str]) -> None:
        for proxy in proxies:
            doctor.store_untrusted_proxy(self._database, proxy)

    def _store_hub_fetches(self, urls: frozenset[str]) -> None:
        if not urls:
            return
        with suppress(StateError), self._database.begin(push=True) as connection:
            # An error is left to the next build, which meets and logs it too.
            hubs.record_fetch(connection, urls, datetime.now(UTC))


def _worker(
    name: str, store: Callable[[frozenset[str]], None], telemetry: Telemetry
) -> Worker[frozenset[str]]:
    failed = partial(telemetry.faults.report, name)
    return Worker(name, store, nothing=frozenset(), at_least=timedelta(days=1), failed=failed)
