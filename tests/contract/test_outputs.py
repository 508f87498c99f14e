"""What a build and the server need of an output holds for a folder and for a bucket."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import buckets
import pytest
from buckets import Bucket, feed_file

from syndicator.errors import OutputError
from syndicator.outputs.bucket import OutputBucket
from syndicator.outputs.bucket_client import BucketOptions
from syndicator.outputs.folder import OutputFolder
from syndicator.outputs.output import Output
from syndicator.outputs.owner import NAME, Owner

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FILE = feed_file("category/news.rss")
OURS = Owner(id="one", state="/var/one.db", host="here")
OTHER = Owner(id="two", state="/var/two.db", host="there")


@dataclass
class Place:
    """A folder or a bucket, and what others do there."""

    at: Path | Bucket

    def output(self, own: Owner = OURS) -> Output:
        """The output as a new process of a state has it, at the beginning of a run."""
        if isinstance(self.at, Path):
            made: Output = OutputFolder(self.at, ("gzip", "br"), lambda: own)
        else:
            options = BucketOptions(f"s3://{self.at.name}/feeds", self.at.storage.url)
            made = OutputBucket(options, ("gzip", "br"), 300, lambda: own)
        made.files.begin()
        made.check_owner()
        made.files.sweep()
        return made

    def put(self, path: str, data: bytes) -> None:
        if isinstance(self.at, Path):
            (self.at / path).write_bytes(data)
        else:
            self.at.put(path, data)

    def delete(self, path: str) -> None:
        if isinstance(self.at, Path):
            (self.at / path).unlink()
        else:
            self.at.delete(path)


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "folder":
        return Place(tmp_path / "feeds")
    for name, value in buckets.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return Place(buckets.storage().bucket())


def test_a_file_is_there_as_it_was_written(place: Place) -> None:
    """For the process that wrote it and for another one, by the state's row of it."""
    (disk,) = place.output().write([(FILE, DATE)])
    for output in (place.output(), place.output()):
        assert output.is_intact(FILE.path, disk)
        assert output.published(FILE.path, disk) == FILE.data
        assert output.bodies({FILE.path: disk})[FILE.path]["identity"] == FILE.data
        assert output.files.read(FILE.path, 600) == FILE.data
        assert output.files.names("category") == ["news.rss"]
        assert output.files.read_part(FILE.path, disk[""], 6, 12) == b"<rss/>" * 2
        assert output.files.read_part(FILE.path, disk[""], 594, 60) == b"<rss/>"


def test_a_file_has_the_date_of_its_bytes(place: Place) -> None:
    """After a crash the date is what readers saw: the next one is later."""
    place.output().write([(FILE, DATE)])
    same, other = (place.output().on_disk(each) for each in (FILE, feed_file(FILE.path, b"<new/>")))
    assert same
    assert other
    assert (same.date, same.same, other.date, other.same) == (DATE, True, DATE, False)
    assert place.output().on_disk(feed_file("none.rss")) is None


def test_what_another_program_wrote_is_found(place: Place) -> None:
    """It is not served as ours, and replaced by the next run."""
    (disk,) = place.output().write([(FILE, DATE)])
    place.put(FILE.path, b"<old/>" * 100)
    output = place.output()
    assert not output.is_intact(FILE.path, disk)
    assert output.bodies({FILE.path: disk}) == {}
    assert output.files.read_part(FILE.path, disk[""], 0, 600) is None
    output.write([(FILE, DATE + timedelta(seconds=1))])
    place.delete(FILE.path)
    output = place.output()
    assert not output.is_intact(FILE.path, disk)
    assert output.published(FILE.path, disk) is None
    assert output.files.read_part(FILE.path, disk[""], 0, 600) is None


def test_removing(place: Place) -> None:
    """A file that is missing is removed as well."""
    output = place.output()
    output.write([(FILE, DATE), (feed_file("a.rss"), DATE)])
    output.remove(FILE.path)
    output.remove(FILE.path)
    assert (output.files.names("category"), output.files.read("a.rss", 600)) == ([], FILE.data)


def test_a_place_belongs_to_one_state(place: Place) -> None:
    """To the one that claimed it, until its mark is deleted. A state that moved keeps it."""
    output = place.output()
    output.claim(DATE)
    with pytest.raises(OutputError, match="belongs to another state") as caught:
        place.output(OTHER)
    assert NAME in (caught.value.hint or "")
    place.output(Owner(id="one", state="/srv/one.db", host="elsewhere")).claim(DATE)
    place.delete(NAME)
    place.output(OTHER).claim(DATE)
    with pytest.raises(OutputError, match="belongs to another state"):
        output.check_owner()


def test_a_state_that_was_rebuilt_keeps_its_place(place: Place) -> None:
    """It has another id at the same path of the same machine."""
    place.output().claim(DATE)
    place.output(Owner(id="new", state=OURS.state, host=OURS.host)).claim(DATE)
