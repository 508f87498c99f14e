"""Responses that say why there is no file: a text for programs, a page for people."""

from functools import cached_property
from typing import NamedTuple

from syndicator.web.negotiation import accepts_html
from syndicator.web.prepared_responses import (
    Headers,
    PreparedResponse,
    html_response,
    text_response,
)

#: Retry-After in seconds, until the first run is complete.
FIRST_RUN_RETRY = 10

#: Caches keep both forms apart.
_VARY = (b"vary", b"Accept")


class Message(NamedTuple):
    """Both forms of a response."""

    text: PreparedResponse
    page: PreparedResponse

    def select(self, method: str, headers: Headers) -> PreparedResponse:
        """The page for a GET or HEAD that accepts HTML."""
        if method not in ("GET", "HEAD"):
            return self.text
        accept = b",".join(value for name, value in headers if name == b"accept")
        return self.page if accepts_html(accept) else self.text


class Messages:
    """The messages of a server. `home`: the feeds' public address, to which they link.

    Nothing in them comes from a request. Each is made once, when it is first needed: Jinja2 takes
    longer than serving the first feed.
    """

    def __init__(self, home: str) -> None:
        self._home = home

    @cached_property
    def not_found(self) -> Message:
        return self._message(
            404, "Not Found", "This page does not exist", "Its address may be misspelt."
        )

    @cached_property
    def gone(self) -> Message:
        return self._message(
            410,
            "This feed is no longer published.\n",
            "This feed is no longer published",
            "You can remove it from your feed reader.",
        )

    @cached_property
    def building(self) -> Message:
        # A reader may drop a feed that is answered 404 (RFC 9110 §15.6.4).
        return self._message(
            503,
            "The feeds are being built.\n",
            "The feeds are being built",
            "Please come back in some seconds.",
            (b"retry-after", b"%d" % FIRST_RUN_RETRY),
        )

    def make(self) -> None:
        """Make all of them, so that no request has to wait for that."""
        _ = self.not_found, self.gone, self.building

    def _message(
        self, status: int, text: str, title: str, advice: str, *headers: tuple[bytes, bytes]
    ) -> Message:
        from syndicator.formats.html import message_page

        page = message_page(title, advice, home=self._home)
        return Message(
            text_response(status, text, _VARY, *headers),
            html_response(status, page, _VARY, *headers),
        )
