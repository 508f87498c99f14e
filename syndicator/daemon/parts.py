"""The parts of the daemon that run for one config. A reload replaces them as a whole."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from syndicator.config import Config
from syndicator.daemon.builds import Source
from syndicator.daemon.recorder import Recorder
from syndicator.daemon.scheduler import Scheduler
from syndicator.daemon.serving import (
    git_hook_routes,
    hub_routes,
    operator_app,
    public_app,
    request_counter,
)
from syndicator.daemon.signals import Event
from syndicator.daemon.start import Opened, not_shared
from syndicator.daemon.telemetry import Telemetry
from syndicator.errors import OutputError
from syndicator.inspection import Overview, collect_overview, status_json
from syndicator.listener import Listener
from syndicator.model.archive import ArchivePage
from syndicator.model.outbox import Job, JobOutcome
from syndicator.store import archives
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.web.health import Health


class Parts(Listener):
    """A Service, what schedules its work, and what serves its files.

    Nothing is done before `serve` and `scheduler.start`.
    `notify`: see Scheduler. `stuck` returns the threads of the whole daemon that hang.
    """

    def __init__(
        self,
        opened: Opened,
        telemetry: Telemetry,
        *,
        notify: Callable[[Event], None],
        stuck: Callable[[], list[str]],
    ) -> None:
        self.config = config = opened.config
        self.service = service = opened.service
        self._faults = telemetry.faults
        self._activity = telemetry.activity
        # The service reports only while it works, which it does once all parts are there.
        service.listener = self
        self.database = service.database
        self.scheduler = Scheduler(service, source_of(config, self.database), telemetry, notify)
        self._archives = opened.archives
        self.files = opened.files
        self._updating = threading.Lock()  #: of the archives
        self._recorder = Recorder(service.database, telemetry)
        health = Health(
            stuck=stuck,
            readiness=self.scheduler.readiness,
            metrics=telemetry.metrics.text,
            status=lambda: status_json(config, service.database, datetime.now(UTC)),
            overview=self._overview,
        )
        self.app = public_app(
            config,
            opened.catalogue,
            self._recorder,
            [
                *hub_routes(config, service.database, service.client, self.files, self.on_jobs),
                *git_hook_routes(config, self.scheduler.fetches, lambda: service.git.branch),
            ],
            health=health,
            on_request=request_counter(config, service.client, self._recorder, telemetry.metrics),
        )
        self.operator_app = operator_app(config.web, health)
        opened.catalogue.messages.make()

    def serve(self) -> None:
        """Show the published files, and record what requests show, until `stop_serving`.

        Raises StateError if the state can't be read.
        """
        self._show_published()
        self._recorder.start()

    def _show_published(self) -> bool:
        """Show all files and pages that the state has. False: the folder lacks some files."""
        is_complete = self.files.show_published()
        with self._updating, self.database.read() as connection:
            self._archives.update(archives.all_pages(connection))
        return is_complete

    def stop_serving(self) -> None:
        self._recorder.stop()

    def stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        return [*self.scheduler.stuck(), *self._recorder.stuck()]

    def _overview(self) -> Overview:
        """What the operator's page shows."""
        return collect_overview(
            self.config,
            self.database,
            datetime.now(UTC),
            known=self.scheduler.known(),
            last_day=self._activity.last_day,
        )

    # ---------------------------------------------------- what other processes did (see presence)

    def follow(self) -> bool:
        is_complete = self._show_published()
        fault: OutputError | None = None
        try:
            if not (is_complete or self.service.output.check_owner()):
                fault = not_shared(self.config.output.place)
        except OutputError as error:
            fault = error
        self._faults.report("output", fault)
        return is_complete

    def on_jobs(self) -> None:
        self.scheduler.pushes.request_now()

    def on_role(self) -> None:
        self.scheduler.request_run()

    def on_request(self) -> None:
        self.scheduler.request_run()

    # -------------------------------------------------------------------- what the service reports

    def on_files(self, rows: Sequence[FileRow]) -> None:
        self.files.show(rows)

    def on_archived(self, pages: Sequence[ArchivePage]) -> None:
        with self._updating:
            self._archives.update(pages)
        self.scheduler.builds.pages_changed = True

    def on_queued(self) -> None:
        self.scheduler.pushes.request_now(waits=True)

    def on_outcome(self, job: Job, outcome: JobOutcome) -> None:
        self.scheduler.pushes.record(job, outcome)

    def on_push_progress(self) -> None:
        self.scheduler.pushes.progressed()


def source_of(config: Config, database: Database) -> Source:
    """The site's folder, as `Builds` watches it."""
    return Source(
        folder=config.site_folder,
        poll=config.source.poll,
        watch=config.is_watched,
        output=config.output.path,
        state=database.path,
        fetched=config.source.git is not None,
    )
