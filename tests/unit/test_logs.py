"""Log lines: their level, their format, and what they never have."""

import json
import logging
import os
import pty
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import structlog

from syndicator.logs import LogOptions, Logs, is_journal


class Log:
    """A log on a file, or on a terminal."""

    def __init__(self, file: Path, *, terminal: bool = False) -> None:
        self.file = file
        self.master = None
        self.descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
        if terminal:
            os.close(self.descriptor)
            self.master, self.descriptor = pty.openpty()

    def open(self, environ: Mapping[str, str] | None = None, **options: object) -> Logs:
        self.logs = Logs(LogOptions(**options), self.descriptor, environ or {})  # type: ignore[arg-type]
        return self.logs

    def text(self) -> str:
        """All that was logged."""
        self.logs.output.close(30)
        if self.master is None:
            return self.file.read_text()
        os.write(self.descriptor, b"END")
        data = b""
        while not data.endswith(b"END"):
            data += os.read(self.master, 65536)
        return data.removesuffix(b"END").decode().replace("\r\n", "\n")

    def close(self) -> None:
        os.close(self.descriptor)
        if self.master is not None:
            os.close(self.master)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log on a file. What it configures for the process is reset."""
    log = Log(tmp_path / "log")
    yield log
    _reset(log)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log", terminal=True)
    yield log
    _reset(log)


def _reset(log: Log) -> None:
    structlog.reset_defaults()
    logging.basicConfig(handlers=[], force=True)
    log.close()


def test_without_a_terminal_a_line_is_one_json_object(log: Log) -> None:
    """It has the time, the level, the event and the fields."""
    log.open()
    structlog.get_logger().info("run", new=2)
    line = json.loads(log.text())
    assert (line["event"], line["level"], line["new"]) == ("run", "info", 2)
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_have_the_same_form(log: Log) -> None:
    """With passwords masked."""
    log.open()
    logging.getLogger("library").warning("careful: %s", "postgresql://me:pw@db/x")
    assert json.loads(log.text())["event"] == "careful: postgresql://me:***@db/x"


@pytest.mark.parametrize(
    ("level", "own", "libraries"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_a_level_and_those_above_are_logged(
    log: Log, level: str, own: list[str], libraries: list[str]
) -> None:
    """Of libraries warnings and above, with `debug` also info."""
    log.open(level=level)
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("own")
        getattr(logging.getLogger("library"), name)("library")
    lines = [json.loads(line) for line in log.text().splitlines()]
    assert [line["level"] for line in lines if line["event"] == "own"] == own
    assert [line["level"] for line in lines if line["event"] == "library"] == libraries


@pytest.mark.parametrize(
    ("where", "format", "is_json", "colors"),
    [
        ("terminal", "auto", False, True),
        ("terminal", "console", False, True),
        ("terminal", "json", True, False),
        ("log", "auto", True, False),
        ("log", "console", False, False),
        ("log", "json", True, False),
    ],
)
def test_the_format_of_lines(
    request: pytest.FixtureRequest, where: str, format: str, is_json: bool, colors: bool
) -> None:
    """Without a setting the terminal decides. Colours are for terminals."""
    log: Log = request.getfixturevalue(where)
    log.open(format=format)
    structlog.get_logger().info("run")
    logging.getLogger("library").error("failed")
    text = log.text()
    assert [line.startswith("{") for line in text.splitlines()] == [is_json, is_json]
    assert ("\x1b" in text) is colors


def test_new_options_hold_at_once(log: Log) -> None:
    """Loggers that exist already take them, those of libraries too."""
    logs = log.open(level="error", format="json")
    own, library = structlog.get_logger(), logging.getLogger("library")
    own.info("one")
    logs.configure(LogOptions(level="info", format="console"))
    own.info("two")
    library.warning("three")
    lines = log.text().splitlines()
    assert ["two" in lines[0], "three" in lines[1], len(lines)] == [True, True, 2]
    assert not any(line.startswith("{") for line in lines)


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_value_can_not_begin_a_line(terminal: Log, format: str) -> None:
    """Nor send commands to a terminal. A hub, a post or a client may have chosen it."""
    terminal.open(format=format)
    evil = "a\n12:00:00 [error] fake\r\x1b]0;title\x07\x9b2J\u2028b\ufeff\u202e"
    structlog.get_logger().warning("problem", where=evil, hint=None)
    logging.getLogger("library").warning("strange: %s", evil)
    text = terminal.text()
    assert text.count("\n") == 2
    assert not {"\r", "\x07", "\x9b", "\u2028", "\u202e"} & set(text)
    assert "\x1b]" not in text
    if format == "json":
        assert json.loads(text.splitlines()[0])["where"] == evil


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_traceback_sends_no_commands_to_a_terminal(log: Log, format: str) -> None:
    """Nor does it hold a password. Its message may be what a post or a client sent."""
    log.open(format=format)
    for logger in (structlog.get_logger(), logging.getLogger("library")):
        try:
            raise ValueError("\x1b]0;title\x07\r\x9b postgresql://me:pw@db/x")
        except ValueError as error:
            logger.error("failed", exc_info=error)
    text = log.text()
    assert "me:***@db" in text
    assert "me:pw" not in text
    assert not {"\r", "\x07", "\x9b", "\x1b"} & set(text)


def test_a_traceback_stays_one(log: Log) -> None:
    """In text it has its lines, in JSON it is one value."""
    logs = log.open(format="console")
    for format in ("console", "json"):
        logs.configure(LogOptions(format=format))  # type: ignore[arg-type]
        try:
            raise ValueError("odd")
        except ValueError as error:
            structlog.get_logger().error("build failed", exc_info=error)
    *console, last = log.text().splitlines()
    assert "ValueError: odd" in [line.strip() for line in console]
    assert "ValueError: odd" in json.loads(last)["exception"]


def test_no_line_holds_a_secret(log: Log) -> None:
    """A password in a URL and a secret are masked, also where a traceback repeats them."""
    log.open()
    try:
        raise ValueError("can't reach postgresql://me:hunter2@db/x")
    except ValueError:
        structlog.get_logger().exception(
            "state",
            secret="hunter2",
            url="https://me:hunter2@hub.example/",
            exc_info=sys.exc_info(),
        )
    text = log.text()
    assert "hunter2" not in text
    assert "https://me:***@hub.example/" in text


@pytest.mark.parametrize("format", ["console", "json"])
def test_the_journal_gets_the_level_of_each_line(log: Log, format: str) -> None:
    """As `journalctl -p warning` needs it. The journal takes it off (sd-daemon(3))."""
    stat = os.fstat(log.descriptor)
    log.open({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}, format=format, level="debug")
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("event")
    logging.getLogger("library").warning("event")
    assert [line[:3] for line in log.text().splitlines()] == ["<7>", "<6>", "<4>", "<3>", "<4>"]


@pytest.mark.parametrize("stream", [None, "", "1:2", "1", "x:y"])
def test_another_stream_is_not_the_journal(log: Log, stream: str | None) -> None:
    """stderr may have been redirected since systemd started the parent."""
    assert not is_journal(log.descriptor, {} if stream is None else {"JOURNAL_STREAM": stream})
