"""Worker processes do work beside a run; what they can't do is done by the run itself."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from syndicator.build.processes import Processes

#: Seconds for a process to begin or to end, on a busy machine.
PATIENCE = 30


def context() -> str:
    return "context"


def doubled(_context: str, number: int) -> int:
    return number * 2


def where(_context: str, _request: None) -> int:
    """The process in which it is called."""
    return os.getpid()


def failing(_context: str, number: int) -> int:
    raise ValueError(number)


def logging_one(_context: str, number: int) -> int:
    logging.getLogger("work").error("%d is odd", number)
    return number


def printing(_context: str, number: int) -> int:
    print("a library prints", flush=True)
    return number


def unpicklable(_context: str, _number: int) -> Callable[[], int]:
    return lambda: os.getpid()


def dying(_context: str, here: int) -> int:
    """Ends each process but one."""
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def signalled(_context: str, number: int) -> int:
    """Receives what Ctrl-C and `systemctl stop` send to every process."""
    for each in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), each)
    return number


def open_files(_context: str, _request: None) -> set[str]:
    links = set()
    for one in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            links.add(os.readlink(f"/proc/self/fd/{one}"))
    return links


def at_work(_context: str, sign: str) -> None:
    """Work without end."""
    Path(sign).write_text(str(os.getpid()))
    while True:
        time.sleep(PATIENCE)


@pytest.fixture
def workers() -> Iterator[Processes[str]]:
    with Processes(context, context, 1) as processes:
        yield processes


def test_results_come_in_the_order_of_the_requests() -> None:
    """From as many workers as there are, and from none."""
    for number in (0, 2):
        with Processes(context, context, number) as processes:
            assert list(processes.map(doubled, range(20))) == list(range(0, 40, 2))
            assert (processes.submit(where, None).result() == os.getpid()) == (number == 0)


def test_requests_are_taken_as_work_is_done() -> None:
    """A million of them are never in memory together."""
    taken = []

    def requests() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with Processes(context, context, 2) as processes:
        for result in processes.map(doubled, requests()):
            assert len(taken) <= result // 2 + 6


@pytest.mark.parametrize("work", [failing, unpicklable])
def test_work_that_fails_is_repeated_here(
    workers: Processes[str], work: Callable[[str, int], object]
) -> None:
    """So that its error is raised here, and the worker goes on."""
    pending = workers.submit(work, 7)
    if work is failing:
        with pytest.raises(ValueError, match="7"):
            pending.result()
    else:
        assert pending.result()() == os.getpid()  # type: ignore[operator]
    assert workers.submit(where, None).result() != os.getpid()


def test_log_lines_are_written_here(
    workers: Processes[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Once, as this process's log is set up."""
    assert workers.submit(logging_one, 3).result() == 3
    assert caplog.messages == ["3 is odd"]


def test_what_work_prints_is_no_result(workers: Processes[str]) -> None:
    assert list(workers.map(printing, range(3))) == [0, 1, 2]
    assert workers.number == 1


def test_the_work_of_a_worker_that_is_killed_is_done_here(workers: Processes[str]) -> None:
    """As by the kernel, when memory runs out. So is all that follows."""
    assert list(workers.map(dying, [os.getpid()] * 5)) == [os.getpid()] * 5
    assert workers.number == 0
    assert workers.submit(where, None).result() == os.getpid()


def test_another_worker_goes_on(workers: Processes[str]) -> None:
    with Processes(context, context, 2) as processes:
        others = {processes.submit(where, None).result() for _ in range(2)}
        assert os.getpid() not in others
        assert processes.submit(dying, os.getpid()).result() == os.getpid()
        assert processes.number == 1
        assert processes.submit(where, None).result() != os.getpid()


def test_without_workers_all_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the machine can start no process."""
    monkeypatch.setattr("sys.executable", "/does/not/exist")
    with Processes(context, context, 2) as processes:
        assert list(processes.map(where, [None] * 3)) == [os.getpid()] * 3


def test_signals_to_all_processes_end_no_worker(workers: Processes[str]) -> None:
    """Their parent decides whether they end. Ctrl-C does not reach their process group at all."""
    assert workers.submit(signalled, 3).result() == 3
    worker = workers.submit(where, None).result()
    assert os.getpgid(worker) != os.getpgrp()


def test_a_worker_inherits_no_file(tmp_path: Path) -> None:
    """Neither the state's lock nor the server's socket, even one that is inheritable."""
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "lock").open("w") as lock:
        for one in (server, lock):
            os.set_inheritable(one.fileno(), True)
        with Processes(context, context, 1) as processes:
            links = processes.submit(open_files, None).result()
    assert str(tmp_path / "lock") not in links
    assert not any(link.startswith("socket:") for link in links)


def test_the_block_ends_workers_at_work(tmp_path: Path) -> None:
    """A run that is cancelled does not wait for them."""
    with Processes(context, context, 1) as processes:
        processes.submit(at_work, str(tmp_path / "sign"))
        worker = _awaited(tmp_path / "sign")
    assert not _is_alive(worker)


def test_a_worker_at_work_ends_with_a_killed_parent(tmp_path: Path) -> None:
    """At once, not when its work is done."""
    program = (
        "import sys; import test_processes as t\n"
        "with t.Processes(t.context, t.context, 1) as processes:\n"
        "    processes.submit(t.at_work, sys.argv[1]).result()\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "sign")],
        env={**os.environ, "PYTHONPATH": path},
    ) as parent:
        worker = _awaited(tmp_path / "sign")
        parent.kill()
    _until(lambda: not _is_alive(worker))


def _awaited(sign: Path) -> int:
    """The process that wrote its number."""
    _until(lambda: sign.exists() and bool(sign.read_text()))
    return int(sign.read_text())


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
