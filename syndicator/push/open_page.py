"""A page whose deliveries are under way: what is planned, what is awaited, and what came of it."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Done, Released, was_sent
from syndicator.store.claimed_pages import Page, PageEnd, PageEntry
from syndicator.websub.tasks import Delivered, Payload, Task, TaskOutcome, task_for

#: Seconds between two looks at what a page waits for.
_LOOK = 0.1


class OpenPage(Struct):
    """A page whose deliveries are under way."""

    page: Page
    file: FeedFile | None  #: what is sent; None: the topic is no longer published
    entries: Mapping[str, PageEntry]  #: by callback
    unplanned: list[PageEntry]
    owned: set[str]  #: callbacks whose own rows say what they have, and no more the sweep
    began: float  #: when it was claimed, by the monotonic clock
    looked: float = 0.0  #: when it was last looked at what it waits for
    pending: dict[str, Task] = field(default_factory=dict)  #: without an outcome, by callback
    to_queue: set[str] = field(default_factory=set)  #: callbacks whose deliveries become jobs
    outcomes: list[TaskOutcome] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)  #: whose deliveries are retried or given up
    sent: bool = False  #: whether anything arrived of which the sweep says so
    #: Outcomes of the owned. Nothing is written of others.
    noted: list[TaskOutcome] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)  #: callbacks that it no longer waits for
    is_lost: bool = False  #: its lease ended, and this process claimed the same part again

    def add(self, outcome: TaskOutcome) -> None:
        callback = outcome.job.target
        self.pending.pop(callback, None)
        self.under_way.discard(callback)
        self.outcomes.append(outcome)
        if isinstance(outcome.outcome, Released):
            self.to_queue.add(callback)
        elif not isinstance(outcome.outcome, Done):
            self.failed.add(callback)
        # A search for subscribers that lack the bytes sends to few: only their rows say so.
        match outcome.change:
            case Delivered(network=None) if self.page.is_change:
                self.sent = True
            case _ if was_sent(outcome.outcome):
                self.noted.append(outcome)
                self.owned.add(callback)

    def plan(self, number: int, payload: Payload) -> list[Task]:
        """The next deliveries to send. Subscribers that have the bytes already get none."""
        entries, self.unplanned = self.unplanned[:number], self.unplanned[number:]
        tasks = list[Task]()
        for entry in entries:
            to, had = entry.subscription, entry.delivered
            if entry.queued:
                self.to_queue.add(to.callback)
            elif task := task_for(self.page.job(entry), to, had, self.file, "", payload):
                tasks.append(task)
        self.pending |= {task.job.target: task for task in tasks}
        return tasks

    def end(self, waiting: Iterable[Task], under_way: Iterable[Task]) -> None:
        """Wait for no more outcomes."""
        self.to_queue |= {task.job.target for task in waiting}
        self.to_queue |= {entry.subscription.callback for entry in self.unplanned}
        self.under_way |= {task.job.target for task in under_way}
        self.pending.clear()
        self.unplanned.clear()

    def may_be_held_up(self, now: float) -> bool:
        """Whether it is time to look at what it waits for."""
        return bool(self.pending) and not self.unplanned and now >= self.looked + _LOOK

    def lose(self) -> None:
        """Plan no more. What was sent is sent again, since it may arrive after what is newer."""
        self.is_lost = True
        self.unplanned.clear()

    @property
    def is_done(self) -> bool:
        return not self.pending and not self.unplanned

    @property
    def result(self) -> PageEnd:
        return PageEnd(digest=self.file.digest if self.file else None, sent=self.sent)
