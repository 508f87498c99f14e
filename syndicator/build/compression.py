"""Compresses published files in threads, while the next feeds are built and hubs are pinged."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec.structs import replace

from syndicator.errors import OutputError
from syndicator.outputs.output import Output
from syndicator.store.feeds import FileRow

#: Files that are compressed at a time.
_COMPRESSED_AT_A_TIME = 2


def compressed(rows: Iterable[FileRow], output: Output) -> list[FileRow]:
    """Published files with their siblings, once these are written. Raises OutputError."""
    rows = list(rows)
    with Compression(output) as compression:
        compression.begin(rows)
        written, failures = compression.end()
    if failures:
        raise failures[0]
    by_path = {row.path: row for row in written}
    return [by_path.get(row.path, row) for row in rows]


class Compression:
    """The compressed siblings of one run's files. Compressing releases the interpreter lock.

    Until its siblings exist, a file is served as it is. Siblings that a crash prevented are made by
    the next run.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._pool = ThreadPoolExecutor(_COMPRESSED_AT_A_TIME, "compress")
        self._begun: dict[str, Future[FileRow | None]] = {}

    def __enter__(self) -> "Compression":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._output.close_replaced()  # also if the run fails

    def begin(self, rows: Iterable[FileRow]) -> None:
        for row in rows:
            needed = not row.gone and self._output.needs_siblings(row.disk)
            if needed and row.path not in self._begun:
                self._begun[row.path] = self._pool.submit(self._compress, row)

    def end(self) -> tuple[list[FileRow], list[OutputError]]:
        """Wait for all. Returns the rows of files that have siblings now, and the errors."""
        rows, failures = [], []
        for future in self._begun.values():
            try:
                if row := future.result():
                    rows.append(row)
            except OutputError as error:
                failures.append(error)
        return rows, failures

    def _compress(self, row: FileRow) -> FileRow | None:
        disk = self._output.write_siblings(row.path, row.disk)
        return replace(row, disk=disk) if disk and disk != row.disk else None
