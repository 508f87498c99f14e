"""The responses for one published file."""

from datetime import UTC, datetime

import pytest

from syndicator.web.prepared_responses import (
    PreparedResponse,
    PublishedFile,
    moved_to,
    prepare,
    select,
)

LINK = '<https://hub.example/>; rel="hub", <https://news.example.com/category/news.rss>; rel="self"'
DATE = b"Thu, 15 Jan 2026 05:39:13 GMT"


def published(**changes: object) -> PublishedFile:
    values: dict[str, object] = {
        "path": "category/news.rss",
        "media_type": "application/rss+xml; charset=utf-8",
        "updated": datetime(2026, 1, 15, 5, 39, 13, 999_999, tzinfo=UTC),
        "digest": "d1",
        "link": LINK,
        "page": "category/news.html",
        "bodies": {"identity": b"plain" * 10, "gzip": b"zipped" * 3, "br": b"broken"},
    }
    return PublishedFile(**(values | changes))  # type: ignore[arg-type]


def ask(*headers: tuple[str, str], **changes: object) -> PreparedResponse:
    lines = [(name.encode(), value.encode()) for name, value in headers]
    return select(prepare(published(**changes), max_age=300), lines)


def test_the_headers_of_a_full_response() -> None:
    """Type, length, coding, both validators, max-age, Vary, and the links to hub and self."""
    reply = ask(("accept-encoding", "gzip"))
    expected = {
        b"content-type": b"application/rss+xml; charset=utf-8",
        b"content-length": b"18",
        b"content-encoding": b"gzip",
        b"etag": b'"d1-gz"',
        b"last-modified": DATE,
        b"cache-control": b"max-age=300",
        b"vary": b"Accept-Encoding",
        b"link": LINK.encode(),
    }
    assert (200, expected, b"zipped" * 3) == (reply.status, dict(reply.headers), reply.body)
    assert len(expected) == len(reply.headers)


@pytest.mark.parametrize(
    ("accept", "etag", "body"),
    [
        ("gzip", b'"d1-gz"', b"zipped" * 3),
        ("br", b'"d1-br"', b"broken"),
        ("identity", b'"d1"', b"plain" * 10),
    ],
)
def test_each_encoding_has_an_etag_of_its_own(accept: str, etag: bytes, body: bytes) -> None:
    """A strong tag identifies bytes (§8.8.3), which differ. Last-Modified is the same for all."""
    reply = ask(("accept-encoding", accept))
    headers = dict(reply.headers)
    assert (etag, body, DATE) == (headers[b"etag"], reply.body, headers[b"last-modified"])


def test_pages_have_no_link_header() -> None:
    """A page is not a topic."""
    assert b"link" not in dict(ask(link=None, page=None).headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("if-none-match", '"d1"')], 304),
        ([("if-none-match", 'W/"d1"')], 304),
        ([("if-none-match", '"x", "d1"')], 304),
        ([("if-none-match", '"x"'), ("if-none-match", '"d1"')], 304),  # two lines are one list
        ([("if-none-match", "*")], 304),
        ([("if-none-match", '"x"')], 200),
        ([("if-none-match", '"d1-gz"')], 200),  # the tag of another encoding
        ([("accept-encoding", "gzip"), ("if-none-match", '"d1-gz"')], 304),
        ([("accept-encoding", "gzip"), ("if-none-match", 'W/"d1-gz"')], 304),
        ([("if-modified-since", DATE.decode())], 304),
        ([("if-modified-since", "Thu, 15 Jan 2026 05:39:12 GMT")], 200),
        ([("if-modified-since", "Fri, 16 Jan 2026 05:39:12 GMT")], 200),  # a date we never sent
        # The date is ignored.
        ([("if-none-match", '"x"'), ("if-modified-since", DATE.decode())], 200),
        ([("if-none-match", '"d1"'), ("if-modified-since", "yesterday")], 304),
        ([("if-match", '"d1"')], 200),
        ([("if-match", 'W/"d1"')], 412),
        ([("if-match", '"x"'), ("if-none-match", '"d1"')], 412),
        ([("if-match", '"d1"'), ("if-none-match", '"d1"')], 304),
        ([("if-unmodified-since", "Thu, 15 Jan 2026 05:39:12 GMT")], 412),
        ([("if-unmodified-since", DATE.decode())], 200),
        ([("if-match", "*"), ("if-unmodified-since", "Thu, 15 Jan 2026 05:39:12 GMT")], 200),
        ([("range", "bytes=0-3")], 200),
        ([("range", "bytes=0-3"), ("if-range", '"d1"')], 200),
        ([("accept-encoding", "identity;q=0")], 406),
        ([("accept-encoding", "gzip;q=0"), ("accept-encoding", "br")], 200),
    ],
)
def test_conditional_requests(headers: list[tuple[str, str]], status: int) -> None:
    """Preconditions apply to the negotiated encoding; several lines of one field are one list."""
    assert status == ask(*headers).status


def test_a_304_has_the_validators_of_a_200() -> None:
    """§15.4.5: ETag, Cache-Control and Vary. No body, length or type."""
    headers = dict(ask(("if-none-match", '"d1"')).headers)
    assert {b"etag", b"last-modified", b"cache-control", b"vary", b"link"} == headers.keys()
    assert tuple(headers[name] for name in (b"etag", b"vary", b"cache-control")) == (
        b'"d1"',
        b"Accept-Encoding",
        b"max-age=300",
    )


def test_a_browser_is_redirected_to_the_page() -> None:
    """By a relative address. Caches must not store the redirect."""
    reply = ask(("sec-fetch-dest", "document"), ("if-none-match", '"d1"'))
    headers = dict(reply.headers)
    assert reply.status == 303
    assert headers[b"location"] == b"../category/news.html#rss"
    assert headers[b"cache-control"] == b"no-store"
    assert b"link" not in headers


@pytest.mark.parametrize("destination", ["empty", "iframe", "image"])
def test_programs_are_not_redirected(destination: str) -> None:
    """A reader that runs in a browser fetches the feed itself."""
    assert ask(("sec-fetch-dest", destination)).status == 200
    assert ask(("sec-fetch-dest", "document"), page=None).status == 200


def test_a_moved_feed_is_redirected_without_links() -> None:
    """Clients merge the headers of all hops, and would find two `self` links.

    Non-ASCII characters are encoded.
    """
    reply = moved_to("https://news.example.com/category/größe.rss")
    location = dict(reply.headers)[b"location"]
    assert (reply.status, location) == (
        301,
        b"https://news.example.com/category/gr%C3%B6%C3%9Fe.rss",
    )
    assert b"link" not in dict(reply.headers)


def test_the_prepared_head_equals_the_headers() -> None:
    """The protocol writes the head, ASGI sends the headers."""
    reply = ask(("accept-encoding", "gzip"))
    status_line, *lines = reply.head.decode().split("\r\n")
    assert status_line == "HTTP/1.1 200 OK"
    assert [tuple(line.split(": ", 1)) for line in lines[:-1]] == [
        (name.decode(), value.decode()) for name, value in reply.headers
    ]
