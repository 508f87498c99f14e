"""Logs: structured lines on stderr, as text or as JSON.

There is one line for each run with changes, each pass that sent something, and each fault or
problem when it begins and when it is over. The level `debug` adds each poll and each request.

No line holds a secret: passwords in URLs are masked. Of a callback only the host is logged.
"""

import atexit
import logging
import os
import re
from collections.abc import Mapping
from typing import Any, Literal

import structlog
from msgspec import Struct

from syndicator.log_output import LineLogger, LogOutput
from syndicator.model.bidi import BIDI_CONTROLS

LogLevel = Literal["debug", "info", "warning", "error"]

_SECRET_KEYS = frozenset({"secret", "password", "token", "authorization", "cookie"})
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")

#: Of Unicode's category Cc, what else ends a line, and what turns its direction, with escapes.
_CONTROL_CHARACTERS = {
    number: ascii(chr(number))[1:-1]
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *BIDI_CONTROLS)
}

_JSON_ESCAPES = {number: f"\\u{number:04x}" for number in _CONTROL_CHARACTERS}

#: The priorities of syslog (RFC 5424 §6.2.1) by level, as sd-daemon(3) puts them before a line.
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class LogOptions(Struct, frozen=True, kw_only=True):
    """Which lines are logged, and how they look."""

    level: LogLevel = "info"
    #: `json`: one object a line. `auto`: `console` on a terminal, else `json`.
    format: Literal["auto", "console", "json"] = "auto"


class Logs:
    """All log lines of this process. A thread writes them: close `output` before `os._exit`.

    From our own code it logs the level and above. From libraries it logs warnings and above, with
    the level `debug` also info.
    """

    def __init__(self, options: LogOptions, descriptor: int, environ: Mapping[str, str]) -> None:
        self.output = LogOutput(descriptor, on_recovery=_report_lost)
        atexit.register(self.output.close)
        self._terminal = os.isatty(descriptor)
        self._journal = is_journal(descriptor, environ)
        self._handler = logging.StreamHandler(self.output)
        logging.basicConfig(handlers=[self._handler], force=True)
        # It warns of a skipped request, which is harmless: the worker already has one.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self.configure(options)

    def configure(self, options: LogOptions) -> None:
        """Log by these options from now on. Other threads may be logging."""
        console = options.format == "console" or (options.format == "auto" and self._terminal)
        shared: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _time_stamper(terminal=console and self._terminal),
        ]
        end = _console(colors=self._terminal) if console else _json()
        if self._journal:
            end = [*end, _add_priority]
        level = getattr(logging, options.level.upper())
        structlog.configure(
            processors=[*shared, *end],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=lambda *_: LineLogger(self.output),
            cache_logger_on_first_use=False,  # a reload may change it
        )
        self._handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
            )
        )
        libraries = logging.INFO if options.level == "debug" else max(level, logging.WARNING)
        logging.getLogger().setLevel(libraries)


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether systemd's journal reads a descriptor.

    systemd names the device and inode of its stream, since a descriptor may have been redirected
    after that (systemd.exec(5), `$JOURNAL_STREAM`).
    """
    try:
        stat = os.fstat(descriptor)
    except OSError:  # it is closed
        return False
    return environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def _add_priority(_logger: object, method: str, line: str) -> str:
    """A structlog processor: the level for the journal, which takes it off the line."""
    return f"<{_PRIORITIES.get(method, 6)}>{line}"


def _time_stamper(*, terminal: bool) -> structlog.processors.TimeStamper:
    """On a terminal the time of day here; else with the date, in UTC."""
    return structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal)


def _console(*, colors: bool) -> list[Any]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )
    # A traceback is formatted first: its message may have what a post or a client chose.
    return [structlog.processors.format_exc_info, mask, escape_control_characters, renderer]


def _json() -> list[Any]:
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [structlog.processors.format_exc_info, mask, renderer, _escape_in_json]


def escape_control_characters(_logger: object, _method: str, line: Any) -> Mapping[str, Any]:
    """A structlog processor: no value begins a line of its own or controls a terminal.

    A post, a hub and a client choose parts of what is logged. A traceback has several lines.
    """
    return {
        key: "\n".join(map(_escaped, value.split("\n"))) if key == "exception" else _escaped(value)
        for key, value in line.items()
    }


def _escape_in_json(_logger: object, _method: str, line: str) -> str:
    """A structlog processor: the same for JSON, which escapes those below U+0020 by itself."""
    return line.translate(_JSON_ESCAPES)


def _escaped(value: Any) -> Any:
    return value.translate(_CONTROL_CHARACTERS) if isinstance(value, str) else value


def _report_lost(number: int) -> None:
    hint = "stderr could not be written: check its disk and its reader"
    structlog.get_logger().warning("log lines were lost", number=number, hint=hint)


def mask(_logger: object, _method: str, line: Any) -> Mapping[str, Any]:
    """A structlog processor: masks secrets, and puts time, level and event first."""
    ordered = {key: line[key] for key in ("timestamp", "level", "event") if key in line} | line
    return {key: "***" if key in _SECRET_KEYS else _masked(value) for key, value in ordered.items()}


def _masked(value: Any) -> Any:
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value
