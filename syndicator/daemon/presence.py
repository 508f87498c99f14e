"""This daemon among those that share a PostgreSQL state: one builds, all serve and deliver."""

import threading
from contextlib import suppress
from typing import Any

import structlog

from syndicator.daemon.faults import Faults
from syndicator.daemon.heartbeat import Heartbeat, stuck
from syndicator.daemon.membership import DaemonMember, Follower
from syndicator.errors import StateError
from syndicator.store import claims, leases, processes
from syndicator.store.database import Database
from syndicator.store.leases import LEASE, RENEWAL, Lease, clock
from syndicator.store.notifications import Notifications
from syndicator.store.process_schema import DAEMON
from syndicator.store.processes import Glance, Role

#: Seconds between two looks at the state. Notifications come between them.
_POLL = 1.0

#: Seconds between two looks when notifications follow each other closely.
_LEAST_PAUSE = 0.05

#: Seconds between two looks at whether the other processes serve what was published.
_SHOWN_INTERVAL = 0.02

#: Seconds that a stop waits for the state.
_LEAVE_TIMEOUT = 1.0


class Presence(DaemonMember):
    """A process with a lease, which may have the builder's lease too.

    From `enter` to `leave`, a thread renews the leases, and takes the builder's when it is free.
    From `start` on, another thread looks once a second at what other processes did. Serving what
    they published may take long, from a slow bucket: no lease may end meanwhile.
    """

    def __init__(self, url: str) -> None:
        """`url`: of the state. It has connections of its own, which a reload does not end."""
        super().__init__(leases.process_name(DAEMON))
        self._database = Database(url)
        self._database.process = self.name
        self._notifications = Notifications(self._database)
        self._follower: Follower | None = None
        self._faults = Faults()
        self._log: Any = structlog.get_logger()
        self._builder: Lease | None = None
        self._role: tuple[Follower, bool, int] | None = None  #: as a follower knows it; None: none
        self._logged: bool | None = None  #: whether it builds, as the log has it
        self._started = 0  #: by the database's clock
        self._asked_at = 0.0  #: when its leases were last renewed, by `clock`
        self._lives = 0  #: how often they were renewed after their end, or taken for the first time
        self._published = -1  #: what it serves, see `processes.behind`
        self._requests = 0  #: to the builder, that this process has seen
        self._late: frozenset[tuple[str, int]] = frozenset()  #: not waited for again
        self._in_use = threading.Lock()  #: of the leases, by one thread at a time
        self._is_due = threading.Event()  #: set: the leases are renewed at once
        self._stopping = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="leases", daemon=True)
        self._looking = threading.Thread(target=self._run, name="presence", daemon=True)
        self._heartbeats = {
            thread.name: Heartbeat(thread) for thread in (self._renewing, self._looking)
        }
        self._buried_at = 0.0  #: when it last looked for dead processes, by `clock`

    @property
    def is_builder(self) -> bool:
        return self._builder is not None and self._builder.is_valid

    @property
    def life(self) -> int | None:
        return self._lives if clock() < self._asked_at + LEASE else None

    def enter(self) -> None:
        """Become one of the daemons, and the builder if there is none.

        Raises LockedError while another command has the state for itself, and StateError.
        """
        with self._database.begin(durable=False) as connection:
            self._started = processes.now(connection)
        self._beat()
        with self._database.read() as connection:
            holder = leases.find_holder(connection, "daemon")
            self._requests = processes.glance(connection).requests
        if holder and not holder.startswith(DAEMON):
            self.leave()
            raise leases.locked_error(self._database, holder)
        self._renewing.start()

    def start(self, follower: Follower, faults: Faults) -> None:
        self._faults, self._follower = faults, follower
        self._published = -1  # it needs to serve all that was published
        self._is_due.set()
        if self._looking.ident is None:
            self._looking.start()

    def stuck(self) -> list[str]:
        return [] if self._stopping.is_set() else stuck(self._heartbeats)

    def leave(self) -> None:
        """Give the leases up, so that others take them at once. Takes about a second at most."""
        self._stopping.set()
        self._is_due.set()

        def give_up() -> None:
            with self._in_use, suppress(StateError):
                with self._database.begin(durable=False) as connection:
                    processes.leave(connection, self.name, self._builder)
                self._notifications.close()
                self._database.close()

        leaving = threading.Thread(target=give_up, name="leave", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_TIMEOUT)

    def wait_until_shown(self) -> None:
        """Wait until the living processes serve what is published now, for a lease at most.

        A process that took longer is not waited for again until it serves more. Raises StateError.
        """
        until = clock() + LEASE
        with self._database.read() as connection:
            seen = processes.glance(connection)
        while not self._stopping.is_set():
            with self._database.read() as connection:
                behind = processes.behind(connection, seen.published, seen.runner)
            if not behind - self._late:
                return
            if clock() > until:
                self._late = behind
                return
            self._stopping.wait(_SHOWN_INTERVAL)

    def request_run(self) -> None:
        with self._database.begin() as connection:
            processes.request_run(connection)

    def _renew(self) -> None:
        """Renew the leases when they are due, and let the follower know the role."""
        while not self._stopping.is_set():
            self._heartbeats["leases"].beat()
            self._is_due.clear()
            pause = RENEWAL
            fault: Exception | None = None
            try:
                self._beat()
                # Here too: the other thread may wait for a lock that a dead process holds.
                _end_sessions(self._database)
            except Exception as error:
                fault, pause = error, _POLL
            if self._follower:
                self._faults.report("the lease", fault)
                self._report_role(self._follower)
            self._is_due.wait(pause)

    def _run(self) -> None:
        """Look at what other processes did, once a second and when they notify."""
        while not self._stopping.is_set():
            self._heartbeats["presence"].beat()
            try:
                self._look()
            except StateError:
                pass  # the other thread reports it
            except Exception as error:
                self._faults.report("following", error)
            else:
                self._faults.report("following", None)
            began = clock()
            is_notified = self._notifications.wait(_POLL)
            pause = _LEAST_PAUSE if is_notified else _POLL
            self._stopping.wait(max(began + pause - clock(), 0))

    def _look(self) -> None:
        """Act on what other processes did, or left."""
        with self._database.read() as connection:
            seen = processes.glance(connection)
        if not seen.builder_is_alive:
            self._is_due.set()
        if seen.any_dead or clock() >= self._buried_at + RENEWAL:
            _bury(self._database)
            self._buried_at = clock()
        if seen.any_dead and self._follower:
            self._follower.on_jobs()
        if self._published != seen.published:
            self._follow(seen)
        if self._requests != seen.requests and self.is_builder and self._follower:
            self._follower.on_request()
        self._requests = seen.requests

    def _beat(self) -> None:
        """Renew the leases, or take the builder's if it is free."""
        with self._in_use:
            if self._stopping.is_set():
                return
            asked = clock()
            with self._database.begin(durable=False) as connection:
                builder = self._builder
                if builder is None or not builder.renew(connection):
                    builder = leases.take(connection, "daemon", self.name)
                role = Role.BUILDER if builder else Role.STANDBY
                shown = max(self._published, 0)
                is_new = processes.beat(connection, self.name, role, self._started, shown)
            if builder:
                builder.renewed()
            # Others may take it for dead before its lease ends here: the database's clock was set.
            self._lives += is_new or clock() >= self._asked_at + LEASE
            self._builder, self._asked_at = builder, asked

    def _follow(self, seen: Glance) -> None:
        """Serve what was published, and let the others know."""
        if (follower := self._follower) is None:
            return
        began = clock()
        if seen.runner == self.name:  # a run of this process shows its files by itself
            self._published = seen.published
        else:
            if follower.follow() and follower is self._follower:
                self._published = seen.published
                self._is_due.set()  # others wait for that
            follower.on_jobs()
        # Many feeds take long to compare: one in ten seconds of a large run is enough.
        self._stopping.wait(min(10 * (clock() - began), _POLL))

    def _report_role(self, follower: Follower) -> None:
        """Let the follower know when this process became the builder, or ceased to be it.

        Also when its lease had ended for a time, in which requests to build were ignored.
        """
        is_builder = self.is_builder
        lapses = self._builder.lapses if is_builder and self._builder else 0
        role = (follower, is_builder, lapses)
        if role == self._role or self._stopping.is_set():
            return
        if is_builder is not self._logged:
            self._log.info("this process builds" if is_builder else "this process stands by")
        self._role, self._logged = role, is_builder
        follower.on_role()


def _bury(database: Database) -> None:
    """End the transactions of dead processes, delete them, and release their claims.

    Not with a renewal: a run that queues the same jobs may lock them for long.
    """
    _end_sessions(database)
    with database.begin(durable=False, push=True) as connection:
        processes.delete_dead(connection)
        claims.release_dead(connection)


def _end_sessions(database: Database) -> None:
    """End the transactions of dead processes. It waits for no lock."""
    with database.read() as connection:
        processes.end_sessions(connection)
