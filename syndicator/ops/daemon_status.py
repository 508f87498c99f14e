"""Asks a running daemon for its status, for users who may read neither its config nor its state."""

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from syndicator.errors import SyndicatorError

#: Seconds without a byte. A status takes a fraction of one.
_TIMEOUT = 10.0

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
        raise SyndicatorError(f"no daemon answers at {url}: {error}", hint=hint) from error
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


def _get(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connect = {"http": HTTPConnection, "https": HTTPSConnection}.get(parts.scheme)
    if connect is None or not parts.hostname:
        raise ValueError("it is not a URL such as http://127.0.0.1:8081/")
    with closing(connect(parts.hostname, parts.port, timeout=_TIMEOUT)) as connection:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.read(_MAX_SIZE)
