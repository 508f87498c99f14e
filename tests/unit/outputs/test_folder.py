"""The output folder: files that are complete or absent, and their compressed siblings."""

import gzip
import os
import re
import resource
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import brotli
import pytest

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile, digest_of
from syndicator.outputs.folder import OutputFolder
from syndicator.outputs.output import Disk

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def file(path: str = "category/news.rss", data: bytes = b"<rss/>" * 100) -> FeedFile:
    return FeedFile(
        path=path, url="https://x/", data=data, media_type="x", digest=digest_of(data), hubs=()
    )


def write(folder: OutputFolder, one: FeedFile) -> Disk:
    (disk,) = folder.write([(one, DATE)])
    return disk


def test_a_file_has_compressed_siblings(tmp_path: Path) -> None:
    """All three have the same mtime, and decompress to the same bytes."""
    folder = OutputFolder(tmp_path, ("gzip", "br"))
    written = write(folder, file())
    assert folder.needs_siblings(written)
    disk = folder.write_siblings("category/news.rss", written)
    place = tmp_path / "category/news.rss"
    assert place.read_bytes() == gzip.decompress(Path(f"{place}.gz").read_bytes()) == file().data
    assert brotli.decompress(Path(f"{place}.br").read_bytes()) == file().data
    assert disk
    assert not folder.needs_siblings(disk)
    assert {os.stat(f"{place}{suffix}").st_mtime for suffix in disk} == {DATE.timestamp()}
    assert sorted(disk) == ["", ".br", ".gz"]
    assert folder.is_intact("category/news.rss", disk)
    assert sorted(os.listdir(place.parent)) == ["news.rss", "news.rss.br", "news.rss.gz"]


def test_no_sibling_is_older_than_its_file(tmp_path: Path) -> None:
    """Writing a file removes its siblings: a server that prefers them never sends old bytes."""
    folder = OutputFolder(tmp_path, ("gzip", "br"))
    folder.write_siblings("a.rss", write(folder, file("a.rss")))
    write(folder, file("a.rss", b"<new/>" * 100))
    assert os.listdir(tmp_path) == ["a.rss"]


@pytest.mark.parametrize("name", ["news.rss", "news.rss.gz"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_folder_at_the_path_of_a_file(tmp_path: Path, name: str, empty: bool) -> None:
    """The error names that path, which may be that of a sibling, and says what to do."""
    at = tmp_path / "category" / name
    (at if empty else at / "below").mkdir(parents=True)
    with pytest.raises(OutputError, match=re.escape(f"{at} can't be written: ")) as raised:
        write(OutputFolder(tmp_path, ("gzip",)), file())
    assert raised.value.hint == "move that folder away: a file has to be there"


def test_only_files_as_written_are_compressed(tmp_path: Path) -> None:
    """A file that someone else replaced or removed gets no siblings."""
    folder = OutputFolder(tmp_path, ("gzip",))
    disk = write(folder, file("a.rss"))
    (tmp_path / "a.rss").write_text("someone else's")
    assert folder.write_siblings("a.rss", disk) is None
    (tmp_path / "a.rss").unlink()
    assert folder.write_siblings("a.rss", disk) is None
    assert os.listdir(tmp_path) == []


def test_a_file_that_can_not_be_written_keeps_its_siblings(tmp_path: Path) -> None:
    """On a full disk, the published files stay as they were."""
    folder = OutputFolder(tmp_path, ("gzip",))
    disk = folder.write_siblings("a.rss", write(folder, file("a.rss")))
    with pytest.raises(OutputError), limited(len(file().data)):
        write(folder, file("a.rss", b"<new/>" * 1000))
    assert disk
    assert folder.is_intact("a.rss", disk)
    assert sorted(os.listdir(tmp_path)) == ["a.rss", "a.rss.gz"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="lists open files, as on Linux")
@pytest.mark.parametrize("fails", [False, True])
def test_replaced_files_are_closed_when_writing_fails(tmp_path: Path, fails: bool) -> None:
    """The disk may be full, and an open file still takes its space."""
    folder = OutputFolder(tmp_path, ())
    for data in (b"<rss/>", b"<new/>"):
        write(folder, file("a.rss", data))
    if fails:
        with pytest.raises(OutputError), limited(10):
            write(folder, file("b.rss"))
    replaced = f"{tmp_path}/a.rss (deleted)"
    open_files = [fd for fd in Path("/proc/self/fd").iterdir() if _target(fd) == replaced]
    assert bool(open_files) is not fails
    folder.close_replaced()
    assert not [fd for fd in Path("/proc/self/fd").iterdir() if _target(fd) == replaced]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # closed meanwhile
        return ""


def test_an_error_comes_after_all_files_are_written(tmp_path: Path) -> None:
    """Otherwise the next run could meet a file that is still being written."""
    (tmp_path / "a.rss").mkdir()
    others = [file(f"{number}.rss", os.urandom(8_000_000)) for number in range(3)]
    with pytest.raises(OutputError):
        OutputFolder(tmp_path, ()).write([(one, DATE) for one in (file("a.rss"), *others)])
    assert sorted(os.listdir(tmp_path)) == ["0.rss", "1.rss", "2.rss", "a.rss"]
    assert all((tmp_path / one.path).read_bytes() == one.data for one in others)


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Limit the size of files this process writes, for errors as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_sibling_that_saves_too_little_is_not_kept(tmp_path: Path) -> None:
    """It is not written, and one of an earlier version is removed."""
    folder = OutputFolder(tmp_path, ("gzip", "br"))
    folder.write_siblings("a.rss", write(folder, file("a.rss")))
    disk = write(folder, file("a.rss", os.urandom(64)))
    assert folder.write_siblings("a.rss", disk) == disk
    assert os.listdir(tmp_path) == ["a.rss"]


@pytest.mark.parametrize(
    "spoil", [lambda p: p.unlink(), lambda p: p.write_bytes(b"other"), lambda p: os.utime(p)]
)
def test_a_changed_file_is_not_intact(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    """A file that someone removed, changed or touched is found by a stat."""
    folder = OutputFolder(tmp_path, ("gzip",))
    disk = write(folder, file("a.rss"))
    spoil(tmp_path / "a.rss")
    assert not folder.is_intact("a.rss", disk)


def test_unreadable_files_are_replaced(tmp_path: Path) -> None:
    """A circular link in place of a file counts as missing, and the file is written again."""
    folder = OutputFolder(tmp_path, ("gzip",))
    for name in ("a.rss", "a.rss.gz"):
        (tmp_path / name).symlink_to(name)
    assert [folder.files.read(name) for name in ("a.rss", "a.rss.gz")] == [None, None]
    assert folder.on_disk(file("a.rss")) is None
    folder.write_siblings("a.rss", write(folder, file("a.rss")))
    assert folder.files.read("a.rss") == file().data
    assert gzip.decompress((tmp_path / "a.rss.gz").read_bytes()) == file().data


@pytest.mark.parametrize("seconds", [253_402_300_800, -(10**12)])
def test_a_date_that_can_not_be_sent_is_no_record(seconds: int) -> None:
    """A damaged file may have any mtime; ext4 and others limit it, tmpfs does not."""
    with TemporaryDirectory(dir="/dev/shm") as root:
        folder = OutputFolder(Path(root), ())
        write(folder, file("a.rss"))
        os.utime(Path(root, "a.rss"), (seconds, seconds))
        if os.stat(Path(root, "a.rss")).st_mtime != seconds:
            pytest.skip("/dev/shm is not a tmpfs")
        assert folder.on_disk(file("a.rss")) is None


def test_removing_a_file_removes_its_siblings(tmp_path: Path) -> None:
    """Removing a missing file is not an error."""
    folder = OutputFolder(tmp_path, ("gzip", "br"))
    folder.write_siblings("a.rss", write(folder, file("a.rss")))
    folder.remove("a.rss")
    folder.remove("a.rss")
    folder.remove("not/there.rss")
    assert os.listdir(tmp_path) == []


def test_temporary_names_are_random_and_opened_exclusively(tmp_path: Path) -> None:
    """They can't be predicted, existing files and links aren't opened, and a sweep knows them."""
    opened: list[tuple[str, int]] = []

    def watch(event: str, args: tuple[object, ...]) -> None:
        if (
            event == "open"
            and watching
            and isinstance(args[0], str)
            and args[0].startswith(".syndicator-")
        ):
            opened.append((args[0], int(str(args[2]))))

    watching = True
    sys.addaudithook(watch)  # hooks can't be removed
    folder = OutputFolder(tmp_path, ("gzip",))
    for _ in range(2):
        folder.write_siblings("a.rss", write(folder, file("a.rss")))
    watching = False
    names = {name for name, _ in opened}
    assert len(names) == 4
    assert all(re.fullmatch(rf"\.syndicator-{os.getpid()}-[0-9a-f]{{32}}", name) for name in names)
    wanted = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    assert all(flags & wanted == wanted for _, flags in opened)
    for name in names:
        (tmp_path / name).write_text("half")
    folder.files.sweep()
    assert sorted(os.listdir(tmp_path)) == ["a.rss", "a.rss.gz"]


def test_no_link_below_the_folder_is_followed(tmp_path: Path) -> None:
    """By no method. The folder itself may be reached through links."""
    elsewhere = tmp_path / "elsewhere"
    write(OutputFolder(elsewhere, ()), file("news.rss"))
    (tmp_path / "feeds").mkdir()
    (tmp_path / "current").symlink_to("feeds")
    folder = OutputFolder(tmp_path / "current", ("gzip",))
    disk = write(folder, file())
    assert (tmp_path / "feeds/category/news.rss").read_bytes() == file().data
    (tmp_path / "feeds/category").rename(tmp_path / "feeds/old")
    (tmp_path / "feeds/category").symlink_to(elsewhere)
    assert folder.files.read("category/news.rss") is None
    assert not folder.is_intact("category/news.rss", disk)
    assert (folder.bodies({"category/news.rss": disk}), folder.on_disk(file())) == ({}, None)
    folder.remove("category/news.rss")
    with pytest.raises(OutputError, match="current/category is a link") as caught:
        write(folder, file())
    assert caught.value.hint
    assert (elsewhere / "news.rss").read_bytes() == file().data
    assert os.listdir(elsewhere) == ["news.rss"]


@pytest.mark.parametrize("name", ["a.rss", "a.rss.gz", "a.rss.br"])
def test_a_link_to_the_same_bytes_is_not_intact(tmp_path: Path, name: str) -> None:
    """A web server would send the link's target, which may change."""
    folder = OutputFolder(tmp_path / "feeds", ("gzip", "br"))
    disk = folder.write_siblings("a.rss", write(folder, file("a.rss")))
    assert disk
    place = tmp_path / "feeds" / name
    place.rename(tmp_path / "moved")
    place.symlink_to(tmp_path / "moved")
    assert not folder.is_intact("a.rss", disk)
    assert folder.files.read(name) is None


@pytest.mark.parametrize("junk", [b"junk", b"\x1f\x8b\x08\x00"])
@pytest.mark.parametrize(("suffix", "left"), [(".gz", "br"), (".br", "gzip")])
def test_a_damaged_sibling_is_not_served(
    tmp_path: Path, suffix: str, left: str, junk: bytes
) -> None:
    """The file and its other sibling are, until the damaged one is written again."""
    folder = OutputFolder(tmp_path, ("gzip", "br"))
    disk = folder.write_siblings("a.rss", write(folder, file("a.rss")))
    assert disk
    (tmp_path / f"a.rss{suffix}").write_bytes(junk)
    assert not folder.is_intact("a.rss", disk)
    bodies = folder.bodies({"a.rss": disk})["a.rss"]
    assert bodies.keys() == {"identity", left}
    assert bodies["identity"] == file().data
    folder.write_siblings("a.rss", disk)
    assert len(folder.bodies({"a.rss": disk})["a.rss"]) == 3


def test_the_umask_decides_who_reads_a_file(tmp_path: Path) -> None:
    """A web server may run as another user."""
    before = os.umask(0o027)
    try:
        folder = OutputFolder(tmp_path / "feeds", ("gzip",))
        folder.write_siblings("a.rss", write(folder, file("a.rss")))
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "feeds").iterdir()} == {0o640}
