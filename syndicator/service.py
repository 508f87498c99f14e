"""The parts, put together from a Config. The only module that sees all of them."""

import os
import random
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from syndicator.build import publish
from syndicator.build.index import Progress
from syndicator.build.options import BuildOptions
from syndicator.build.pipeline import Builder
from syndicator.config import Config
from syndicator.errors import LockedError, OutputError, StateError, SyndicatorError
from syndicator.jekyll.sanitize import DEFAULT, Policy
from syndicator.model.content import FeedFile, Problem, Report, digest_of
from syndicator.model.outbox import JobOutcome
from syndicator.ops import doctor, status
from syndicator.ops.check import check
from syndicator.ops.status import Failure, Status
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds, file_modes, kv, locks, retention, subscriptions
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.store.subscriptions import Subscriber
from syndicator.websub.hub_requests import SUBSCRIPTIONS_PART, host_quota

if TYPE_CHECKING:
    from syndicator.outbound import Client
    from syndicator.push.record import PushReport
    from syndicator.push.worker import PushWorker

Clock = Callable[[], datetime]

VERSION = version("syndicator")


def utcnow() -> datetime:
    return datetime.now(UTC)


def quiet(_done: int, _total: int | None, _what: str) -> None:
    """Progress that nobody looks at."""


def check_site(config: Config, progress: Progress = quiet, *, clock: Clock = utcnow) -> Report:
    """Read the site and every post, and write nothing, not even a state. Raises SourceError."""
    return check(_plan(config), clock(), progress)


def examine(
    config: Config, *, ask: bool, file: Path | None = None, clock: Clock = utcnow
) -> tuple[Problem, ...]:
    """What would go wrong on this machine with this config. Writes nothing.

    `ask`: also ask hubs and feeds.url. `file`: where the config was read from, if it was a file.
    """
    found = [
        *doctor.addresses(config.feeds.url, config.push.hubs, config.site.url),
        *doctor.places(config.source.path, config.output.path, config.state.file),
        *doctor.listens(config.web.listen, config.web.admin, config.output.path / "index.html"),
        *doctor.neighbours(config.state.file, config.output.path, file),
        *doctor.state(config.state.url, clock()),
        *doctor.proxies(config.state.url, config.web.trusted_proxies),
    ]
    if ask:
        name = f"all.{config.feeds.formats[0]}"
        with closing(_client(config)) as client:
            file = config.output.path / name
            found += doctor.answers(
                client.send, config.push.hubs, config.feeds.url + name, file, clock
            )
    return tuple(found)


class Service:
    """What can be asked of a configured syndicator, whoever asks: the command line, the daemon, a test.

    A context manager; opening the state may raise StateError.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock = utcnow,
        claimer: str | None = None,
        make: bool = True,
    ) -> None:
        """`claimer` is the name under which it claims what is owed; None: this process's.

        `make`: whether a state's file that isn't there is made; else that is a StateError.
        """
        self.config = config
        #: Called with files that are on disk, or gone from it, before anyone is told of them.
        self.show: Callable[[Sequence[FileRow]], None] = lambda rows: None
        #: Called when something came to be owed that may be paid at once.
        self.owing: Callable[[], None] = lambda: None
        #: Called with what became of each request that was owed.
        self.heard: Callable[[JobOutcome], None] = lambda settlement: None
        #: Called several times a second while a push pass works.
        self.working: Callable[[], None] = lambda: None
        self._clock = clock
        self._failed = True  # until a run succeeded: whatever the store says of an earlier process
        if config.state.file and not make:
            _refuse_none(config.state.file)
        self.database = Database(config.state.url, folder_mode=_state_folder_mode(config))
        self.output = OutputFolder(config.output.path, config.output.compress)
        self.plan = _plan(config)
        self._builder = Builder(
            self.plan,
            self.database,
            self.output,
            on_published=lambda rows: self.show(rows),
            on_queued=lambda: self.owing(),
        )
        self._leads = {
            "feeds.aliases": dict(config.feeds.aliases),
            "feeds.moved": dict(config.feeds.moved),
        }
        self._nowhere: tuple[int, tuple[Problem, ...]] = (
            -1,
            (),
        )  #: of how many feeds, and which of these lead nowhere
        self._claimer = claimer or f"{socket.gethostname()} {os.getpid()}"

    @cached_property
    def client(self) -> "Client":
        return _client(
            self.config, allow_private=[str(network) for network in self.config.hub.allow_private]
        )

    @cached_property
    def pusher(self) -> "PushWorker":
        from syndicator.push.worker import PushWorker

        limits = self.config.hub.limits
        return PushWorker(
            self.database,
            self.client,
            clock=self._clock,
            jitter=random.random,
            claimer=self._claimer,
            retry=self.config.push.retry,
            hub_retry=self.config.hub.retry,
            most=host_quota(limits.host_subscriptions, limits.subscriptions, SUBSCRIPTIONS_PART),
            read=self.topic,
            served=self._served,
            heard=lambda settlement: self.heard(settlement),
            working=lambda: self.working(),
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
        urgent: Callable[[], bool] = lambda: False,
    ) -> Report:
        """One run. `paths`: the only documents that may have changed; None: look at all of them. `urgent` is Builder's.

        Waits for the run of another process. Raises SourceError, OutputError and StateError, and remembers why.
        """
        now = self._clock()
        self.database.check()
        try:
            with locks.hold(
                self.database, "run", waiting=lambda: progress(0, None, "waiting for another run")
            ):
                report = self._with_notes(
                    self._builder.run(now, paths=paths, progress=progress, urgent=urgent)
                )
        except SyndicatorError as error:
            self._failed = True
            if not isinstance(
                error, StateError
            ):  # what the state can't do, it can't remember, and a locked one waits
                with suppress(StateError), self.database.begin() as connection:
                    status.remember_failure(
                        connection, Failure(at=now, message=str(error), hint=error.hint)
                    )
            raise
        # A poll that found nothing leaves no trace in the state.
        if self._failed or report.has_changes:
            with self.database.begin() as connection:
                status.remember_run(connection, report)
            self._failed = False
        return report

    def _with_notes(self, report: Report) -> Report:
        """The report, with the addresses that lead to no feed. They are looked at again when there is another feed."""
        if self._nowhere[0] != report.feeds and any(self._leads.values()):
            paths = {row.path for row in self.published() if not row.gone}
            self._nowhere = report.feeds, publish.aliases_without_target(self._leads, paths)
        return replace(report, notes=self._nowhere[1])

    def _served(self) -> bool:
        """Whether all that is out is served here. What another process published is shown; False: it has a run now."""
        if not self._builder.other_processes.has_run():
            return True
        try:
            with locks.hold(self.database, "run"):
                self._builder.other_processes.catch_up()
        except LockedError:
            return False
        return True

    def has_daemon(self) -> bool:
        """Whether a daemon works on this state."""
        return locks.holder(self.database, "daemon") is not None

    def push(self) -> "PushReport":
        """One pass over what is owed."""
        return self.pusher.once()

    def tidy(self) -> None:
        """Forget what nothing depends on any more, so that the state doesn't grow for ever."""
        with self.database.begin() as connection:
            retention.delete_expired(connection, self.config.push.hubs, self._clock())

    def enqueue_all_pings(self) -> int:
        """Owe a ping to every hub for every feed; how many."""
        with self.database.begin() as connection:
            rows = [row for row in feeds.all_files(connection) if not row.gone]
            return publish.enqueue_pings(connection, rows, self.plan.own_hub, self._clock())

    def subscribers(self) -> tuple[Subscriber, ...]:
        """Who is subscribed at our hub."""
        with self.database.read() as connection:
            return subscriptions.subscribers(connection, self._clock())

    def unsubscribe(self, callback: str) -> int:
        """End the subscriptions of a callback, named by its address or as `subscribers` names it; how many."""
        with self.database.begin() as connection:
            return subscriptions.remove(connection, callback, self._clock())

    def status(self) -> Status:
        output, url = self.config.output.path, self.config.feeds.url
        return status.collect(
            self.database, output, url=url, version=VERSION, now=self._clock(), leads=self._leads
        )

    def concerns(self, found: Status) -> tuple[str, ...]:
        """What of it needs a person, in words; nothing: all is well."""
        return status.concerns(
            found,
            self._clock(),
            late=3 * self.config.source.poll + timedelta(minutes=1),
            daemon_wanted=status.daemon_wanted(self.database),
        )

    def started(self, at: datetime) -> None:
        """Remember that a daemon works on this state, and since when."""
        with (
            suppress(StateError),
            self.database.begin() as connection,
        ):  # a full disk is no reason not to serve
            status.remember_start(connection, at)

    def ended(self) -> None:
        """Remember that a person ended the daemon: none is expected to run."""
        with suppress(StateError), self.database.begin() as connection:
            status.forget_start(connection)

    def remember_unnamed_proxy(self, address: str) -> None:
        """Remember for `doctor` a proxy that is not trusted. "": forget it."""
        with suppress(StateError), self.database.begin(durable=False) as connection:
            kv.put(connection, doctor.UNNAMED_PROXY, address)

    def published(self) -> list[FileRow]:
        """Every file that is out, or was."""
        with self.database.read() as connection:
            return feeds.all_files(connection)

    def topic(self, url: str) -> FeedFile | None:
        """A topic's file as it is out now; None when there is no such topic, or not any more.

        Raises OutputError when what is on disk isn't what was published: a run puts it right, or is about to.
        """
        with self.database.read() as connection:
            row = feeds.file_at(connection, url)
        if row is None or not row.hubs:
            return None
        data = self.output.read(row.path, row.disk[""][0])
        if data is None or digest_of(data) != row.digest:
            raise OutputError(
                f"{row.path} is not what was published", hint="the next run puts it right"
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
        """Raise MovedStateError when a daemon has to open its state anew: the file is another, or its lock was lost."""
        self.database.check()
        locks.check(self.database, "daemon")

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Held by a daemon for its life. Raises LockedError, which says who holds it."""
        return locks.hold(self.database, "daemon")

    def beat(self, trouble: SyndicatorError | None = None) -> None:
        """Say that the daemon lives, at each poll, and what it suffers from."""
        locks.beat(self.database, "daemon", str(trouble or ""), (trouble and trouble.hint) or "")


def _refuse_none(file: Path) -> None:
    try:
        os.lstat(file)
    except FileNotFoundError:
        hint = "syndicator build and syndicator run make it; if feeds are out, this is not the config they are made by"
        raise StateError(f"there is no state yet at {file}", hint=hint) from None
    except OSError:
        pass  # opening it says what is wrong


def _state_folder_mode(config: Config) -> int:
    """The rights of a folder made for the state. One that also holds the feeds is entered by web servers."""
    folder = os.path.realpath(config.state.file.parent) if config.state.file else None
    shared = folder and Path(os.path.realpath(config.output.path)).is_relative_to(folder)
    return 0o777 if shared else file_modes.FOLDER  # less what the umask says


def _client(config: Config, allow_private: Sequence[str] = ()) -> "Client":
    # requests takes a tenth of a second to import, and a build sends nothing.
    from syndicator.outbound import Client

    return Client(
        user_agent=f"syndicator/{VERSION} (+{config.feeds.url})",
        timeout=config.push.timeout,
        stranger_timeout=config.hub.timeout,
        allow_private=allow_private,
    )


def _plan(config: Config) -> BuildOptions:
    overrides = {key: value for key, value in config.site if value}
    said = config.feeds
    return BuildOptions(
        source=config.source.path,
        output=config.output.path,
        overrides=overrides,
        base=said.url,
        formats=said.formats,
        kinds=said.by,
        limit=said.limit,
        max_bytes=said.max_bytes,
        full=None if said.content is None else said.content == "full",
        hubs=config.hubs,
        own_hub=config.hub_url,
        aliases=dict(said.aliases),
        policy=_policy(said.players, said.schemes),
        version=VERSION,
    )


def _policy(players: Collection[str], link_schemes: Collection[str]) -> Policy:
    return Policy(
        frame_hosts=DEFAULT.frame_hosts.union(players),
        link_schemes=DEFAULT.link_schemes.union(link_schemes),
    )
