"""Saying a trouble once: when it comes, when it changes, and when it is over."""

import threading
from collections.abc import Collection
from typing import Any

import structlog

from syndicator.errors import SyndicatorError
from syndicator.model.content import Problem

#: Problems of one run that are told one by one; `syndicator status` has them all.
_NAMED = 20


class Faults:
    """What is wrong now, by the subject that told of it. Used from several threads, each with its own subjects."""

    def __init__(self) -> None:
        self._log: Any = structlog.get_logger()
        self._now: dict[str, str] = {}
        self._turn = threading.Lock()
        self._problems: frozenset[Problem] = frozenset()

    def tell(self, subject: str, error: Exception | None) -> None:
        """What a try at something came to. None: it went well.

        One cause stops several subjects, as a full disk does runs and pushes: it is told of by one of them.
        """
        said = None if error is None else f"{type(error).__name__}: {error}"
        with self._turn:
            before = self._now.pop(subject, None)
            told = isinstance(error, SyndicatorError) and said in self._now.values()
            if said and not told:
                self._now[subject] = said
        if said == before or told:
            return
        if error is None:
            self._log.info(f"{subject} works again")
        elif isinstance(error, SyndicatorError):
            self._log.error(f"{subject} failed", error=str(error), hint=error.hint)
        else:  # ours to mend: whoever reports it needs the place
            self._log.error(f"{subject} failed", exc_info=error)

    def problems(self, found: Collection[Problem]) -> None:
        """Tell of the problems that are new, and how many were mended."""
        now = frozenset(found)
        if now == self._problems:
            return
        fresh = [problem for problem in found if problem not in self._problems]
        for problem in fresh[:_NAMED]:
            self._log.warning("problem", where=str(problem), hint=problem.hint)
        if len(fresh) > _NAMED:
            self._log.warning(
                "more problems", number=len(fresh) - _NAMED, hint="syndicator status shows them all"
            )
        if mended := len(self._problems - now):
            self._log.info("problems are gone", number=mended)
        self._problems = now
