"""Asks a running daemon for its status, for users who may read neither its config nor its state."""

import json
import threading
import time
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from syndicator.errors import SyndicatorError
from syndicator.outbound.deadlines import Exchange
from syndicator.outbound.failures import describe, is_too_large
from syndicator.outbound.responses import BoundedResponse

#: Seconds for everything: name, connection and response. A status takes a fraction of one.
_TIMEOUT = 8.0

#: Bytes. That of 10,000 feeds is smaller.
_MAX_SIZE = 16 * 2**20

#: Bytes of an error that are shown.
_MAX_MESSAGE = 1000


def ask(url: str) -> dict[str, Any]:
    """The status at an operator's address (`web.admin`), as `status --json` prints it.

    Raises SyndicatorError if no daemon answers there, or it can't read its state.
    """
    try:
        status, body = _get(url.rstrip("/") + "/status")
    except (OSError, HTTPException, ValueError) as error:
        hint = "start syndicator run, or name the address in its web.admin"
        if isinstance(error, TimeoutError):
            hint = "name the address in its web.admin; if it is, see whether the daemon still runs"
        reason = _reason(error)
        raise SyndicatorError(f"no daemon answers at {url}: {reason}", hint=hint) from error
    if status == 503:
        text = body[:_MAX_MESSAGE].decode("utf-8", "replace")
        message = "".join(filter(str.isprintable, text))
        raise SyndicatorError(f"the daemon has no status: {message}", hint="see its log")
    try:
        fields = json.loads(body) if status == 200 else {}
    except (ValueError, RecursionError):
        fields = {}
    if not isinstance(fields, dict) or not isinstance(fields.get("concerns"), list):
        hint = "name the address in web.admin, by a host name of that machine or of web.admin_hosts"
        raise SyndicatorError(f"{url} is not the operator's address of a daemon", hint=hint)
    return fields


def _reason(error: Exception) -> str:
    if is_too_large(error):
        return "its response is too large"
    # A response that is not HTTP would be in the error, up to 64 KiB of it.
    return describe(error) if isinstance(error, HTTPException) else str(error)


def _get(url: str) -> tuple[int, bytes]:
    """Status and body of a response, which ends in time and has a limited number of bytes.

    In another thread: looking up a name can't be stopped, and a socket's timeout limits each wait
    only.
    """
    connection = _connection(url)
    exchange = Exchange(
        deadline=time.monotonic() + _TIMEOUT, target=urlsplit(url).path, body_limit=_MAX_SIZE
    )
    results: list[tuple[int, bytes] | Exception] = []

    def work() -> None:
        try:
            results.append(_exchange(connection, exchange))
        except (OSError, HTTPException, ValueError) as error:
            results.append(error)

    thread = threading.Thread(target=work, name="status", daemon=True)
    thread.start()
    thread.join(_TIMEOUT)
    if not results:
        exchange.abort()
        raise TimeoutError(f"no complete response within {_TIMEOUT:g} s")
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    connect = {"http": HTTPConnection, "https": HTTPSConnection}.get(parts.scheme)
    if connect is None or not parts.hostname:
        raise ValueError("it is not a URL such as http://127.0.0.1:8081/")
    connection: HTTPConnection = connect(parts.hostname, parts.port, timeout=_TIMEOUT)
    return connection


def _exchange(connection: HTTPConnection, exchange: Exchange) -> tuple[int, bytes]:
    with closing(connection):
        connection.connect()
        exchange.attach(connection.sock)
        response_class = partial(BoundedResponse, body_limit=_MAX_SIZE)
        connection.response_class = response_class  # type: ignore[assignment]
        connection.request("GET", exchange.target)
        response = connection.getresponse()
        return response.status, response.read(_MAX_SIZE)
