"""Runs the command that was typed, and turns errors into a message and an exit code.

Exit codes: 0 success, 1 something needs attention, 2 wrong usage or wrong config, 130 Ctrl-C.
"""

import atexit
import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

import click

from syndicator.cli import output
from syndicator.cli.commands import app
from syndicator.errors import ConfigError, SyndicatorError

_NO_SPACE = SyndicatorError(
    "can't write output: no space left on device", hint="check where stdout is redirected"
)
_NO_DIRECTORY = SyndicatorError(
    "the current directory no longer exists", hint="change to a directory that exists"
)
_NO_RESOURCES = SyndicatorError(
    "out of memory, or the limit on threads is reached",
    hint="raise the limits: ulimit -v and -u, or MemoryMax and TasksMax of its unit",
)

#: What Python and the dynamic linker say then, of a thread and of a compiled module.
_NO_ROOM = ("can't start new thread", "failed to map segment")


def main() -> None:
    """Run the command that was typed, and exit with its exit code."""
    # The parent may have closed stdout or stderr; write to /dev/null instead.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    # A path may not be UTF-8, and the locale may not have a letter of a title.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as Python has it for stderr
    end = _End()
    atexit.register(end)
    try:
        _run()
    except SystemExit as done:
        end.code = done.code if isinstance(done.code, int) else None
        raise


class _End:
    """Ends the process without freeing each of its objects, which takes 7 % of a short command.

    Registered first, it is called last: https://docs.python.org/3.11/library/atexit.html
    `code` is the exit code. None: Python ends the process as usual, with the traceback of an error.
    """

    def __init__(self) -> None:
        self.code: int | None = None

    def __call__(self) -> None:
        if self.code is not None:
            with suppress(OSError):
                sys.stderr.flush()
            os._exit(self.code)


def _run() -> None:
    try:
        try:
            # 1 would be the code in standalone mode, after Ctrl-C too
            code = app.main(standalone_mode=False)
        finally:
            sys.stdout.flush()
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SyndicatorError as error:
        _exit(error, 2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:  # the reader, such as `head`, has read enough
        _discard_stdout()
        sys.exit(1)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _current_directory_exists():
            _exit(_NO_DIRECTORY)
        if error.errno != errno.ENOSPC:
            raise
        _discard_stdout()
        _exit(_NO_SPACE)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not isinstance(error, MemoryError) and not any(text in str(error) for text in _NO_ROOM):
            raise
        _exit(_NO_RESOURCES)
    sys.exit(code or 0)  # a command returns nothing


def _exit(error: SyndicatorError, code: int = 1) -> NoReturn:
    output.print_error(error)
    sys.exit(code)


def _discard_stdout() -> None:
    """Send what is still buffered to /dev/null: writing it at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _current_directory_exists() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
