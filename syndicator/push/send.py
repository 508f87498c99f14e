"""Sends the request of one task, and follows a hub's redirects."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syndicator.model.client_keys import host_name
from syndicator.model.outbox import JobKind, Request, Response
from syndicator.outbound import Client
from syndicator.websub import publisher
from syndicator.websub.tasks import Task

log = logging.getLogger(__name__)

#: The answer to a request that raised an exception. It is retried like one without an answer.
_INTERNAL_ERROR = Response(status=None, error="an internal error; the log has its traceback")


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A task after its request was sent, or left out."""

    task: Task
    began: datetime  #: when it was sent
    answer: Response | None  #: None: nothing was sent
    paused_until: datetime | None = None  #: the hub's Retry-After, so nothing was sent; None: none


class TaskSender:
    """Sends the requests of tasks, from several threads at once.

    `paused_hubs` are the hubs that asked for a wait, each with its end. They get no ping before.
    """

    def __init__(self, client: Client, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self.paused_hubs: dict[str, datetime] = {}

    def send(self, task: Task) -> SentRequest:
        began = self._clock()
        job, request = task.job, task.request
        until = self.paused_hubs.get(job.target) if job.kind is JobKind.PING else None
        if request is None or (until and until > began):
            return SentRequest(task, began, None, until)
        try:
            return SentRequest(task, began, self._exchange(request, job.kind))
        except Exception:  # a job that crashes a library must not stop the others
            log.exception("a request to %s failed", host_name(job.target))
            return SentRequest(task, began, _INTERNAL_ERROR)

    def _exchange(self, request: Request, kind: JobKind) -> Response:
        """The answer to a request; of a ping, after following redirects."""
        answer = self._client.send(request)
        for _ in range(publisher.MAX_HOPS if kind is JobKind.PING else 0):
            if (redirected := publisher.follow(request, answer)) is None:
                break
            request, answer = redirected, self._client.send(redirected)
        return answer
