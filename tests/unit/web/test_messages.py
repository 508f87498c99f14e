"""Messages: a text for programs, a page for people."""

import pytest

from syndicator.web.messages import Messages

MESSAGES = Messages("https://feeds.example.com/")
BROWSER = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("method", "lines", "kind"),
    [
        ("GET", [BROWSER], b"text/html"),
        ("HEAD", [BROWSER], b"text/html"),
        ("GET", [b"application/rss+xml", b"text/html;q=0.1"], b"text/html"),
        ("GET", [b"TEXT/HTML"], b"text/html"),
        ("POST", [BROWSER], b"text/plain"),
        ("GET", [], b"text/plain"),
        ("GET", [b"*/*"], b"text/plain"),
        ("GET", [b"text/*"], b"text/plain"),
        ("GET", [b"text/html;q=0, */*"], b"text/plain"),
        ("GET", [b"application/rss+xml, text/htmlx"], b"text/plain"),
        ("GET", [b"\xff"], b"text/plain"),
    ],
)
def test_who_asks_for_html_gets_a_page(method: str, lines: list[bytes], kind: bytes) -> None:
    """A GET or HEAD. Caches keep both forms apart."""
    for message in (MESSAGES.not_found, MESSAGES.gone, MESSAGES.building):
        chosen = message.select(method, [(b"accept", line) for line in lines])
        headers = dict(chosen.headers)
        assert headers[b"content-type"] == kind + b"; charset=utf-8"
        assert headers[b"vary"] == b"Accept"
        assert headers[b"content-length"] == b"%d" % len(chosen.body)
        assert chosen.status == message.text.status


def test_a_page_leads_to_the_feeds() -> None:
    for message in (MESSAGES.not_found, MESSAGES.gone, MESSAGES.building):
        assert b'href="https://feeds.example.com/"' in message.page.body
