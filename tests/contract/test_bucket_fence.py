"""What keeps an older version out of a bucket, and an endless listing from stopping all runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import buckets
import pytest
from buckets import Bucket

from syndicator.errors import LostLeaseError, OutputError, ReplacedError
from syndicator.model.content import FeedFile, digest_of
from syndicator.outputs import bucket_client
from syndicator.outputs.bucket import OutputBucket
from syndicator.outputs.bucket_client import BucketClient, BucketOptions
from syndicator.outputs.owner import Owner
from syndicator.store.leases import LEASE, Lease, clock

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in buckets.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket() -> Bucket:
    return buckets.storage().bucket()


def begun(bucket: Bucket, lease: Lease | None = None) -> OutputBucket:
    """The output at the beginning of a run, which has a lease."""
    lease = lease or Lease("run", "one", epoch=1, asked=clock())
    own = Owner(id="one", state="/var/one.db", host="here")
    options = BucketOptions(f"s3://{bucket.name}/feeds", bucket.storage.url)
    output = OutputBucket(options, (), 300, lambda: own, lease.check)
    output.files.begin()
    output.check_owner()
    output.files.sweep()
    return output


def file(path: str, data: bytes) -> tuple[FeedFile, datetime]:
    media_type, url = "application/rss+xml", "https://x/"
    digest = digest_of(data)
    return FeedFile(
        path=path, url=url, data=data, media_type=media_type, digest=digest, hubs=()
    ), DATE


def test_a_run_that_lost_its_lease_puts_nothing(bucket: Bucket) -> None:
    """Also if the object is as it was: the others may have published what it was before."""
    begun(bucket).write([file("all.rss", b"<current/>")])
    lease = Lease("run", "one", epoch=1, asked=clock())
    asleep = begun(bucket, lease)
    lease._until -= LEASE
    with pytest.raises(LostLeaseError):
        asleep.write([file("all.rss", b"<older/>")])
    with pytest.raises(LostLeaseError):
        asleep.remove("all.rss")
    assert bucket.text("all.rss") == "<current/>"


def test_who_serves_does_not_learn_for_the_run(bucket: Bucket) -> None:
    """Another thread asks for the owner, while a run that slept goes on with what it knows."""
    asleep = begun(bucket)
    begun(bucket).write([file("all.rss", b"<newer/>"), file("all.atom", b"<newer/>")])
    with pytest.raises(ReplacedError):
        asleep.write([file("all.rss", b"<older/>")])
    asleep.check_owner()
    with pytest.raises(ReplacedError):
        asleep.write([file("all.atom", b"<older/>")])
    assert bucket.text("all.atom") == "<newer/>"


@contextmanager
def endless_listing(objects: int) -> Iterator[str]:
    """The address of a server whose listings never end. Each page has so many objects."""
    item = "<Key>feeds/{}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size>"
    items = "".join(f"<Contents>{item.format(at)}</Contents>" for at in range(objects))
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken>"
    page = f"<ListBucketResult>{more}{items}</ListBucketResult>".encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("objects", "message"), [(0, "were not listed in 1 s"), (500, "has more than 2,000 objects")]
)
def test_an_endless_listing_ends(
    objects: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its pages are empty, or have the same objects again and again."""
    monkeypatch.setattr(bucket_client, "_LISTING_TIMEOUT", 1.0 if not objects else 60.0)
    monkeypatch.setattr(bucket_client, "_MAX_OBJECTS", 2000)
    with endless_listing(objects) as endpoint, pytest.raises(OutputError, match=message):
        BucketClient(BucketOptions("s3://bucket/feeds", endpoint)).list()
