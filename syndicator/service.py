"""Puts the parts together from a Config. The only module that knows all of them."""

import os
from collections.abc import Collection
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from syndicator import from_config
from syndicator.config import Config
from syndicator.errors import (
    LockedError,
    LostLeaseError,
    ReplacedError,
    SyndicatorError,
    UnavailableError,
)
from syndicator.git_site import GitSite
from syndicator.listener import Listener
from syndicator.model.clock import Clock, utcnow
from syndicator.model.progress import NEVER, Cancel, Phase, Progress, quiet
from syndicator.model.report import Report
from syndicator.ops import runs
from syndicator.outputs.output import Output
from syndicator.store import locks
from syndicator.store.database import Database
from syndicator.store.processes import Member
from syndicator.store.refusals import missing_state
from syndicator.store.state_id import state_id

if TYPE_CHECKING:
    from syndicator.build.pipeline import Builder
    from syndicator.outbound.late_client import LateClient
    from syndicator.push.record import PushReport
    from syndicator.push.worker import PushWorker


class Service:
    """A configured syndicator, for the command line, the daemon and tests.

    A context manager. Opening the state may raise StateError.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock = utcnow,
        make: bool = True,
        listener: Listener | None = None,
    ) -> None:
        """`make`: whether to create a missing state. If False, a missing state raises StateError.
        `listener`: receives the events of the work; None: nobody does.
        """
        self.config = config
        self.listener = listener or Listener()  #: may be replaced before the work begins
        self.member = Member()
        self._clock = clock
        #: Whether the last run failed, or none ran yet.
        self._failed = True
        if config.state.file and not make:
            _require_file(config.state.file)
        self.database = Database(
            config.state.url,
            folder_mode=from_config.state_folder_mode(config),
            group=config.state.group,
        )
        self._run_lock = locks.RunLock(self.database)
        self.output: Output = from_config.output(
            config, lambda: state_id(self.database), self._run_lock.check
        )
        self.git = GitSite(from_config.git_source(config), self.database, clock)

    @cached_property
    def builder(self) -> "Builder":
        """What runs builds. Importing it takes longer than all else that a command needs."""
        from syndicator.build.pipeline import Builder

        return Builder(
            from_config.build_options(self.config),
            self.database,
            self.output,
            on_published=self.listener.on_files,
            on_queued=self.listener.on_queued,
            on_archived=self.listener.on_archived,
        )

    @cached_property
    def client(self) -> "LateClient":
        from syndicator.outbound.late_client import LateClient

        return LateClient(lambda: from_config.http_client(self.config))

    @cached_property
    def pusher(self) -> "PushWorker":
        from syndicator.push.context import PushListener, PushOptions, Topics
        from syndicator.push.topics import read_topic
        from syndicator.push.worker import PushWorker
        from syndicator.websub.hub_requests import subscription_quota
        from syndicator.websub.pace import Pace
        from syndicator.websub.retry import RetryPolicy

        limits = self.config.hub.limits
        quota = subscription_quota(limits.host_subscriptions, limits.subscriptions)
        return PushWorker(
            self.database,
            self.client,
            Topics(
                read=partial(read_topic, self.database, self.output),
                is_served=self._served,
                wait_until_shown=self.member.wait_until_shown,
            ),
            PushOptions(
                claimer=self.member.name,
                life=lambda: self.member.life,
                retry=RetryPolicy(pings=self.config.push.retry, callbacks=self.config.hub.retry),
                pace=Pace(self.config.push.pace),
                subscriptions_per_host=quota,
                only_changes=self.config.hub.payload == "changes",
            ),
            clock=self._clock,
            listener=PushListener(
                on_outcome=self.listener.on_outcome, on_progress=self.listener.on_push_progress
            ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self, member: Member) -> None:
        """Work as a daemon among others. Called before the work begins."""
        self.member = member
        self.database.process = member.name

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
        """Run one build, after those of other processes: of the newest commit that was fetched.

        `paths`: the only documents that may have changed; None: scan all of them. Raises
        Cancelled if `cancel` says so, SourceError and OutputError, which it stores, and StateError.
        """
        now = self._clock()
        paths = None if self.git.is_used else paths  # another commit may have changed others
        self.database.check()

        def waiting() -> None:
            progress(0, None, Phase.WAITING)
            cancel.check(Phase.WAITING)

        try:
            with (
                self._run_lock.hold(self.member.name, waiting),
                self.git.hold(progress, cancel=cancel) as notes,
            ):
                try:
                    report = self.builder.run(now, paths=paths, progress=progress, cancel=cancel)
                except ReplacedError:
                    # A process that ceased to build wrote it late. Look anew, once: the next poll
                    # may be far.
                    report = self.builder.run(now, paths=paths, progress=progress, cancel=cancel)
        except LostLeaseError:  # not a failure: another process works
            raise
        except SyndicatorError as error:
            self._failed = True
            runs.remember_failure(self.database, error, now)
            raise
        # After a run that succeeded, a run without changes writes nothing to the state.
        if self._failed or report.has_changes:
            runs.remember_run(self.database, report)
            self._failed = False
        return replace(report, notes=(*report.notes, *notes))

    def archive(self, progress: Progress = quiet, *, cancel: Cancel = NEVER) -> int:
        """Update the archives as of the last run. Returns the number of pages that were made.

        If another process runs a build at this time, it updates the archives. Raises OutputError,
        Cancelled and StateError. What was made stays, and the next call goes on.
        """
        if not self.builder.archiver.may_be_needed:
            return 0
        self.database.check()
        try:
            with (
                self._run_lock.hold(self.member.name),
                self.git.keep(progress, cancel=cancel) as is_kept,
            ):
                if not is_kept:
                    return 0
                return self.builder.archive(self._clock(), progress=progress, cancel=cancel)
        except LockedError:
            return 0

    def _served(self) -> bool:
        """Whether all published files are served here.

        Shows what another process published. False: another process builds at this time, or a
        bucket can't be read. On PostgreSQL a daemon shows it by itself, and pings wait for that.
        """
        if not self.database.sqlite:
            return True
        if not self.builder.other_processes.has_run():
            return True
        try:
            with locks.acquire(self.database, "run"):
                self.builder.other_processes.catch_up()
        except (LockedError, UnavailableError):
            return False
        return True

    def push(
        self, progress: Progress = quiet, *, when_live: timedelta | None = None
    ) -> "PushReport":
        """Run one pass over the outbox. It was asked for, so no job waits for its pace.

        `when_live`: pings wait for their feed to be served at its address as it was built, and stay
        queued if it is not within this time. None: they wait for nothing.
        """
        if when_live is None:
            return self.pusher.once(paced=False)
        from syndicator.push.live import LiveFeeds, push_when_live, queued_files

        awaited = LiveFeeds(queued_files(self.database), self.client.send)
        return push_when_live(self.pusher, awaited, when_live, progress)

    def delete_expired(self) -> None:
        """Delete rows that nothing depends on any more, so that the state does not keep growing."""
        from syndicator.store import retention

        with self.database.begin(push=True) as connection:
            retention.delete_expired(connection, self.config.push.hubs, self._clock())

    def check(self) -> None:
        """Raise MovedStateError if the state was moved."""
        self.database.check()

    def beat(self, trouble: SyndicatorError | None = None) -> None:
        """Record at each poll that the daemon is alive, and its present trouble."""
        hint = (trouble and trouble.hint) or ""
        locks.write_heartbeat(self.database, "daemon", str(trouble or ""), hint)


def _require_file(file: Path) -> None:
    try:
        os.lstat(file)
    except FileNotFoundError:
        raise missing_state(str(file)) from None
    except OSError:
        pass  # opening the file reports the cause
