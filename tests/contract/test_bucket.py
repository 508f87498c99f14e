"""A bucket: what objects say, the fence against older versions, and storage that fails."""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import buckets
import pytest
from buckets import Bucket, Environ, feed_file
from support import FEEDS, Site

from syndicator import config
from syndicator.errors import OutputError, ReplacedError, UnavailableError
from syndicator.inspection import collect_status, concerns
from syndicator.machine_checks import check_machine
from syndicator.outputs.bucket import OutputBucket
from syndicator.outputs.bucket_client import BucketClient, BucketOptions
from syndicator.outputs.owner import NAME, Owner
from syndicator.service import Service

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in buckets.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return buckets.storage().bucket()


def begun(bucket: Bucket, endpoint: str = "", id: str = "one") -> OutputBucket:
    """The output at the beginning of a run."""
    own = Owner(id=id, state=f"/var/{id}.db", host="here.example")
    options = BucketOptions(f"s3://{bucket.name}/feeds", endpoint or bucket.storage.url)
    output = OutputBucket(options, ("gzip", "br"), 300, lambda: own)
    output.files.begin()
    output.check_owner()
    output.files.sweep()
    return output


def test_what_an_object_says(bucket: Bucket) -> None:
    """A CDN sends it on: type with charset, and for how long readers may keep it.

    The CDN itself asks the bucket each time: a hub must not fetch the version before.
    """
    begun(bucket).write([(feed_file(data=b"<rss/>"), DATE)])
    headers = bucket.get("all.rss").headers
    assert headers["content-type"] == "application/rss+xml; charset=utf-8"
    assert headers["cache-control"] == "max-age=300, s-maxage=0"
    assert headers["x-amz-meta-published"] == DATE.isoformat()


def test_the_mark_tells_no_place(bucket: Bucket) -> None:
    """A bucket is public: its owner's id is all that may be read."""
    begun(bucket).claim(DATE)
    assert json.loads(bucket.text(NAME))["id"] == "one"
    assert not any(word in bucket.text(NAME) for word in ("/var", "example"))


@pytest.mark.parametrize("before", [b"", b"<first/>"])
def test_no_older_version_after_a_newer(bucket: Bucket, before: bytes) -> None:
    """A process that slept since it read the posts can't put its version, nor remove the newer."""
    if before:
        begun(bucket).write([(feed_file(data=before), DATE)])
    asleep, awake = begun(bucket), begun(bucket)
    awake.write([(feed_file(data=b"<newer/>"), DATE)])
    with pytest.raises(ReplacedError, match=r"another program has written all\.rss"):
        asleep.write([(feed_file(data=b"<older/>"), DATE)])
    with pytest.raises(ReplacedError):
        asleep.remove("all.rss")
    assert bucket.text("all.rss") == "<newer/>"
    assert ("PUT", "all.rss", 412) in bucket.storage.requests
    asleep.files.begin()
    asleep.check_owner()
    asleep.write([(feed_file(data=b"<newest/>"), DATE)])
    assert bucket.text("all.rss") == "<newest/>"


def test_another_process_of_the_state_is_no_other_program(bucket: Bucket) -> None:
    """What it wrote is as the state has it: this process goes on from there."""
    one, two = begun(bucket), begun(bucket)
    (disk,) = two.write([(feed_file(data=b"<one/>"), DATE)])
    one.files.begin()
    one.check_owner()
    assert one.is_intact("all.rss", disk)
    (disk,) = one.write([(feed_file(data=b"<two/>"), DATE)])
    assert one.published("all.rss", disk) == b"<two/>"


def test_two_states_at_once(bucket: Bucket) -> None:
    """One of them gets the bucket, also when both found it free."""
    one, two = begun(bucket), begun(bucket, id="two")

    def claim_before(environ: Environ) -> None:
        if "HTTP_IF_NONE_MATCH" in environ:
            bucket.storage.fault = lambda environ: None
            two.claim(DATE)

    bucket.storage.fault = claim_before
    with pytest.raises(ReplacedError):
        one.claim(DATE)
    with pytest.raises(OutputError, match="belongs to another state: the one with the id two"):
        one.claim(DATE)


def test_storage_that_ignores_conditions_is_refused(bucket: Bucket) -> None:
    """Nothing would keep an old version from replacing a newer one. The mark stays as it is."""
    begun(bucket).claim(DATE)
    mark = bucket.text(NAME)

    def ignore(environ: Environ) -> None:
        environ.pop("HTTP_IF_MATCH", None)

    bucket.storage.fault = ignore
    with pytest.raises(OutputError, match="ignores If-Match"):
        begun(bucket).claim(DATE)
    assert bucket.text(NAME) == mark


def test_a_failure_is_met_once(bucket: Bucket) -> None:
    """Other requests of the run fail at once, in place of waiting as long. The next run asks."""
    output = begun(bucket)
    bucket.storage.fault = lambda environ: (503, "SlowDown")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="answered 503 SlowDown: as the test said"):
        output.write([(feed_file(data=b"<rss/>"), DATE)])
    sent = len(bucket.storage.requests)
    for _ in range(50):
        with pytest.raises(UnavailableError, match="503 SlowDown"):
            output.write([(feed_file(data=b"<rss/>"), DATE)])
    assert len(bucket.storage.requests) == sent
    assert time.monotonic() < started + 30
    bucket.storage.fault = lambda environ: None
    output.files.begin()
    output.check_owner()
    output.write([(feed_file(data=b"<rss/>"), DATE)])


@pytest.fixture
def site(tmp_path: Path, bucket: Bucket) -> Site:
    """A site that publishes to the bucket."""
    site = Site(tmp_path / "x")
    site.configure(FEEDS)
    text = site.config_path.read_text()
    site.config_path.write_text(text.replace('[output]\npath = "feeds"\n', bucket.settings))
    for day in (1, 2, 3):
        site.post(f"2026-01-0{day}-post-{day}", title=f"Post {day}", categories=["News"])
    return site


def feeds(bucket: Bucket) -> dict[str, str]:
    names = ("all", "category/news")
    paths = [f"{name}.{suffix}" for name in names for suffix in ("rss", "atom", "json", "html")]
    return {path: bucket.text(path) for path in [*paths, "index.html", "feeds.opml"]}


def test_a_site_in_a_bucket(site: Site, bucket: Bucket, tmp_path: Path) -> None:
    """It has the files that a folder has; a run without changes puts nothing."""
    site.build()
    in_folder = Site(tmp_path / "y")
    shutil.copytree(site.root, in_folder.root, dirs_exist_ok=True)
    in_folder.configure(FEEDS)
    in_folder.build()
    assert feeds(bucket) == {path: (in_folder.feeds / path).read_text() for path in feeds(bucket)}
    puts = len(bucket.storage.puts())
    with site.service() as service:
        assert not service.build().has_changes
        site.post("2026-01-04-four", title="Four")
        assert service.build().files_written == 5
    assert "Four" in bucket.text("all.atom")
    assert len(bucket.storage.puts()) - puts == 5  # the feed, its page, the index
    bucket.delete("all.rss")
    bucket.put("all.atom", b"someone else's")
    site.build()
    assert "Four" in bucket.text("all.rss")
    assert "Four" in bucket.text("all.atom")


def test_processes_of_one_state_take_turns(site: Site, bucket: Bucket) -> None:
    """As a standby takes over from a builder: what the other one put is no other program's."""
    with site.service() as one, site.service() as two:
        for turn, service in enumerate([one, two, one, one, two, two, one]):
            site.post(f"2026-02-{turn + 1:02}-turn", title=f"Turn {turn}", categories=["News"])
            assert service.build().has_changes
            assert not service.build().has_changes
            assert all(f"Turn {turn}" in bucket.text(f"all.{suffix}") for suffix in ("rss", "json"))


def test_archives_in_a_bucket(site: Site, bucket: Bucket, tmp_path: Path) -> None:
    """Its objects are the files of a folder. Pages that are lost are made again."""
    settings = f"{FEEDS}archive = true\nlimit = 4\n"
    in_folder = Site(tmp_path / "y")
    for each in (site, in_folder):
        each.configure(settings)
        for day in range(1, 21):
            each.post(f"2026-01-{day:02}-day", title=f"Day {day}")
    for path in ("2026-01-01-post-1", "2026-01-02-post-2", "2026-01-03-post-3"):
        (site.root / f"_posts/{path}.md").unlink()
    text = site.config_path.read_text()
    site.config_path.write_text(text.replace('[output]\npath = "feeds"\n', bucket.settings))
    for each in (site, in_folder):
        with each.service() as service:
            service.build()
            assert service.archive()

    def objects() -> dict[str, bytes]:
        client = BucketClient(BucketOptions(f"s3://{bucket.name}/feeds", bucket.storage.url))
        return {path: bucket.get(path).content for path in client.list().keys() - {NAME}}

    before = objects()
    tree = in_folder.tree().items()
    assert before == {path: data for path, (data, _) in tree if not path.endswith((".gz", ".br"))}
    page = min(path for path in before if path.startswith("all/"))
    bucket.delete(page)
    bucket.put("all/20250101-000000-1.rss", b"of a killed process")
    with site.service() as service:
        service.build()
        service.archive()
    assert objects() == before


def test_what_readers_saw_survives_a_restored_state(site: Site, bucket: Bucket) -> None:
    """The dates and ids of objects that are newer than the state are kept."""
    site.build()
    backup = site.state.read_bytes()
    site.clock.forward(minutes=1)
    site.post("2026-03-01-news", title="News", date="2026-03-01T12:00:10")
    site.build()
    site.clock.forward(minutes=1)
    (site.root / "_posts/2026-03-01-news.md").rename(site.root / "_posts/2026-03-01-new.md")
    site.build()
    shown = feeds(bucket)
    etag = bucket.get("all.atom").headers["etag"]
    site.state.write_bytes(backup)
    for name in ("-wal", "-shm"):
        site.state.with_name(site.state.name + name).unlink(missing_ok=True)
    site.clock.forward(minutes=1)
    site.build()
    assert feeds(bucket) == shown
    assert bucket.get("all.atom").headers["etag"] == etag


def test_a_bucket_that_fails(site: Site, bucket: Bucket) -> None:
    """Feeds stay as they are, nothing is announced, and the status says since when and why."""
    site.configure(FEEDS + f'[push]\nhubs = ["{site.hub}"]\n')
    text = site.config_path.read_text()
    site.config_path.write_text(text.replace('[output]\npath = "feeds"\n', bucket.settings))
    with site.service() as service:
        service.build()
        before = feeds(bucket)
        site.take_queued_pings()
        site.post("2026-01-04-four", title="Four")
        failures = 0

        def second(environ: Environ) -> tuple[int, str] | None:
            nonlocal failures
            failures += environ["REQUEST_METHOD"] == "PUT"
            return (403, "AccessDenied") if failures > 1 else None

        bucket.storage.fault = second
        since = site.clock()
        with pytest.raises(UnavailableError, match="answered 403 AccessDenied") as caught:
            service.build()
        assert "s3:PutObject" in (caught.value.hint or "")
        site.clock.forward(minutes=2)
        bucket.storage.fault = lambda environ: (403, "AccessDenied")
        with pytest.raises(UnavailableError):
            service.build()
        assert sum(before[path] != text for path, text in feeds(bucket).items()) <= 1
        assert site.take_queued_pings() == set()
        status = collect_status(service.config, service.database, site.clock())
        (line,) = concerns(service.config, service.database, status, site.clock())
        assert line.startswith(f"runs have failed since {since:%Y-%m-%d %H:%M} UTC: s3://")
        bucket.storage.fault = lambda environ: None
        service.build()
    assert all("Four" in feeds(bucket)[f"all.{suffix}"] for suffix in ("rss", "atom", "json"))
    assert site.take_queued_pings() == {"all.rss", "all.atom", "all.json"}


def test_doctor_asks_the_bucket(site: Site, bucket: Bucket) -> None:
    """It writes nothing, and says what is wrong with the setting."""

    def problems() -> list[str]:
        found = check_machine(config.load(site.config_path, {}), ask=False)
        return [f"{one.message} {one.hint}" for one in found if one.path == "output.url"]

    puts = len(bucket.storage.puts())
    assert problems() == []
    bucket.storage.fault = lambda environ: (
        (403, "AccessDenied") if environ["REQUEST_METHOD"] == "PUT" else None
    )
    (problem,) = problems()
    assert "answered 403 AccessDenied" in problem
    assert "s3:PutObject" in problem
    bucket.storage.fault = lambda environ: None
    text = site.config_path.read_text()
    site.config_path.write_text(text.replace(bucket.name, "missing-bucket"))
    (problem,) = problems()
    assert "s3://missing-bucket/feeds answered 404 NoSuchBucket" in problem
    assert "check output.url" in problem
    assert len(bucket.storage.puts()) == puts


def test_one_endpoint_that_can_not_be_reached(bucket: Bucket) -> None:
    """The error says what is wrong, and comes soon."""
    started = time.monotonic()
    with pytest.raises(UnavailableError, match="can't be reached: the connection was refused"):
        begun(bucket, "http://127.0.0.1:9")
    assert time.monotonic() < started + timedelta(seconds=10).total_seconds()


def test_status_names_the_bucket(site: Site, bucket: Bucket) -> None:
    site.build()
    with Service(config.load(site.config_path, {})) as service:
        status = collect_status(service.config, service.database, site.clock())
    assert (status.output, status.disk_free_bytes) == (f"s3://{bucket.name}/feeds", None)
    assert status.output_bytes == sum(len(text.encode()) for text in feeds(bucket).values())
