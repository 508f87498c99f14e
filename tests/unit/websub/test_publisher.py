"""A ping is one POST for one topic and one hub; any 2xx is done."""

from urllib.parse import parse_qsl

import pytest

from syndicator.debts import Answer, Request
from syndicator.websub.publisher import follow, ping

TOPIC = "https://news.example.com/feeds/category/b%C3%BCcher.rss?a=1&b=2"


def test_a_ping() -> None:
    """`hub.url` and `hub.topic` are both the topic: hubs in use read one or the other."""
    request = ping("https://hub.example/", TOPIC)
    assert (request.method, request.url) == ("POST", "https://hub.example/")
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert parse_qsl(request.body.decode(), strict_parsing=True) == [
        ("hub.mode", "publish"),
        ("hub.url", TOPIC),
        ("hub.topic", TOPIC),
    ]
    assert not request.stranger


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        *[(status, True) for status in (200, 202, 204, 207, 299)],
        *[(status, False) for status in (None, 100, 301, 302, 303, 307, 308, 400, 404, 410, 429, 500, 503)],
    ],
)
def test_what_an_answer_means(status: int | None, taken: bool) -> None:
    """2xx is taken; a redirect, an error and silence are not."""
    assert taken == Answer(status=status).taken


@pytest.mark.parametrize(
    ("status", "location", "url"),
    [
        (307, "https://hub.example/hub", "https://hub.example/hub"),
        (308, "/hub2?x=1", "https://hub.example/hub2?x=1"),
        (301, "https://other.example/", None),
        (302, "https://other.example/", None),
        (303, "https://other.example/", None),
        (307, None, None),
        (307, "file:///etc/passwd", None),
        (307, "http://[oops/", None),
        (200, "https://other.example/", None),
    ],
)
def test_only_redirects_that_keep_the_post_are_followed(status: int, location: str | None, url: str | None) -> None:
    """307 and 308, with method and body as they were; 301 and 302 would make it a GET and lose it."""
    request = ping("https://hub.example/", TOPIC)
    headers = {} if location is None else {"location": location}
    followed = follow(request, Answer(status=status, headers=headers))
    expected = None if url is None else Request(method="POST", url=url, headers=request.headers, body=request.body)
    assert expected == followed


def test_a_redirect_to_another_host_is_a_strangers_word() -> None:
    """The operator named the hub, not what the hub points to: it must not lead into the operator's network."""
    answer = Answer(status=308, headers={"location": "http://169.254.169.254/latest/"})
    followed = follow(ping("https://hub.example/", TOPIC), answer)
    assert followed is not None
    assert (followed.url, followed.stranger) == ("http://169.254.169.254/latest/", True)
