"""Puts the parts together from a Config. The only module that knows all of them."""

import os
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from syndicator import from_config
from syndicator.build import aliases, publish
from syndicator.build.pipeline import Builder
from syndicator.config import Config
from syndicator.errors import LockedError, OutputError, StateError, SyndicatorError
from syndicator.model.content import FeedFile, Problem, Report, digest_of
from syndicator.model.outbox import Job, JobOutcome
from syndicator.model.progress import NEVER, Cancel, Phase, Progress, quiet
from syndicator.ops import doctor, status
from syndicator.ops.status import Failure, Status
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds, kv, locks, retention, subscriptions
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.store.subscriptions import Subscriber
from syndicator.websub.hub_requests import subscription_quota

if TYPE_CHECKING:
    from syndicator.outbound import Client
    from syndicator.push.record import PushReport
    from syndicator.push.worker import PushWorker

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    return datetime.now(UTC)


class Service:
    """A configured syndicator, for the command line, the daemon and tests.

    A context manager. Opening the state may raise StateError.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock = utcnow,
        claimer: str | None = None,
        make: bool = True,
    ) -> None:
        """`claimer`: the name under which it claims jobs. None: one of this process.

        `make`: whether to create a missing state. If False, a missing state raises StateError.
        """
        self.config = config
        #: Called with files that were written or removed, before any hub is notified of them.
        self.on_files: Callable[[Sequence[FileRow]], None] = lambda rows: None
        #: Called when a job was queued that may be sent at once.
        self.on_queued: Callable[[], None] = lambda: None
        #: Called with the outcome of each job.
        self.on_outcome: Callable[[Job, JobOutcome], None] = lambda job, outcome: None
        #: Called several times a second during a push pass.
        self.on_push_progress: Callable[[], None] = lambda: None
        self._clock = clock
        #: Whether the last run failed, or none ran yet.
        self._failed = True
        if config.state.file and not make:
            _require_file(config.state.file)
        self.database = Database(
            config.state.url, folder_mode=from_config.state_folder_mode(config)
        )
        self.output = OutputFolder(config.output.path, config.output.compress)
        self.options = from_config.build_options(config)
        self._builder = Builder(
            self.options,
            self.database,
            self.output,
            on_published=lambda rows: self.on_files(rows),
            on_queued=lambda: self.on_queued(),
        )
        self._aliases = {
            "feeds.aliases": dict(config.feeds.aliases),
            "feeds.moved": dict(config.feeds.moved),
        }
        #: Aliases without a feed, and the number of feeds when they were checked; -1: never.
        self._alias_problems: tuple[Problem, ...] = ()
        self._aliases_checked_at = -1
        self._claimer = claimer or f"{socket.gethostname()} {os.getpid()}"

    @cached_property
    def client(self) -> "Client":
        allowed = [str(network) for network in self.config.hub.allow_private]
        return from_config.http_client(self.config, allow_private=allowed)

    @cached_property
    def pusher(self) -> "PushWorker":
        from syndicator.push.context import PushListener, PushOptions, Topics
        from syndicator.push.worker import PushWorker
        from syndicator.websub.retry import RetryPolicy

        limits = self.config.hub.limits
        quota = subscription_quota(limits.host_subscriptions, limits.subscriptions)
        return PushWorker(
            self.database,
            self.client,
            Topics(read=self.topic, is_served=self._served),
            PushOptions(
                claimer=self._claimer,
                retry=RetryPolicy(pings=self.config.push.retry, callbacks=self.config.hub.retry),
                subscriptions_per_host=quota,
            ),
            clock=self._clock,
            listener=PushListener(
                on_outcome=lambda job, outcome: self.on_outcome(job, outcome),
                on_progress=lambda: self.on_push_progress(),
            ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if "client" in vars(self):
            self.client.close()
        self.database.close()

    def build(
        self,
        progress: Progress = quiet,
        *,
        paths: Collection[str] | None = None,
        cancel: Cancel = NEVER,
    ) -> Report:
        """Run one build, after those of other processes.

        `paths`: the only documents that may have changed; None: scan all of them. Raises
        Cancelled if `cancel` says so, and SourceError, OutputError and StateError, which it stores.
        """
        now = self._clock()
        self.database.check()

        def waiting() -> None:
            progress(0, None, Phase.WAITING)
            cancel.check(Phase.WAITING)

        try:
            with locks.acquire(self.database, "run", waiting=waiting):
                report = self._with_notes(
                    self._builder.run(now, paths=paths, progress=progress, cancel=cancel)
                )
        except SyndicatorError as error:
            self._failed = True
            # A StateError can't be stored in the state; and a locked state would have to be
            # awaited.
            if not isinstance(error, StateError):
                failure = Failure(at=now, message=str(error), hint=error.hint)
                with suppress(StateError), self.database.begin() as connection:
                    status.remember_failure(connection, failure)
            raise
        # After a run that succeeded, a run without changes writes nothing to the state.
        if self._failed or report.has_changes:
            with self.database.begin() as connection:
                if report.has_changes:
                    status.remember_run(connection, report)
                status.forget_failure(connection)
            self._failed = False
        return report

    def _with_notes(self, report: Report) -> Report:
        """Add the aliases without a feed. They are checked when the number of feeds changes."""
        if self._aliases_checked_at != report.feeds and any(self._aliases.values()):
            paths = {row.path for row in self.published() if not row.gone}
            self._alias_problems = aliases.aliases_without_target(self._aliases, paths)
            self._aliases_checked_at = report.feeds
        return replace(report, notes=(*report.notes, *self._alias_problems))

    def _served(self) -> bool:
        """Whether all published files are served here.

        Shows what another process published. False: another process builds at this time.
        """
        if not self._builder.other_processes.has_run():
            return True
        try:
            with locks.acquire(self.database, "run"):
                self._builder.other_processes.catch_up()
        except LockedError:
            return False
        return True

    def has_daemon(self) -> bool:
        """Whether a daemon runs on this state."""
        return locks.holder(self.database, "daemon") is not None

    def push(self) -> "PushReport":
        """Run one pass over the outbox."""
        return self.pusher.once()

    def delete_expired(self) -> None:
        """Delete rows that nothing depends on any more, so that the state does not keep growing."""
        with self.database.begin() as connection:
            retention.delete_expired(connection, self.config.push.hubs, self._clock())

    def enqueue_all_pings(self) -> int:
        """Queue a ping to every hub for every feed. Returns their number."""
        with self.database.begin() as connection:
            rows = [row for row in feeds.all_files(connection) if not row.gone]
            return publish.enqueue_pings(connection, rows, self.options.own_hub, self._clock())

    def subscribers(self) -> tuple[Subscriber, ...]:
        """The live subscriptions at our hub."""
        with self.database.read() as connection:
            return subscriptions.subscribers(connection, self._clock())

    def unsubscribe(self, callback: str) -> int:
        """End the subscriptions of a callback, given by URL or by its label.

        Returns their number.
        """
        with self.database.begin() as connection:
            return subscriptions.remove(connection, callback, self._clock())

    def status(self) -> Status:
        return status.collect(
            self.database,
            self.config.output.path,
            url=self.config.feeds.url,
            version=from_config.VERSION,
            now=self._clock(),
            aliases=self._aliases,
        )

    def concerns(self, current: Status) -> tuple[str, ...]:
        """What needs attention. Empty if healthy."""
        return status.concerns(
            current,
            self._clock(),
            late=3 * self.config.source.poll + timedelta(minutes=1),
            daemon_wanted=status.daemon_wanted(self.database),
        )

    def remember_start(self, at: datetime) -> None:
        """Store that a daemon runs, and since when. On a full disk it runs all the same."""
        with suppress(StateError), self.database.begin() as connection:
            status.remember_start(connection, at)

    def remember_stop(self) -> None:
        """Store that a person stopped the daemon, so that `status` does not miss it."""
        with suppress(StateError), self.database.begin() as connection:
            status.forget_start(connection)

    def store_untrusted_proxy(self, address: str) -> None:
        """Store the address of a proxy that is not trusted, for `doctor`. "": delete it."""
        with suppress(StateError), self.database.begin(durable=False) as connection:
            kv.put(connection, doctor.UNTRUSTED_PROXY, address)

    def published(self) -> list[FileRow]:
        """Every file that is published, or once was."""
        with self.database.read() as connection:
            return feeds.all_files(connection)

    def topic(self, url: str) -> FeedFile | None:
        """A topic's file as it is published now; None: no such topic, or not any more.

        Raises OutputError if the file on disk is not the published one; a build repairs it.
        """
        with self.database.read() as connection:
            row = feeds.file_at(connection, url)
        if row is None or not row.hubs:
            return None
        data = self.output.files.read(row.path, row.disk[""][0])
        if data is None or digest_of(data) != row.digest:
            raise OutputError(
                f"{row.path} is not what was published", hint="the next build repairs it"
            )
        return FeedFile(
            path=row.path,
            url=row.url,
            data=data,
            media_type=row.media_type,
            digest=digest_of(data),
            hubs=row.hubs,
        )

    def check(self) -> None:
        """Raise MovedStateError if the state was moved, or the daemon lost its lock."""
        self.database.check()
        locks.check(self.database, "daemon")

    def daemon_lock(self) -> AbstractContextManager[None]:
        """The lock that a daemon holds while it runs.

        Raises LockedError, which names the holder.
        """
        return locks.acquire(self.database, "daemon")

    def beat(self, trouble: SyndicatorError | None = None) -> None:
        """Record at each poll that the daemon is alive, and its present trouble."""
        hint = (trouble and trouble.hint) or ""
        locks.write_heartbeat(self.database, "daemon", str(trouble or ""), hint)


def _require_file(file: Path) -> None:
    try:
        os.lstat(file)
    except FileNotFoundError:
        hint = (
            "syndicator build and syndicator run create it; "
            "if feeds are published already, use the config that they were built with"
        )
        raise StateError(f"there is no state yet at {file}", hint=hint) from None
    except OSError:
        pass  # opening the file reports the cause
