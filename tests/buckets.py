"""Object storage on a real socket: moto's S3, with faults on request.

rclone's server ignores `If-Match`, so it can't stand for S3 here.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

import requests
from werkzeug.serving import make_server

from syndicator.model.content import FeedFile, digest_of

#: For clients. moto compares no signatures.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

#: Of requests of a test, which `fault` does not concern.
_HEADERS = {"Authorization": "AWS test:test", "X-Test": "1"}

Environ = dict[str, Any]
Answer = tuple[int, str]  #: a status, and the code of S3 for it

_names = itertools.count()


@dataclass
class Storage:
    """A server of buckets."""

    url: str
    #: Called with each request, before it is carried out; may wait. An answer ends the request.
    fault: Callable[[Environ], Answer | None] = lambda environ: None
    #: Method, path and status of each request.
    requests: list[tuple[str, str, int]] = field(default_factory=list)

    def bucket(self) -> "Bucket":
        """A new bucket. Faults of earlier tests end."""
        self.fault = lambda environ: None
        name = f"bucket-{next(_names)}"
        assert requests.put(f"{self.url}/{name}", headers=_HEADERS).ok
        return Bucket(self, name)

    def puts(self) -> list[str]:
        """The paths that were put so far."""
        return [path for method, path, status in self.requests if (method, status) == ("PUT", 200)]


@dataclass
class Bucket:
    storage: Storage
    name: str

    @property
    def settings(self) -> str:
        """The table of a config: in place of the folder."""
        return f'[output]\nurl = "s3://{self.name}/feeds"\nendpoint = "{self.storage.url}"\n'

    def get(self, path: str) -> requests.Response:
        """An object as it is now, whatever `fault` says."""
        return requests.get(f"{self.storage.url}/{self.name}/feeds/{path}", headers=_HEADERS)

    def text(self, path: str) -> str:
        """The text of an object; "": it is missing."""
        response = self.get(path)
        return response.content.decode() if response.ok else ""

    def put(self, path: str, data: bytes) -> None:
        """Write an object as another program does."""
        url = f"{self.storage.url}/{self.name}/feeds/{path}"
        assert requests.put(url, data, headers=_HEADERS).ok

    def delete(self, path: str) -> None:
        requests.delete(f"{self.storage.url}/{self.name}/feeds/{path}", headers=_HEADERS)


@cache
def storage(address: str = "127.0.0.1") -> Storage:
    """The server of this process. Importing moto takes seconds."""
    from moto.moto_server.werkzeug_app import create_backend_app

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = _Faulty(create_backend_app("s3"))
    server = make_server(address, 0, app, threaded=True)
    app.storage.url = f"http://{address}:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return app.storage


class _Faulty:
    """moto, as S3 does what moto doesn't: no half request is carried out, and one at a time."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app
        self.storage = Storage("")
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start: Callable[..., object]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if len(body) < length:
            return self._answer(environ, start, 400, "IncompleteBody")
        if "HTTP_X_TEST" not in environ and (answer := self.storage.fault(environ)):
            return self._answer(environ, start, *answer)
        environ["wsgi.input"] = BytesIO(body)

        def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> object:
            self._note(environ, int(status[:3]))
            return start(status, headers, *rest)

        with self.lock:
            return list(self.app(environ, started))

    def _answer(
        self, environ: Environ, start: Callable[..., object], status: int, code: str
    ) -> list[bytes]:
        self._note(environ, status)
        start(f"{status} {code}", [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code><Message>as the test said</Message></Error>".encode()]

    def _note(self, environ: Environ, status: int) -> None:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.storage.requests.append((method, path.partition("/feeds/")[2], status))


def feed_file(path: str = "all.rss", data: bytes = b"<rss/>" * 100) -> FeedFile:
    """A feed file for an output."""
    return FeedFile(
        path=path,
        url="https://x/",
        data=data,
        media_type="application/rss+xml; charset=utf-8",
        digest=digest_of(data),
        hubs=(),
    )
