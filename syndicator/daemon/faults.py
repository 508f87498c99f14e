"""Logs each fault and each problem once: when it begins, when it changes, and when it is over."""

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import structlog

from syndicator.errors import SyndicatorError
from syndicator.model.content import Problem

#: Problems of one run that are logged one by one. `syndicator status` lists all of them.
_LOGGED = 20


class Faults:
    """The current faults, by the part that reported each.

    Several threads report, each for its own parts.
    """

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger()
        self._current: dict[str, str] = {}
        self._lock = threading.Lock()
        self._problems: Mapping[_ProblemKey, Problem] = {}
        self._failing_hubs: frozenset[str] = frozenset()

    def report(self, part: str, error: Exception | None) -> None:
        """Record how an attempt ended. None: it succeeded.

        One cause can stop several parts, as a full disk does. Only the first one logs it.
        """
        message = None if error is None else f"{type(error).__name__}: {error}"
        with self._lock:
            before = self._current.pop(part, None)
            known = isinstance(error, SyndicatorError) and message in self._current.values()
            if message and not known:
                self._current[part] = message
        if message == before or known:
            return
        if error is None:
            self._log.info(f"{part} works again")
        elif isinstance(error, SyndicatorError):
            self._log.error(f"{part} failed", error=str(error), hint=error.hint)
        else:  # a bug: a report of it needs the traceback
            self._log.error(f"{part} failed", exc_info=error)

    def report_problems(self, problems: Collection[Problem]) -> None:
        """Log the problems and notes that are new, and those that are solved."""
        before, self._problems = self._problems, _by_key(problems)
        new = [problem for key, problem in self._problems.items() if key not in before]
        solved = [problem for key, problem in before.items() if key not in self._problems]
        for problem in new[:_LOGGED]:
            log = self._log.info if problem.note else self._log.warning
            event = "note" if problem.note else "problem"
            log(event, where=str(problem), hint=problem.hint)
        if len(new) > _LOGGED:
            hint = "syndicator status lists all of them"
            self._log.warning("more problems", number=len(new) - _LOGGED, hint=hint)
        for problem in solved[:_LOGGED]:
            self._log.info("solved", where=str(problem))
        if len(solved) > _LOGGED:
            self._log.info("more problems are solved", number=len(solved) - _LOGGED)

    def report_pings(self, errors: Mapping[tuple[str, str], str | None]) -> None:
        """Log the hubs that began to fail, and those that work again.

        `errors`: of the last ping to each hub about each topic; None: it succeeded.
        """
        failing = {hub: error for (hub, _), error in errors.items() if error is not None}
        working = {hub for hub, _ in errors} - failing.keys()
        for hub in failing.keys() - self._failing_hubs:
            hint = "the pings are retried; syndicator status shows when"
            self._log.warning("pings fail", hub=hub, error=failing[hub], hint=hint)
        for hub in working & self._failing_hubs:
            self._log.info("pings work again", hub=hub)
        self._failing_hubs = (self._failing_hubs - working) | failing.keys()


#: What makes a problem the same after an edit: its line may be another.
_ProblemKey = tuple[str, str]  # path, message


def _by_key(problems: Iterable[Problem]) -> dict[_ProblemKey, Problem]:
    return {(problem.path, problem.message): problem for problem in problems}
