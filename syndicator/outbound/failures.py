"""Describes why a request failed, in short texts without the URL.

A callback's URL is a secret, and the messages of requests and urllib3 contain it.
"""

from collections.abc import Iterable
from typing import Any

from syndicator.outbound.responses import ResponseTooLargeError

#: For a response beyond `RESPONSE_LIMIT`.
TOO_LARGE = "refused: its response is too large"

#: For a response whose connection ended before it was complete.
INCOMPLETE = "the response ended early"

#: Texts by the class of an exception in the chain of causes; the first match counts.
_TEXTS: Iterable[tuple[str, str]] = (
    ("SSLCertVerificationError", "its certificate is not valid"),
    ("SSLError", "the TLS connection failed"),
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
    ("ProtocolError", "its response is not HTTP"),
    ("InvalidHeader", "its response is not HTTP"),
)


def describe(error: BaseException) -> str:
    """The cause of an error, as text for the operator."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return next((text for name, text in _TEXTS if name in names), "the request failed")


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
