"""What the parts report while they work: published files, queued jobs, outcomes."""

from collections.abc import Sequence

from syndicator.model.archive import ArchivePage
from syndicator.model.outbox import Job, JobOutcome
from syndicator.store.feeds import FileRow


class Listener:
    """What a Service reports while it works, in the thread that works. This one ignores it."""

    def on_files(self, rows: Sequence[FileRow]) -> None:
        """Files were written or removed. No hub is notified of them yet."""

    def on_archived(self, pages: Sequence[ArchivePage]) -> None:
        """Pages of archives were written, or ended."""

    def on_queued(self) -> None:
        """A run queued jobs that may be sent at once."""

    def on_outcome(self, job: Job, outcome: JobOutcome) -> None:
        """A job was sent, or was to be sent."""

    def on_push_progress(self) -> None:
        """A push pass goes on. Called several times a second."""
