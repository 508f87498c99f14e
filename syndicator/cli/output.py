"""Prints results: as text for people, as one JSON object for programs."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from syndicator.errors import ConfigError, SyndicatorError
from syndicator.model.bidi import BIDI_CONTROLS

#: Of characters that turn the direction of a line: it could show one file as another.
_TURNS = {number: f"\\u{number:04x}" for number in BIDI_CONTROLS}

_BREAKS = str.maketrans(dict.fromkeys("\r\n\t\u2028\u2029", " ")) | _TURNS

if TYPE_CHECKING:
    from rich.progress import Progress

    from syndicator.model.content import Problem
    from syndicator.model.report import Report
    from syndicator.push.record import PushReport


def print_error(error: SyndicatorError) -> None:
    """Print an error and its hint to stderr. If that fails, only the exit code reports it."""
    lines = [f"syndicator: {error}"]
    if isinstance(error, ConfigError):
        lines += [f"  {mistake}" for mistake in error.mistakes]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    try:
        click.echo("\n".join(lines).translate(_TURNS), err=True)
    except OSError:
        # Discard what is buffered: writing it at exit would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def print_report(report: "Report | PushReport", *, json: bool) -> None:
    """Print each problem with its hint below it, then the summary."""
    from syndicator.model.report import Report

    if json:
        print_json({**asdict(report), "summary": report.summary()})
        return
    for problem in (*report.problems, *(report.notes if isinstance(report, Report) else ())):
        click.echo("\n".join(problem_lines(problem)))
    click.echo(report.summary())


def print_summary(summary: str, *, json: bool) -> None:
    """Print a summary without a report."""
    if json:
        print_json({"summary": summary})
    else:
        click.echo(summary)


def problem_lines(problem: "Problem") -> list[str]:
    """One line for the problem, one for its hint. A control character could command a terminal."""
    lines = [str(problem), *([f"    {problem.hint}"] if problem.hint else [])]
    return list(map(_printable, lines))


def printable_lines(lines: Iterable[object]) -> str:
    """Lines from elsewhere, without control characters."""
    return "\n".join(map(_printable, lines))


def _printable(line: object) -> str:
    from syndicator.jekyll.characters import printable

    return printable(str(line)).translate(_BREAKS)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout, with times as ISO 8601."""
    from syndicator.model.json_text import to_json

    click.echo(to_json(value))


@contextmanager
def progress() -> Iterator[Callable[[int, int | None, str], None]]:
    """A progress bar on stderr for work that takes over a second; none without a terminal."""
    bar = _Bar()
    try:
        yield bar if sys.stderr.isatty() else (lambda done, total, what: None)
    finally:
        bar.stop()


class _Bar:
    """A progress bar that appears after a second and is redrawn ten times a second at most."""

    def __init__(self) -> None:
        self._next_draw = time.monotonic() + 1
        self._progress: Progress | None = None
        self._task = 0

    def __call__(self, done: int, total: int | None, what: str) -> None:
        now = time.monotonic()
        if now < self._next_draw:
            return
        self._next_draw = now + 0.1
        if self._progress is None:
            self._progress, self._task = _start_bar()
        self._progress.update(self._task, completed=done, total=total, description=what)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _start_bar() -> "tuple[Progress, int]":
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task("", total=None)
