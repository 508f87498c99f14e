"""Sends the request of one task, and follows a hub's redirects."""

import logging
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from syndicator.model.client_keys import host_name
from syndicator.model.outbox import Job, JobKind, Ping, Request, Response
from syndicator.push.context import HttpClient
from syndicator.websub import publisher
from syndicator.websub.tasks import Task

log = logging.getLogger(__name__)

#: The response to a request that raised an exception. It is retried like one without a response.
_INTERNAL_ERROR = Response(status=None, error="an internal error; the log has its traceback")


class SentTask(Struct, frozen=True):
    """A task whose request was sent."""

    task: Task
    began: datetime  #: when it was sent
    response: Response


class PausedTask(Struct, frozen=True):
    """A task that was not sent: its hub asked for a wait, or another process may have sent it."""

    task: Task
    until: datetime


class TaskSender:
    """Sends the requests of tasks, from several threads at once.

    `paused_hubs` are the hubs that asked for a wait, each with its end. They get no ping before.
    After the end of the life in which it began, nothing is sent until `begin` (see `Member.life`).
    """

    def __init__(
        self,
        client: HttpClient,
        clock: Callable[[], datetime],
        life: Callable[[], int | None] = lambda: 0,
    ) -> None:
        self._client = client
        self._clock = clock
        self._life = life
        self.paused_hubs: dict[str, datetime] = {}
        self.begin()

    def begin(self) -> None:
        """Send what is claimed from now on. Nothing that was claimed before waits to be sent."""
        self._begun = self._life()

    @property
    def was_away(self) -> bool:
        """Whether another process may have sent what was claimed since `begin`."""
        life = self._life()
        return life is None or life != self._begun

    def send(self, task: Task) -> SentTask | PausedTask:
        began = self._clock()
        is_ping = isinstance(task.job.detail, Ping)
        until = self.paused_hubs.get(task.job.target) if is_ping else None
        if until and until > began:
            return PausedTask(task, until)
        if self.was_away:
            return PausedTask(task, began)
        try:
            request = replace(task.request, share=_share(task.job))
            response = self._exchange(request, publisher.MAX_HOPS if is_ping else 0)
        except Exception:  # a job that crashes a library must not stop the others
            log.exception("a request to %s failed", host_name(task.job.target))
            response = _INTERNAL_ERROR
        return SentTask(task, began, response)

    def _exchange(self, request: Request, hops: int) -> Response:
        """The response to a request, after following so many redirects."""
        response = self._client.send(request)
        for _ in range(hops):
            if (redirected := publisher.follow(request, response)) is None:
                break
            request, response = redirected, self._client.send(redirected)
        return response


def _share(job: Job) -> str:
    """Hubs and subscribers have shares of their own; callbacks that are verified have one together.

    Anyone may ask for a verification of any number of host names.
    """
    return job.host if job.kind in (JobKind.PING, JobKind.DELIVER) else ""
