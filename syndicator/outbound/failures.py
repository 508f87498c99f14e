"""Describes why a request failed, in short texts without the URL.

A callback's URL is a secret, and the messages of requests and urllib3 contain it.
"""

from collections.abc import Iterable
from http.client import HTTPException
from typing import Any

from syndicator.model.outbox import Response

#: For a response beyond `responses.RESPONSE_LIMIT`.
TOO_LARGE = "refused: its response is too large"

#: For a response whose connection ended before it was complete.
INCOMPLETE = "the response ended early"

#: For a URL that can't be parsed.
INVALID = Response(status=None, error="the address is not a valid URL", refused=True)

#: Characters kept of a refusal's reason: it may list hundreds of addresses.
REASON_LIMIT = 200


class ResponseTooLargeError(OSError):
    """A response has more bytes than `responses.RESPONSE_LIMIT`. urllib3 passes an OSError on."""


class AmbiguousLengthError(HTTPException):
    """A response has two different lengths."""


class ConnectTimeoutError(TimeoutError):
    """No address of a name could be connected to in time."""


class UnreachableError(OSError):
    """No address of a name could be connected to."""


#: Texts by the class of an exception in the chain of causes; the first match counts.
_TEXTS: Iterable[tuple[str, str]] = (
    ("SSLCertVerificationError", "its certificate is not valid"),
    ("SSLError", "the TLS connection failed"),
    ("SSLEOFError", "the TLS connection failed"),
    ("SSLZeroReturnError", "the TLS connection failed"),
    ("NameResolutionError", "its name does not resolve"),
    ("gaierror", "its name does not resolve"),
    ("ConnectionRefusedError", "it refused the connection"),
    ("ConnectTimeoutError", "the connection timed out"),
    ("TimeoutError", "it did not answer in time"),
    ("ReadTimeoutError", "it did not answer in time"),
    ("RemoteDisconnected", "it closed the connection without a response"),
    ("ConnectionResetError", "it reset the connection"),
    ("BrokenPipeError", "it reset the connection"),
    ("NewConnectionError", "it can't be reached"),
    ("UnreachableError", "it can't be reached"),
    ("IncompleteRead", INCOMPLETE),
    ("BadStatusLine", "its response is not HTTP"),
    ("UnknownProtocol", "its response is not HTTP"),
    ("LineTooLong", "its response is not HTTP"),
    ("AmbiguousLengthError", "its response is not HTTP"),
    ("ProtocolError", "its response is not HTTP"),
    ("InvalidHeader", "its response is not HTTP"),
)


def describe(error: BaseException) -> str:
    """The cause of an error, as text for the operator."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return next((text for name, text in _TEXTS if name in names), "the request failed")


def failed(error: BaseException) -> Response:
    """The result of a request without a response."""
    if is_too_large(error):
        return Response(status=None, error=TOO_LARGE, refused=True, too_large=True)
    return Response(status=None, error=describe(error))


def refused(error: Exception) -> Response:
    """The result of a request whose address is not allowed: ssrfguard's error."""
    reason = str(getattr(error, "reason", error))[:REASON_LIMIT]
    return Response(status=None, error=f"refused: {reason}", refused=True)


def is_too_large(error: BaseException) -> bool:
    """Whether the response had more bytes than its limit."""
    return any(isinstance(cause, ResponseTooLargeError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    """An error and all errors it refers to: causes, contexts, reasons and arguments."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            reason = getattr(cause, "reason", None)
            waiting += [cause.__cause__, cause.__context__, reason, *cause.args]
