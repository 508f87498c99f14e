"""The daemon from start to stop: signals, reload, watchdog."""

import gc
import os
import sys
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from msgspec import structs

from syndicator import from_config, garbage, observe
from syndicator.config import Config, load, working_directory
from syndicator.daemon.faults import Faults
from syndicator.daemon.notify import Notify
from syndicator.daemon.parts import Parts
from syndicator.daemon.signals import Event, Signals
from syndicator.daemon.start import Opened, Started, join, require_output, require_writable
from syndicator.daemon.telemetry import Telemetry
from syndicator.errors import ConfigError, MovedStateError, SyndicatorError
from syndicator.listen import Address, UnixSocket
from syndicator.logs import LogOptions, Logs
from syndicator.ops import status
from syndicator.web.server import Server

#: Seconds that the whole stop may take: less than the five that the documentation promises.
_STOP = 4.5

#: Seconds that the interpreter has for its own end, to write the log and join threads.
_EXIT = 0.5

#: Seconds that readiness waits for the first run. Earlier feeds are served meanwhile.
_FIRST_RUN_WAIT = 30.0

#: The longest time between two checks of the threads, in seconds.
_CHECK = 10.0


class Daemon:
    """One process for one config file, through every change of that file."""

    def __init__(
        self, path: Path | None, signals: Signals, started: Started, *, verbose: bool
    ) -> None:
        self._path = path
        self._signals = signals
        self._verbose = verbose
        self._logs = Logs(LogOptions(), sys.stderr.fileno(), os.environ)
        self._log: Any = structlog.get_logger()
        self._faults = Faults()
        self._telemetry = Telemetry(observe.Metrics(), self._faults)
        self._telemetry.metrics.count_lost_lines(lambda: self._logs.output.lost)
        threading.excepthook = self._thread_ended
        self._notify = Notify(os.environ)
        self._began = datetime.now(UTC)
        #: Where relative paths of the config start; None: it no longer exists.
        self._folder: Path | None = None
        with suppress(FileNotFoundError):
            self._folder = working_directory(os.environ)
        #: One of the daemons on the state, from start to stop, through reloads.
        self._member = started.member
        self._lock = started.lock
        self._inherited = started.sockets
        self._server = started.server
        config = started.opened.config
        self._logs.configure(from_config.log_options(config, verbose=verbose))
        self._parts = self._parts_of(started.opened)

    def run(self) -> int:
        """Run until stopped. Returns the exit code. Raises SyndicatorError if it can't start."""
        try:
            self._parts.serve()
            self._server.replace(self._parts.app)
            garbage.collect_from_now(garbage.EVERY_IN_DAEMON)
            self._admin = self._admin_server()
            status.remember_start(self._parts.database, self._began)
            self._parts.scheduler.start()
            self._member.start(self._parts, self._faults)
            self._handle_signals()
            self._stop()
        finally:
            self._parts.service.close()  # a reload may have replaced it
        return 0

    def _parts_of(self, opened: Opened) -> Parts:
        return Parts(opened, self._telemetry, notify=self._signals.put, stuck=self._stuck)

    def _admin_server(self) -> Server | None:
        """Start the server of the operator's address.

        None: the config names no address, or another program has it, which is logged as a warning.
        """
        listen = self._parts.config.web.admin
        sockets = self._inherited.admin
        if listen is None and not sockets:
            return None
        server = Server(self._parts.operator_app, listen, sockets=sockets, setting="web.admin")
        try:
            server.start()
        except SyndicatorError as error:
            same = listen == self._parts.config.web.listen
            hint = (
                'it is web.listen\'s: set web.admin to another port, or to ""'
                if same
                else error.hint
            )
            self._log.warning("the operator's address is not served", error=str(error), hint=hint)
            return None
        return server

    def _stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        return [
            *self._parts.stuck(),
            *self._member.stuck(),
            *(["web"] if self._server.is_stuck() else []),
        ]

    def _thread_ended(self, hook: threading.ExceptHookArgs) -> None:
        name = hook.thread.name if hook.thread else "unknown"
        self._log.error("a thread ended", thread=name, exc_info=hook.exc_value)

    def _handle_signals(self) -> None:
        """Act on signals and events until one of them is STOP."""
        watchdog = self._notify.watchdog
        interval = min(_CHECK, watchdog.total_seconds()) if watchdog else _CHECK
        ready = False
        ready_at = time.monotonic() + _FIRST_RUN_WAIT
        while True:
            left = interval if ready else max(ready_at - time.monotonic(), 0)
            event = self._signals.wait(min(left, interval))
            if event is Event.STOP:
                return
            if event is Event.RELOAD:
                self._reload()
            if event is Event.STATE_MOVED:
                self._reopen_state()
            if not ready and (event is Event.FIRST_RUN_OVER or time.monotonic() >= ready_at):
                ready = True
                self._announce()
                self._notify.ready(f"Serving {self._server.url}")
            if self._all_threads_work():
                self._notify.alive()

    def _all_threads_work(self) -> bool:
        """Log once which threads do not. The watchdog is notified only while all of them do."""
        stuck = self._stuck()
        hint = "restart the daemon; a service manager's watchdog does so by itself"
        error = SyndicatorError(f"ended or stuck: {', '.join(stuck)}", hint=hint)
        self._faults.report("threads", error if stuck else None)
        return not stuck

    def _announce(self) -> None:
        """Print the address on stdout. A stdout that can't be written is replaced by /dev/null."""
        try:
            print(f"Serving {self._server.url}", flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _stop(self) -> None:
        """Stop in the reverse order of the start. What hangs is left: no file depends on it."""
        deadline = time.monotonic() + _STOP
        self._notify.stopping()
        self._server.stop(timeout=1.5)
        if self._admin:
            self._admin.stop(timeout=0.5)
        if not self._parts.scheduler.stop(deadline - time.monotonic()):
            hint = "the next start continues it"
            self._log.warning("stopped during unfinished work", hint=hint)
            self._logs.output.close()
            with suppress(Exception):
                self._lock.close()
            os._exit(0)
        self._lock.close()
        if self._signals.interrupted:
            status.remember_stop(self._parts.database)
        self._log.info("stopped")
        exit_by(deadline)

    # ------------------------------------------------------------------------------------ reload

    def _reload(self) -> None:
        """Read the config again. An invalid one is logged and changes nothing."""
        self._notify.reloading()
        if self._folder:
            with suppress(OSError):  # a link on the way to it may have been swapped
                os.chdir(self._folder)
        try:
            config = load(self._path, os.environ)
            if structs.replace(config, log=self._parts.config.log) != self._parts.config:
                self._switch_to(config)
            elif self._admin is None:
                self._admin = self._admin_server()
        except SyndicatorError as error:
            self._log.error("the new config is not used", error=str(error), hint=error.hint)
            for mistake in error.mistakes if isinstance(error, ConfigError) else ():
                self._log.error("mistake", setting=mistake)
        else:
            self._parts.config = config
            self._logs.configure(from_config.log_options(config, verbose=self._verbose))
            self._log.info("the config was read again")
        self._notify.ready(f"Serving {self._server.url}")

    def _reopen_state(self) -> None:
        """Continue with the state that is there now, as a start would.

        If that fails, the next poll repeats it.
        """
        try:
            self._parts.service.check()
        except MovedStateError:
            self._lock.close()  # its file may be deleted as well
            self._parts.database.remove_companions()
            try:
                self._switch_to(self._parts.config, new_state=True)
            except SyndicatorError as error:
                self._faults.report("state", error)
                return
        self._faults.report("state", None)

    def _switch_to(self, config: Config, *, new_state: bool = False) -> None:
        """Replace the running parts by those of another config, or of another state.

        All that can fail comes first. Then the old parts stop, and the new ones start.
        """
        old = self._parts
        old_server = self._server
        new_lock = new_state or config.state.url != old.config.state.url
        with ExitStack() as undo:
            opened = Opened(config)
            undo.callback(opened.service.close)
            lock = undo.enter_context(ExitStack())
            opened.service.join(self._member)
            member = join(opened, lock) if new_lock else self._member
            require_output(opened)
            if config.output.path != old.config.output.path and opened.service.member.is_builder:
                require_writable(config.output)  # else its feeds would be answered 503
            opened.service.git.require()
            parts = self._parts_of(opened)
            parts.serve()
            undo.callback(parts.stop_serving)
            if new_state:  # the new state has no file rows yet
                parts.files.show(old.files.shown())
            if config.web.listen != old.config.web.listen and not self._inherited.web:
                self._server = self._server_at(config.web.listen, parts, old.config)
            undo.pop_all()
        if not old.scheduler.stop(_STOP):
            self._log.warning("work of the old config is unfinished, and ends by itself")
        with suppress(SyndicatorError):  # if the state can't be read, the first run does this
            parts.files.show_published()  # includes what the old parts published meanwhile
        old.stop_serving()
        self._parts = parts
        self._server.replace(parts.app)
        self._switch_admin(old.config, old_server)
        status.remember_start(parts.database, self._began)
        parts.scheduler.start()
        member.start(parts, self._faults)
        old.service.close()
        del old
        gc.collect()  # reference cycles keep some megabytes of the old parts
        if new_lock:
            self._lock.close()
            self._lock, self._member = lock, member
        if self._server is not old_server:
            if self._admin is not old_server:
                old_server.stop(timeout=2)
            self._announce()

    def _server_at(self, listen: Address, parts: Parts, before: Config) -> Server:
        """A server at the new public address: the operator's, if that was its address.

        Raises SyndicatorError if the address can't be had.
        """
        if self._admin and listen == before.web.admin and not self._inherited.admin:
            return self._admin
        server = Server(parts.app, listen)
        try:
            server.start()
        except SyndicatorError as error:
            own = {each.port for each in (self._server, self._admin) if each} - {0}
            if isinstance(listen, UnixSocket) or listen[1] not in own:
                raise
            hint = "this daemon itself listens at that port: restart it, or set another port"
            raise SyndicatorError(str(error), hint=hint) from error
        return server

    def _switch_admin(self, before: Config, old_server: Server) -> None:
        """Serve the operator's address of the new config. An address that failed is tried again.

        It may be the one that was public before, or the public one may have been the operator's.
        """
        web = self._parts.config.web
        admin = self._admin if self._admin is not self._server else None
        if admin and (web.admin == before.web.admin or self._inherited.admin):
            admin.replace(self._parts.operator_app)
            return
        if admin:
            admin.stop(timeout=0.5)
        if self._server is not old_server and web.admin == before.web.listen:
            old_server.replace(self._parts.operator_app)
            self._admin = old_server
        else:
            self._admin = self._admin_server()


def exit_by(deadline: float) -> None:
    """End the process at this time by the monotonic clock, or soon after it, if it still runs.

    The interpreter waits for the threads of pools, and one may read from a bucket that hangs.
    https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor
    """
    timer = threading.Timer(max(deadline - time.monotonic(), _EXIT), os._exit, [0])
    timer.daemon = True
    timer.start()
