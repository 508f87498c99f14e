"""Requests to a bucket, bounded in size, number and time. Only this module knows obstore.

Credentials are in the environment, as AWS's own tools read them, or come from the machine's role:
https://developmentseed.org/obstore/latest/authentication/
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from syndicator import __version__
from syndicator.errors import OutputError, ReplacedError, UnavailableError
from syndicator.outputs import bucket_errors

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import S3Config

#: For one attempt. A feed of 1 MiB takes 17 seconds at 0.5 Mbit/s.
_TIMEOUT = timedelta(seconds=30)
_CONNECT_TIMEOUT = timedelta(seconds=5)

#: Attempts after the first one of a request, and the time after which none begins. The next run
#: tries again anyway. A conditional request that got no answer is not repeated.
_RETRIES = 2
_RETRY_TIME = timedelta(seconds=20)

#: Seconds after a failure in which other requests fail at once, instead of waiting as long each.
#: A run begins with a request all the same.
_PAUSE = 10.0

#: A site with a million posts has some hundred thousand. They are listed by the thousand.
_MAX_OBJECTS = 1_000_000

#: Seconds for a listing: 0.3 for each thousand of them.
_LISTING_TIMEOUT = 300.0

#: The metadata that says when an object's bytes were first published: `Last-Modified` is when they
#: were put, and can't be set.
_DATE = "published"


class BucketOptions(NamedTuple):
    """Where a bucket is."""

    url: str  #: s3://bucket/prefix
    endpoint: str | None = None  #: None: by the environment, else AWS
    region: str = ""  #: "": by the environment, else us-east-1


class Stored(NamedTuple):
    """An object, as it was last seen."""

    size: int
    etag: str

    @property
    def written(self) -> tuple[int, int]:
        """Its size and version, see `output.Disk`."""
        digest = hashlib.blake2b(self.etag.encode(), digest_size=7).digest()
        return self.size, int.from_bytes(digest)


class Found(NamedTuple):
    """An object that was read."""

    stored: Stored
    date: datetime  #: when its bytes were first published
    data: bytes | None  #: None: it is larger than was asked for


class BucketClient:
    """Reads and writes objects by their paths below the prefix.

    Raises UnavailableError with the cause and a hint. No request takes longer than a minute, a
    listing of many not longer than five.
    """

    def __init__(self, options: BucketOptions) -> None:
        self.url = options.url
        self._failure: UnavailableError | None = None
        self._paused_until = 0.0
        bucket, _, prefix = options.url.removeprefix("s3://").partition("/")
        config: S3Config = {}
        if options.endpoint:
            config["endpoint"] = options.endpoint
        if options.region:
            config["region"] = options.region
        with self._translated():
            self._store = S3Store(
                bucket,
                prefix=prefix or None,
                config=config,
                client_options={
                    "allow_http": True,  # if the endpoint says so, as AWS's own tools do
                    "timeout": _TIMEOUT,
                    "connect_timeout": _CONNECT_TIMEOUT,
                    "user_agent": f"syndicator/{__version__}",
                },
                retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIME},
            )

    def resume(self) -> None:
        """Send requests again, although one failed just now."""
        self._failure = None

    def list(self) -> dict[str, Stored]:
        """All objects, by path. Raises OutputError if there are too many.

        Raises UnavailableError if the server has not listed them all within five minutes.
        """
        with self._translated():
            try:
                return asyncio.run(self._list())
            except TimeoutError as error:
                message = f"{self.url}: its objects were not listed in {_LISTING_TIMEOUT:.0f} s"
                hint = f"give the feeds a prefix of their own; {bucket_errors.AGAIN}"
                raise UnavailableError(message, hint=hint) from error

    async def _list(self) -> dict[str, Stored]:
        """As `list`. Only an asynchronous listing can be ended while it waits for the server."""
        found: dict[str, Stored] = {}
        seen = 0  # a server may list the same objects again and again
        async with asyncio.timeout(_LISTING_TIMEOUT):
            async for batch in obstore.list(self._store, chunk_size=1000):
                found |= {each["path"]: _stored(each) for each in batch}
                seen += len(batch)
                if seen > _MAX_OBJECTS:
                    message = f"{self.url} has more than {_MAX_OBJECTS:,} objects"
                    raise OutputError(message, hint="give the feeds a prefix of their own")
        return found

    def head(self, path: str) -> Stored | None:
        """An object; None: it is missing."""
        with self._translated():
            result = self._get(path, {"head": True})
            return None if result is None else _stored(result.meta)

    def get(self, path: str, most: int) -> Found | None:
        """An object, with its bytes if these are at most `most`; None: it is missing."""
        with self._translated():
            if (result := self._get(path)) is None:
                return None
            fits = result.meta["size"] <= most
            date = _date(result)
            return Found(_stored(result.meta), date, bytes(result.bytes()) if fits else None)

    def get_part(self, path: str, begin: int, end: int) -> Found | None:
        """An object, with its bytes from `begin` to before `end`; None: it is missing or shorter.

        `begin` must be less than `end`.
        """
        with self._translated():
            if (result := self._get(path, {"range": (begin, end)})) is None:
                return None
            return Found(_stored(result.meta), _date(result), bytes(result.bytes()))

    def put(
        self,
        path: str,
        data: bytes,
        headers: Mapping[str, str],
        date: datetime,
        known: Stored | None,
    ) -> Stored:
        """Write an object: in place of the `known` one, or a new one if that is None.

        Raises ReplacedError, and writes nothing, if something else is there
        (RFC 9110 §13.1.1 and §13.1.2).
        """
        with self._translated(path):
            result = obstore.put(
                self._store,
                path,
                data,
                attributes={**headers, _DATE: date.astimezone(UTC).isoformat()},
                mode={"e_tag": known.etag} if known else "create",
                use_multipart=False,
            )
        return Stored(len(data), _quoted(result["e_tag"]))

    def delete(self, path: str) -> None:
        """Remove an object, whichever is there. One that is missing is not an error."""
        with self._translated():
            obstore.delete(self._store, path)

    def _get(self, path: str, options: "GetOptions | None" = None) -> "GetResult | None":
        try:
            return obstore.get(self._store, path, options=options)
        except FileNotFoundError as error:
            if bucket_errors.is_missing_bucket(str(error)):
                raise
            return None
        except BaseError as error:
            if bucket_errors.is_beyond_end(str(error)):
                return None
            raise

    @contextmanager
    def _translated(self, path: str = "") -> Iterator[None]:
        """Translate the errors of the client. `path`: what a conditional request writes."""
        if self._failure and monotonic() < self._paused_until:
            raise UnavailableError(str(self._failure), hint=self._failure.hint)
        try:
            yield
        except (AlreadyExistsError, PreconditionError) as error:
            raise ReplacedError.of(path, self.url) from error
        except (BaseError, OSError, ValueError) as error:
            text = str(error)
            if bucket_errors.is_conflict(text):
                raise ReplacedError.of(path, self.url) from error
            message, hint = bucket_errors.explain(text, self.url)
            self._failure = UnavailableError(message, hint=hint)
            self._paused_until = monotonic() + _PAUSE
            raise UnavailableError(message, hint=hint) from error


def _stored(meta: "ObjectMeta") -> Stored:
    return Stored(meta["size"], _quoted(meta["e_tag"]))


def _quoted(etag: str | None) -> str:
    """An ETag as `If-Match` needs it: some servers leave the quotes out of listings."""
    return '"{}"'.format((etag or "").strip('"'))


def _date(result: "GetResult") -> datetime:
    """When an object was published; another program's, when it was put."""
    try:
        date = datetime.fromisoformat(result.attributes[_DATE])
    except (KeyError, ValueError):
        date = result.meta["last_modified"]
    return date.replace(microsecond=0, tzinfo=date.tzinfo or UTC)
