"""Published files get compressed siblings, in threads."""

import gzip
import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from values import NOW, feed_file

from syndicator.build.compression import Compression
from syndicator.build.publish import publish
from syndicator.outputs.folder import OutputFolder
from syndicator.store.feeds import FileRow

LONG = b"<rss>" + b" " * 2000


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path, ("gzip",))


def published(output: OutputFolder, data: bytes = LONG, *paths: str) -> list[FileRow]:
    files = [feed_file(path, data) for path in paths or ("all.rss",)]
    return [*publish(output, files, {}, "all", NOW).rows]


def test_files_without_siblings_get_them(output: OutputFolder) -> None:
    """The rows have them. A file that has them already, or is gone, is left alone."""
    one, other, gone = published(output, LONG, "a.rss", "b.rss", "gone.rss")
    with Compression(output) as compression:
        compression.begin([one, replace(gone, gone=True)])
        compression.begin([one, other])
        rows, failures = compression.end()
    assert [row.path for row in rows] == ["a.rss", "b.rss"]
    assert failures == []
    assert [sorted(row.disk) for row in rows] == [["", ".gz"], ["", ".gz"]]
    assert gzip.decompress((output.files.root / "a.rss.gz").read_bytes()) == LONG
    assert sorted(os.listdir(output.files.root)) == [
        "a.rss",
        "a.rss.gz",
        "b.rss",
        "b.rss.gz",
        "gone.rss",
    ]
    (output.files.root / "a.rss.gz").unlink()
    with Compression(output) as compression:
        compression.begin(rows)
        assert compression.end() == ([], [])
    assert not (output.files.root / "a.rss.gz").exists()


def test_a_file_is_compressed_once(output: OutputFolder) -> None:
    """The first of its rows counts: a feed is begun when it is complete."""
    (row,) = published(output)
    with Compression(output) as compression:
        compression.begin([row, replace(row, feed="other")])
        assert [one.feed for one in compression.end()[0]] == ["all"]


def test_a_row_that_stays_as_it_is(output: OutputFolder) -> None:
    """Compressing saves nothing, or the file is not there as it was written."""
    (short,) = published(output, b"<rss/>")
    lost = replace(short, path="lost.rss")
    with Compression(output) as compression:
        compression.begin([short, lost])
        assert compression.end() == ([], [])


def test_dropped_encodings_leave_the_row(output: OutputFolder) -> None:
    """Their files are removed."""
    (row,) = published(output)
    with Compression(output) as compression:
        compression.begin([row])
        (row,), _ = compression.end()
    plain = OutputFolder(output.files.root, ())
    with Compression(plain) as compression:
        compression.begin([row])
        ((bare,), _) = compression.end()
    assert bare.disk == {"": row.disk[""]}
    assert os.listdir(output.files.root) == ["all.rss"]


def test_an_error_leaves_the_other_files(output: OutputFolder) -> None:
    """It is returned with the rows of those that were compressed."""
    one, other = published(output, LONG, "a.rss", "b.rss")
    (output.files.root / "a.rss.gz").mkdir()
    with Compression(output) as compression:
        compression.begin([one, other])
        rows, failures = compression.end()
    assert [row.path for row in rows] == ["b.rss"]
    assert [str(error) for error in failures] == [
        f"{output.files.root}/a.rss.gz can't be written: Is a directory"
    ]


def test_a_run_that_fails_closes_replaced_files(output: OutputFolder) -> None:
    """Their disk space is freed."""
    published(output)
    published(output, b"<rss>new</rss>")

    def open_files() -> list[str]:
        links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return [to for each in links if str(output.files.root) in (to := os.readlink(each))]

    assert open_files()
    with pytest.raises(EOFError), Compression(output):
        raise EOFError
    assert not open_files()


def test_a_run_that_fails_compresses_no_more(output: OutputFolder) -> None:
    """It waits for the files that are under way, and leaves the others to the next run."""
    (row,) = published(output, os.urandom(100_000).hex().encode())
    rows = [replace(row, path=f"{number}.rss") for number in range(50)]
    for one in rows:
        os.link(output.files.root / "all.rss", output.files.root / one.path)

    def fail() -> None:
        with Compression(output) as compression:
            compression.begin(rows)
            raise EOFError

    with pytest.raises(EOFError):
        fail()
    assert len(list(output.files.root.glob("*.gz"))) < 50
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("compress")]
