"""Logs each fault once: when it begins, when it changes, and when it is over."""

import threading
from collections.abc import Collection
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
        self._problems: frozenset[Problem] = frozenset()

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
        """Log the problems that are new, and how many are gone."""
        current = frozenset(problems)
        if current == self._problems:
            return
        new = [problem for problem in problems if problem not in self._problems]
        for problem in new[:_LOGGED]:
            self._log.warning("problem", where=str(problem), hint=problem.hint)
        if len(new) > _LOGGED:
            hint = "syndicator status lists all of them"
            self._log.warning("more problems", number=len(new) - _LOGGED, hint=hint)
        if gone := len(self._problems - current):
            self._log.info("problems are gone", number=gone)
        self._problems = current
