"""The bucket of feed files. An object is replaced at once, so no half file is ever seen.

No compressed siblings are put beside files: what serves a bucket doesn't choose between objects by
`Accept-Encoding`. A CDN compresses, and so does our own server.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from hashlib import blake2b

from syndicator.cache import LruCache
from syndicator.errors import ReplacedError
from syndicator.model.content import FeedFile
from syndicator.outputs.bucket_client import BucketClient, BucketOptions, Stored
from syndicator.outputs.bucket_errors import conditions_ignored
from syndicator.outputs.compress import encoded
from syndicator.outputs.objects import Objects
from syndicator.outputs.output import Disk, OnDisk
from syndicator.outputs.owner import MAX_SIZE, NAME, Claim, Owner, OwnerCheck, parse, to_bytes

#: Requests at once.
_AT_ONCE = 8

#: Bytes of files that were put or read last: they are served and delivered soon.
_KEPT = 32 * 2**20


class OutputBucket:
    """Feed files as objects below a prefix.

    Raises OutputError with the cause and a hint for all that the operator can fix.
    """

    def __init__(
        self,
        options: BucketOptions,
        compress: Sequence[str],
        max_age: int,
        own: Callable[[], Owner],
        check_lease: Callable[[], None] = lambda: None,
    ) -> None:
        """`compress`: the encodings that our server offers. `max_age`: seconds for caches.

        `own`: returns the state that writes the bucket. `check_lease`: see Objects.
        """
        self.files = Objects(BucketClient(options), check_lease)
        self.mark = BucketMark(self.files.client)
        self._owner = OwnerCheck(self.mark, lambda: without_place(own()))
        self._compress = tuple(compress)
        # A hub that is pinged fetches a feed through the CDN, which must not send the one before.
        self._cache_control = f"max-age={max_age}, s-maxage=0"
        self._pool = ThreadPoolExecutor(_AT_ONCE, "bucket")
        self._bytes: LruCache[str, tuple[int, int], bytes] = LruCache(_KEPT)

    def check_owner(self) -> bool:
        """Raise OutputError if the bucket belongs to another state. True: it is marked as ours."""
        return self._owner.check() is not Claim.TAKE

    def claim(self, now: datetime) -> None:
        """Mark the bucket as this state's, before the first file. Raises as `check_owner`."""
        self.mark.require_conditions(now)
        self._owner.claim(now)

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Put files, each dated as given, and return what is there of each now."""
        written = [self._pool.submit(self._put, file, date) for file, date in files]
        wait(written)  # if one fails too: nothing is still being written when this returns
        return [{"": one.result().written} for one in written]

    def remove(self, path: str) -> None:
        self.files.remove(path)

    def is_intact(self, path: str, disk: Disk) -> bool:
        """Whether a file is there as it was written. One that was written to a folder is not."""
        return self.files.is_as_written(path, disk[""])

    def on_disk(self, file: FeedFile) -> OnDisk | None:
        """What readers may have seen at a file's path; None: nothing."""
        found = self.files.find(file.path, len(file.data))
        return found and OnDisk(found.date, same=found.data == file.data)

    def published(self, path: str, disk: Disk) -> bytes | None:
        """The bytes of a file; None: it is missing, or not as it was written."""
        data = self._bytes.get(path, disk[""])
        if data is None:
            found = self.files.client.get(path, disk[""][0])
            if found is None or found.stored.written != disk[""] or found.data is None:
                return None
            data = found.data
            self._keep(path, found.stored, data)
        return data

    def bodies(self, files: Mapping[str, Disk]) -> dict[str, Mapping[str, bytes]]:
        """The bytes of intact files by content coding, compressed in memory."""
        reading = {
            path: self._pool.submit(self._bodies, path, disk) for path, disk in files.items()
        }
        wait(reading.values())
        return {path: bodies for path, one in reading.items() if (bodies := one.result())}

    def needs_siblings(self, disk: Disk) -> bool:
        return False

    def write_siblings(self, path: str, disk: Disk) -> Disk | None:
        return disk

    def close_replaced(self) -> None:
        pass

    def _put(self, file: FeedFile, date: datetime) -> Stored:
        headers = {"Content-Type": file.media_type, "Cache-Control": self._cache_control}
        stored = self.files.put(file.path, file.data, headers, date)
        self._keep(file.path, stored, file.data)
        return stored

    def _bodies(self, path: str, disk: Disk) -> Mapping[str, bytes]:
        data = self.published(path, disk)
        return {} if data is None else {"identity": data, **encoded(data, self._compress)}

    def _keep(self, path: str, stored: Stored, data: bytes) -> None:
        self._bytes.put(path, stored.written, data, len(data))


class BucketMark:
    """The mark of a bucket: an object that all may read if the bucket is public.

    It is written under the condition that it is still the one that was read, so two states that
    claim a bucket at the same time don't both get it.
    """

    setting = "output.url"

    def __init__(self, client: BucketClient) -> None:
        self._client = client
        self.place = client.url
        self.name = f"{client.url}/{NAME}"
        self._read: Stored | None = None
        self._has_conditions = False

    def read(self) -> Owner | None:
        found = self._client.get(NAME, MAX_SIZE)
        self._read = found and found.stored
        return parse(found.data) if found and found.data is not None else None

    def write(self, owner: Owner, now: datetime) -> None:
        self._put(to_bytes(owner), now, self._read)

    def require_conditions(self, now: datetime) -> None:
        """Raise OutputError if objects can't be put, or the storage ignores `If-Match`.

        It is asked once, by a put that it has to refuse. A storage that ignores the condition
        keeps the bytes of the mark.
        """
        if self._has_conditions:
            return
        found = self._client.get(NAME, MAX_SIZE)
        try:
            self._put((found and found.data) or b"", now, Stored(0, '"0"'))
        except ReplacedError:
            self._has_conditions = True
        else:
            raise conditions_ignored(self._client.url)

    def _put(self, data: bytes, now: datetime, known: Stored | None) -> None:
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        self._client.put(NAME, data, headers, now, known)


def without_place(owner: Owner) -> Owner:
    """An owner with a digest of where it is, since others may read it in a bucket."""
    place = blake2b(f"{owner.state}\n{owner.host}".encode(), digest_size=16).hexdigest()
    return Owner(id=owner.id, state=place, host="")
