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

from syndicator import observe
from syndicator.config import Config, load
from syndicator.daemon.faults import Faults
from syndicator.daemon.malloc import return_memory
from syndicator.daemon.notify import Notify
from syndicator.daemon.scheduler import Scheduler
from syndicator.daemon.serving import Serving
from syndicator.daemon.signals import MOVED, RELOAD, STOP, Signals
from syndicator.errors import ConfigError, MovedStateError, SyndicatorError
from syndicator.service import Service
from syndicator.web.health import Health
from syndicator.web.server import Server

#: Seconds that the whole stop may take: less than the five that the documentation promises.
_STOP = 4.5

#: Seconds that readiness waits for the first run. Earlier feeds are served meanwhile.
_FIRST_RUN_WAIT = 30.0

#: The claimer of the daemon's jobs. There is one daemon on a state.
_CLAIMER = "daemon"

_FIRST_RUN_OVER = "the first run is over"

#: The longest time between two checks of the threads, in seconds.
_CHECK = 10.0


class Daemon:
    """One process for one config file, through every change of that file."""

    def __init__(self, path: Path | None, signals: Signals, *, verbose: bool) -> None:
        self._path = path
        self._signals = signals
        return_memory()
        self._metrics = observe.Metrics()
        self._log_output = observe.logs(terminal=sys.stderr.isatty(), verbose=verbose)
        self._metrics.count_lost_lines(lambda: self._log_output.lost)
        self._log: Any = structlog.get_logger()
        self._faults = Faults()
        threading.excepthook = self._thread_ended
        self._notify = Notify(os.environ)
        self._began = datetime.now(UTC)
        self._lock = ExitStack()  #: on the state: held from start to stop, through reloads

    def run(self) -> int:
        """Run until stopped. Returns the exit code. Raises SyndicatorError if it can't start."""
        config = load(self._path, os.environ)
        service = self._service = Service(config, claimer=_CLAIMER)
        try:
            self._lock.enter_context(service.daemon_lock())
            self._scheduler, self._serving = self._parts_of(service)
            self._server = Server(self._serving.app, *config.web.listen)
            self._server.start()
            self._admin = self._admin_server()
            self._service.remember_start(self._began)
            self._scheduler.start()
            self._handle_signals()
            self._stop()
        finally:
            self._service.close()  # a reload may have replaced it
        return 0

    def _parts_of(self, service: Service) -> tuple[Scheduler, Serving]:
        """The scheduler of a service, not started yet, and what serves its files."""
        scheduler = Scheduler(
            service,
            self._metrics,
            self._faults,
            first_run_over=lambda: self._signals.put(_FIRST_RUN_OVER),
            state_moved=lambda: self._signals.put(MOVED),
        )
        health = Health(
            stuck=self._stuck, readiness=scheduler.readiness, metrics=self._metrics.text
        )
        serving = Serving(
            service, self._metrics, self._faults, health=health, on_queued=scheduler.push_soon
        )
        return scheduler, serving

    def _admin_server(self) -> Server | None:
        """Start the server of the operator's address.

        None: the config names no address, or another program has it, which is logged as a warning.
        """
        listen = self._service.config.web.admin
        if listen is None:
            return None
        server = Server(self._serving.admin_app, *listen, setting="web.admin")
        try:
            server.start()
        except SyndicatorError as error:
            same = listen == self._service.config.web.listen
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
            *self._scheduler.stuck(),
            *self._serving.stuck(),
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
            if event == STOP:
                return
            if event == RELOAD:
                self._reload()
            if event == MOVED:
                self._reopen_state()
            if not ready and (event == _FIRST_RUN_OVER or time.monotonic() >= ready_at):
                ready = True
                self._announce()
                self._notify.ready(f"Serving {self._address()}")
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
            print(f"Serving {self._address()}", flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _stop(self) -> None:
        """Stop in the reverse order of the start. What hangs is left: no file depends on it."""
        deadline = time.monotonic() + _STOP
        self._notify.stopping()
        self._server.stop(timeout=1.5)
        if self._admin:
            self._admin.stop(timeout=0.5)
        if not self._scheduler.stop(deadline - time.monotonic()):
            hint = "the next start continues it"
            self._log.warning("stopped during unfinished work", hint=hint)
            self._log_output.close()
            os._exit(0)
        if self._signals.interrupted:
            self._service.remember_stop()
        self._lock.close()
        self._log.info("stopped")

    # ------------------------------------------------------------------------------------ reload

    def _reload(self) -> None:
        """Read the config again. An invalid one is logged and changes nothing."""
        self._notify.reloading()
        try:
            config = load(self._path, os.environ)
            if config != self._service.config:
                self._switch_to(config)
            elif self._admin is None:
                self._admin = self._admin_server()
        except SyndicatorError as error:
            self._log.error("the new config is not used", error=str(error), hint=error.hint)
            for mistake in error.mistakes if isinstance(error, ConfigError) else ():
                self._log.error("mistake", setting=mistake)
        else:
            self._log.info("the config was read again")
        self._notify.ready(f"Serving {self._address()}")

    def _reopen_state(self) -> None:
        """Continue with the state that is there now, as a start would.

        If that fails, the next poll repeats it.
        """
        try:
            self._service.check()
        except MovedStateError:
            self._lock.close()  # its file may be deleted as well
            self._service.database.remove_companions()
            try:
                self._switch_to(self._service.config, new_state=True)
            except SyndicatorError as error:
                self._faults.report("state", error)
                return
        self._faults.report("state", None)

    def _switch_to(self, config: Config, *, new_state: bool = False) -> None:
        """Replace the running parts by those of another config, or of another state.

        All that can fail comes first. Then the old parts stop, and the new ones start.
        """
        before = self._service.config
        old_service = self._service
        old_scheduler = self._scheduler
        old_server = self._server
        new_lock = new_state or config.state.url != before.state.url
        with ExitStack() as undo:
            service = undo.enter_context(Service(config, claimer=_CLAIMER))
            lock = undo.enter_context(ExitStack())
            if new_lock:
                lock.enter_context(service.daemon_lock())
            scheduler, serving = self._parts_of(service)
            undo.callback(serving.stop)
            if new_state:  # which knows no files yet
                serving.show(self._serving.shown())
            if config.web.listen != before.web.listen:
                server = Server(serving.app, *config.web.listen)
                server.start()
                self._server = server
            undo.pop_all()
        if not old_scheduler.stop(_STOP):
            self._log.warning("work of the old config is unfinished, and ends by itself")
        with suppress(SyndicatorError):  # else the first run shows them
            serving.show(service.published())  # includes what the old parts published meanwhile
        self._serving.stop()
        self._service = service
        self._scheduler = scheduler
        self._serving = serving
        self._server.replace(self._serving.app)
        self._switch_admin(before)
        self._service.remember_start(self._began)
        self._scheduler.start()
        old_service.close()
        del old_service, old_scheduler
        gc.collect()  # reference cycles keep some megabytes of the old parts
        if new_lock:
            self._lock.close()
            self._lock = lock
        if self._server is not old_server:
            old_server.stop(timeout=2)
            self._announce()

    def _switch_admin(self, before: Config) -> None:
        """Serve the operator's address of the new config. An address that failed is tried again."""
        if self._admin and self._service.config.web.admin == before.web.admin:
            self._admin.replace(self._serving.admin_app)
            return
        if self._admin:
            self._admin.stop(timeout=0.5)
        self._admin = self._admin_server()

    def _address(self) -> str:
        """The URL of the index page on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._server.host, self._server.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.port}/"
