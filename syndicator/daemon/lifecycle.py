"""The daemon's life: start, signals, reload, stop."""

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

#: Seconds that stopping takes at most, all of it: less than the five that are promised.
_STOP = 4.5

#: Seconds that readiness waits for the first run. What stands from before is served meanwhile.
_FIRST = 30.0

#: By which the daemon claims what is owed. There is one daemon on a state.
_NAME = "daemon"

_FIRST_RUN = "the first run is over"

#: Seconds between looks at whether every thread works, at most.
_LOOK = 10.0


class Daemon:
    """One process for one config file, whatever the file comes to say."""

    def __init__(self, path: Path | None, signals: Signals, *, verbose: bool) -> None:
        self._path, self._signals = path, signals
        return_memory()
        self._metrics = observe.Metrics()
        self._log_output = observe.logs(terminal=sys.stderr.isatty(), verbose=verbose)
        self._metrics.count_lost_lines(lambda: self._log_output.lost)
        self._log: Any = structlog.get_logger()
        self._faults = Faults()
        threading.excepthook = self._thread_ended
        self._notify = Notify(os.environ)
        self._began = datetime.now(UTC)
        self._lock = ExitStack()  #: on the state: held from start to stop, whoever works on it

    def run(self) -> int:
        """From start to stop. Returns the exit code; raises SyndicatorError when it can't start."""
        config = load(self._path, os.environ)
        service = self._service = Service(config, claimer=_NAME)
        try:
            self._lock.enter_context(service.daemon_lock())
            self._work, self._serving = self._employed(service)
            self._server = Server(self._serving.app, *config.web.listen)
            self._server.start()
            self._admin = self._admin_server()
            self._service.started(self._began)
            self._work.start()
            self._heed_signals()
            self._stop()
        finally:
            self._service.close()  # by then perhaps another
        return 0

    def _employed(self, service: Service) -> tuple[Scheduler, Serving]:
        """What works for a service, not begun yet, and what serves that which it has published."""
        work = Scheduler(
            service,
            self._metrics,
            self._faults,
            first=lambda: self._signals.say(_FIRST_RUN),
            moved=lambda: self._signals.say(MOVED),
        )
        health = Health(stuck=self._stuck, readiness=work.readiness, metrics=self._metrics.text)
        return work, Serving(
            service, self._metrics, self._faults, health=health, on_owed=work.push_soon
        )

    def _admin_server(self) -> Server | None:
        """Serves the operator's address; None: there is none, or another program has it, which is a warning."""
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
            *self._work.stuck(),
            *self._serving.stuck(),
            *(["web"] if self._server.is_stuck() else []),
        ]

    def _thread_ended(self, hook: threading.ExceptHookArgs) -> None:
        name = hook.thread.name if hook.thread else "unknown"
        self._log.error("a thread ended", thread=name, exc_info=hook.exc_value)

    def _heed_signals(self) -> None:
        """Do what the signals say, until they say stop."""
        watchdog = self._notify.watchdog
        pulse = min(_LOOK, watchdog.total_seconds()) if watchdog else _LOOK
        ready, until = False, time.monotonic() + _FIRST
        while True:
            left = pulse if ready else max(until - time.monotonic(), 0)
            word = self._signals.wait(min(left, pulse))
            if word == STOP:
                return
            if word == RELOAD:
                self._reload()
            if word == MOVED:
                self._open_anew()
            if not ready and (word == _FIRST_RUN or time.monotonic() >= until):
                ready = True
                self._announce()
                self._notify.ready(f"Serving {self._address()}")
            if self._all_threads_work():
                self._notify.alive()

    def _all_threads_work(self) -> bool:
        """Log a thread that doesn't, once. The service manager's watchdog is told that we live only when all do."""
        stuck = self._stuck()
        hint = "restart the daemon; a service manager's watchdog does so by itself"
        error = SyndicatorError(f"they ended, or hang: {', '.join(stuck)}", hint=hint)
        self._faults.tell("threads", error if stuck else None)
        return not stuck

    def _announce(self) -> None:
        """Print the address on stdout, unless nobody reads it any more."""
        try:
            print(f"Serving {self._address()}", flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _stop(self) -> None:
        """End in the reverse order of the start. What hangs is left behind: nothing on disk depends on it."""
        until = time.monotonic() + _STOP
        self._notify.stopping()
        self._server.stop(timeout=1.5)
        if self._admin:
            self._admin.stop(timeout=0.5)
        if not self._work.stop(until - time.monotonic()):
            self._log.warning(
                "stopped while something was under way", hint="the next start takes it up again"
            )
            self._log_output.close()
            os._exit(0)
        if self._signals.typed:
            self._service.ended()
        self._lock.close()
        self._log.info("stopped")

    # ----------------------------------------------------------------------------------------------- reload

    def _reload(self) -> None:
        """Read the config again. A bad one is told of and changes nothing."""
        self._notify.reloading()
        try:
            config = load(self._path, os.environ)
            if config != self._service.config:
                self._turn_to(config)
            elif self._admin is None:
                self._admin = self._admin_server()
        except SyndicatorError as error:
            self._log.error("the new config is not used", error=str(error), hint=error.hint)
            for mistake in error.mistakes if isinstance(error, ConfigError) else ():
                self._log.error("mistake", setting=mistake)
        else:
            self._log.info("the config was read again")
        self._notify.ready(f"Serving {self._address()}")

    def _open_anew(self) -> None:
        """Go on with the state that is there now, as a start would. What fails is tried again at the next poll."""
        try:
            self._service.check()
        except MovedStateError:
            self._lock.close()  # it may be on a file that is gone as well
            self._service.database.remove_companions()
            try:
                self._turn_to(self._service.config, lock_anew=True)
            except SyndicatorError as error:
                self._faults.tell("state", error)
                return
        self._faults.tell("state", None)

    def _turn_to(self, config: Config, *, lock_anew: bool = False) -> None:
        """Work by another config. All that can fail comes first; then the old work ends, and the new begins."""
        before, old_service, old_work, old_server = (
            self._service.config,
            self._service,
            self._work,
            self._server,
        )
        with ExitStack() as undo:
            service = undo.enter_context(Service(config, claimer=_NAME))
            lock = undo.enter_context(ExitStack())
            if lock_anew or config.state.url != before.state.url:
                lock.enter_context(service.daemon_lock())
            work, serving = self._employed(service)
            undo.callback(serving.stop)
            if lock_anew:  # this state knows of no file yet
                serving.show(self._serving.shown())
            if config.web.listen != before.web.listen:
                server = Server(serving.app, *config.web.listen)
                server.start()
                self._server = server
            undo.pop_all()
        if not old_work.stop(_STOP):
            self._log.warning("the old config's work is still under way, and ends by itself")
        with suppress(SyndicatorError):  # the first run shows it else
            serving.show(service.published())  # what the old work published meanwhile
        self._serving.stop()
        self._service, self._work, self._serving = service, work, serving
        self._server.replace(self._serving.app)
        self._turn_admin(before)
        self._service.started(self._began)
        self._work.start()
        old_service.close()
        del old_service, old_work
        gc.collect()  # what worked by the old config holds on to itself in circles, and to some megabytes
        if lock_anew or config.state.url != before.state.url:
            self._lock.close()
            self._lock = lock
        if self._server is not old_server:
            old_server.stop(timeout=2)
            self._announce()

    def _turn_admin(self, before: Config) -> None:
        """Serve the operator's address by the new config. One that was taken before is tried again."""
        if self._admin and self._service.config.web.admin == before.web.admin:
            self._admin.replace(self._serving.admin_app)
            return
        if self._admin:
            self._admin.stop(timeout=0.5)
        self._admin = self._admin_server()

    def _address(self) -> str:
        """Of the index page, as someone on this machine would open it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._server.host, self._server.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.port}/"
