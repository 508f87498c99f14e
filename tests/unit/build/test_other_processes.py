"""What other processes published on the same state."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from builds import a_state, file_row

from syndicator.build.other_processes import OtherProcesses
from syndicator.store import feeds
from syndicator.store.feeds import FileRow


def test_files_of_another_process_are_reported(tmp_path: Path) -> None:
    """Once after each of its runs, with the files it removed; never after runs of one's own."""
    reported: list[Sequence[FileRow]] = []
    rows = [file_row("all.rss"), file_row("old.rss", gone=True, disk={})]
    with a_state(tmp_path) as database:
        with database.begin() as connection:
            feeds.put_files(connection, rows)
        one = OtherProcesses(database, reported.append, lambda pages: None)
        other = OtherProcesses(database, lambda rows: None, lambda pages: None)
        assert one.has_run()  # perhaps: the state may be another process's
        one.catch_up()
        assert reported == [rows]
        one.catch_up()
        assert not one.has_run()
        assert other.has_run()
        other.catch_up()
        assert one.has_run()
        assert reported == [rows]
        one.catch_up()
        assert reported == [rows, rows]


def test_a_report_that_fails_is_made_again(tmp_path: Path) -> None:
    """The run is this process's only once its files are reported."""

    def fail(_: Sequence[FileRow]) -> None:
        raise EOFError

    with a_state(tmp_path) as database:
        processes = OtherProcesses(database, fail, lambda pages: None)
        with pytest.raises(EOFError):
            processes.catch_up()
        assert processes.has_run()
