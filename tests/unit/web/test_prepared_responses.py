"""What is answered about one published file."""

from datetime import UTC, datetime

import pytest

from syndicator.web.prepared_responses import (
    PreparedResponse,
    PublishedFile,
    answer,
    moved_to,
    prepare,
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
    return answer(prepare(published(**changes), max_age=300), lines)


def test_a_full_answer_says_all_there_is_to_say() -> None:
    """Type, length, coding, both validators, how long it keeps, what it varies by, hub and self."""
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
    """A strong tag names octets (§8.8.3), and the octets differ; Last-Modified is the same for all."""
    reply = ask(("accept-encoding", accept))
    headers = dict(reply.headers)
    assert (etag, body, DATE) == (headers[b"etag"], reply.body, headers[b"last-modified"])


def test_no_link_where_there_is_no_topic() -> None:
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
        ([("if-none-match", '"d1-gz"')], 200),  # another encoding is another representation
        ([("accept-encoding", "gzip"), ("if-none-match", '"d1-gz"')], 304),
        ([("accept-encoding", "gzip"), ("if-none-match", 'W/"d1-gz"')], 304),
        ([("if-modified-since", DATE.decode())], 304),
        ([("if-modified-since", "Thu, 15 Jan 2026 05:39:12 GMT")], 200),
        ([("if-modified-since", "Fri, 16 Jan 2026 05:39:12 GMT")], 200),  # a date we never sent
        (
            [("if-none-match", '"x"'), ("if-modified-since", DATE.decode())],
            200,
        ),  # the tag decides alone
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
def test_precedence(headers: list[tuple[str, str]], status: int) -> None:
    """RFC 9110 §13.2.2, step by step."""
    assert status == ask(*headers).status


def test_304_says_what_200_would_have_said() -> None:
    """§15.4.5: ETag, Cache-Control and Vary; and no body, no length, no type."""
    headers = dict(ask(("if-none-match", '"d1"')).headers)
    assert {b"etag", b"last-modified", b"cache-control", b"vary", b"link"} == headers.keys()
    assert tuple(headers[name] for name in (b"etag", b"vary", b"cache-control")) == (
        b'"d1"',
        b"Accept-Encoding",
        b"max-age=300",
    )


def test_a_person_is_shown_the_page() -> None:
    """A browser that opens a feed goes to its page, by a relative address, and no cache keeps that."""
    reply = ask(("sec-fetch-dest", "document"), ("if-none-match", '"d1"'))
    headers = dict(reply.headers)
    assert (
        reply.status,
        headers[b"location"],
        headers[b"cache-control"],
    ) == (303, b"../category/news.html#rss", b"no-store")
    assert b"link" not in headers


@pytest.mark.parametrize("destination", ["empty", "iframe", "image"])
def test_a_program_is_not(destination: str) -> None:
    """A reader that lives in a browser fetches the feed itself."""
    assert ask(("sec-fetch-dest", destination)).status == 200
    assert ask(("sec-fetch-dest", "document"), page=None).status == 200


def test_a_redirect_names_the_new_place_and_no_hub() -> None:
    """Clients join the headers of all hops, and would find two selfs; a name with other letters is encoded."""
    reply = moved_to("https://news.example.com/category/größe.rss")
    assert (
        reply.status,
        dict(reply.headers)[b"location"],
    ) == (301, b"https://news.example.com/category/gr%C3%B6%C3%9Fe.rss")
    assert b"link" not in dict(reply.headers)


def test_the_head_is_the_headers() -> None:
    """What is written at once says the same as what goes through ASGI."""
    reply = ask(("accept-encoding", "gzip"))
    status_line, *lines = reply.head.decode().split("\r\n")
    assert status_line == "HTTP/1.1 200 OK"
    assert [tuple(line.split(": ", 1)) for line in lines[:-1]] == [
        (name.decode(), value.decode()) for name, value in reply.headers
    ]
