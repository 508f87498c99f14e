"""What is in a bucket, as this process knows it. An object that changed since is not overwritten.

What is known is from before the posts were read, or from the state. So a process that slept while
another one published can't put an older version in place of a newer: the ETag differs then. Where
the other one left an object as it was, the ETag is the same, so the lease is asked for as well.
"""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from syndicator.errors import OutputError, ReplacedError
from syndicator.outputs.bucket_client import BucketClient, Found, Stored

#: Seconds until the objects are listed again, for those that another program replaced or removed.
#: A request lists a thousand, and is charged.
_LISTED_FOR = 600.0
_LONG_AGO = float("-inf")


class Objects:
    """Objects by their paths. Raises UnavailableError and ReplacedError, see `BucketClient`."""

    def __init__(
        self, client: BucketClient, check_lease: Callable[[], None] = lambda: None
    ) -> None:
        """`check_lease` is called just before an object is put or removed, and may raise."""
        self.client = client
        self._check_lease = check_lease
        self._known: dict[str, Stored] = {}
        self._listed_at: float | None = None  #: None: what is there is not known
        self._is_new_listing = False

    def begin(self) -> None:
        """Begin a run, which reads the posts afterwards. The first one of a process sweeps."""
        self.client.resume()
        self._is_new_listing = False
        if self._listed_at is not None and monotonic() > self._listed_at + _LISTED_FOR:
            self.sweep()

    def sweep(self) -> None:
        """List the objects. There is nothing to remove: a killed process leaves no half object."""
        self._listed_at = None
        self._known = self.client.list()
        self._listed_at, self._is_new_listing = monotonic(), True

    def known(self, path: str) -> Stored | None:
        """An object as it was last seen; None: it was not there."""
        self._require_listing()
        return self._known.get(path)

    def is_as_written(self, path: str, written: tuple[int, int]) -> bool:
        """Whether an object has the size and version that it was written with.

        An object that differs from an older listing is looked at: another process of the state may
        have written it.
        """
        stored = self.known(path)
        if stored and stored.written == written:
            return True
        if self._is_new_listing:
            return False
        stored = self.client.head(path)
        if stored is None or stored.written != written:
            return False
        self._known[path] = stored
        return True

    def names(self, folder: str) -> list[str]:
        """The names of the objects in a folder, without those in folders below it."""
        self._require_listing()
        start = f"{folder}/" if folder else ""
        paths = (path.removeprefix(start) for path in self._known if path.startswith(start))
        return [name for name in paths if "/" not in name]

    def is_file(self, path: str) -> bool:
        """Whether there is an object."""
        self._require_listing()
        return path in self._known

    def put(self, path: str, data: bytes, headers: dict[str, str], date: datetime) -> Stored:
        """Write an object in place of the known one."""
        self._require_listing()
        self._check_lease()
        try:
            stored = self.client.put(path, data, headers, date, self._known.get(path))
        except OutputError:  # another object is there, or a put without an answer was carried out
            self._listed_at = _LONG_AGO
            raise
        self._known[path] = stored
        return stored

    def remove(self, path: str) -> None:
        """Remove an object, unless it is not the known one.

        S3 removes by ETag in directory buckets only, so another process may write the object
        between the look at it and its removal. The next listing finds that it is missing.
        """
        known, stored = self.known(path), self.client.head(path)
        if stored and stored != known:
            self._listed_at = _LONG_AGO
            raise ReplacedError.of(path, self.client.url)
        if stored:
            self._check_lease()
            self.client.delete(path)
        self._known.pop(path, None)

    def find(self, path: str, most: int) -> Found | None:
        """An object with its bytes, see `BucketClient.get`; None: it was missing when listed."""
        return self.client.get(path, most) if self.known(path) else None

    def read(self, path: str, most: int) -> bytes | None:
        """The bytes of an object; None: it is missing, or larger than `most` bytes."""
        found = self.client.get(path, most)
        return found and found.data

    def read_part(self, path: str, written: tuple[int, int], begin: int, most: int) -> bytes | None:
        """At most `most` bytes of an object, from the byte `begin` on.

        None: it does not have the size and version that it was written with.
        """
        end = min(begin + most, written[0])
        if begin >= end:
            return b""
        found = self.client.get_part(path, begin, end)
        return found.data if found and found.stored.written == written else None

    def _require_listing(self) -> None:
        if self._listed_at is None:
            self.sweep()
