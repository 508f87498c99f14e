"""How facts are said: in words for people, as one JSON object for programs."""

import json as json_
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from syndicator.errors import ConfigError, SyndicatorError
from syndicator.model.content import Problem, Report

if TYPE_CHECKING:
    from rich.progress import Progress

    from syndicator.push.record import PushReport


def error(error: SyndicatorError) -> None:
    """Say what is wrong and what to do about it, on stderr. Where that can't be written, the exit code says it."""
    lines = [f"syndicator: {error}"]
    if isinstance(error, ConfigError):
        lines += [f"  {mistake}" for mistake in error.mistakes]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    try:
        typer.echo("\n".join(lines), err=True)
    except OSError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno()
        )  # what is buffered would fail at the end


def report(report: "Report | PushReport", *, json: bool) -> None:
    """What a run or a pass did: each problem with its hint below it, then the summary."""
    if json:
        public = {"pings": "owed"}  # names of fields in the JSON, where they differ
        fields = {public.get(key, key): value for key, value in asdict(report).items()}
        facts({**fields, "summary": report.summary()})
        return
    for problem in (*report.problems, *(report.notes if isinstance(report, Report) else ())):
        typer.echo("\n".join(problem_lines(problem)))
    typer.echo(report.summary())


def line(summary: str, *, json: bool) -> None:
    """What there is to say instead of a report."""
    facts({"summary": summary}) if json else typer.echo(summary)


def problem_lines(problem: Problem) -> list[str]:
    return [str(problem), *([f"    {problem.hint}"] if problem.hint else [])]


def facts(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout; times as ISO 8601."""
    typer.echo(json_.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def progress() -> Iterator[Callable[[int, int | None, str], None]]:
    """A bar on stderr for what takes longer than about a second; nothing where nobody looks."""
    bar = _Bar()
    try:
        yield bar if sys.stderr.isatty() else (lambda done, total, what: None)
    finally:
        bar.stop()


class _Bar:
    """A progress bar that appears late and is drawn seldom."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 1
        self._drawn: Progress | None = None
        self._task = 0

    def __call__(self, done: int, total: int | None, what: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.1
        if self._drawn is None:
            self._drawn, self._task = _bar()
        self._drawn.update(self._task, completed=done, total=total, description=what)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()


def _bar() -> "tuple[Progress, int]":
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task("", total=None)
