"""A ping is one POST for one topic and one hub; any 2xx is success."""

from urllib.parse import parse_qsl

import pytest

from syndicator.model.outbox import Request, Response
from syndicator.websub.publisher import follow, ping

TOPIC = "https://news.example.com/feeds/category/b%C3%BCcher.rss?a=1&b=2"


def test_a_ping() -> None:
    """Both `hub.url` and `hub.topic` are the topic: hubs in use read one or the other."""
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
        *[
            (status, False)
            for status in (None, 100, 301, 302, 303, 307, 308, 400, 404, 410, 429, 500, 503)
        ],
    ],
)
def test_what_an_answer_means(status: int | None, taken: bool) -> None:
    """2xx is success; a redirect, an error and no answer are not."""
    assert taken == Response(status=status).succeeded


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
def test_only_redirects_that_keep_the_post_are_followed(
    status: int, location: str | None, url: str | None
) -> None:
    """307 and 308 keep method and body; 301 and 302 would turn the POST into a GET."""
    request = ping("https://hub.example/", TOPIC)
    headers = {} if location is None else {"location": location}
    followed = follow(request, Response(status=status, headers=headers))
    expected = (
        None
        if url is None
        else Request(method="POST", url=url, headers=request.headers, body=request.body)
    )
    assert expected == followed


def test_a_redirect_to_another_host_gets_the_rules_for_strangers() -> None:
    """The operator named only the hub: its redirect must not lead into the operator's network."""
    answer = Response(status=308, headers={"location": "http://169.254.169.254/latest/"})
    followed = follow(ping("https://hub.example/", TOPIC), answer)
    assert followed is not None
    assert (followed.url, followed.stranger) == ("http://169.254.169.254/latest/", True)


OPERATORS = [
    ("https://hub.example/", "/x?y=1", "https://hub.example/x?y=1"),
    ("https://hub.example/", "https://hub.example:443/x", "https://hub.example:443/x"),
    ("https://hub.example:443/", "https://HUB.example/x", "https://HUB.example/x"),
    ("HTTP://hub.example/", "http://hub.example:80/x", "http://hub.example:80/x"),
    ("http://hub.lan:8080/", "//hub.lan:8080/x", "http://hub.lan:8080/x"),
    ("http://[::1]:8080/", "http://[::1]:8080/x", "http://[::1]:8080/x"),
]

STRANGERS = [
    ("https://hub.example/", "https://hub.example:8443/x"),
    ("https://hub.example/", "http://hub.example/x"),
    ("https://hub.example/", "http://hub.example:443/x"),
    ("http://hub.example/", "https://hub.example/x"),
    ("http://hub.example/", "http://hub.example:8080/admin/delete?all=1"),
    ("http://hub.example:8080/", "http://hub.example/"),
    ("http://hub.example/", "http://hub.example:0/"),
    ("http://hub.example/", "http://hub.example./"),
    ("http://hub.example/", "http://a.hub.example/"),
    ("http://hub.example/", "//localhost/"),
    ("http://hub.example/", "http://hub.example\\.other.example/"),
]


@pytest.mark.parametrize(("hub", "location", "url"), OPERATORS)
def test_the_hub_itself_keeps_the_operators_trust(hub: str, location: str, url: str) -> None:
    """The same scheme, host and port, in any spelling."""
    followed = follow(ping(hub, TOPIC), Response(status=307, headers={"location": location}))
    assert followed is not None
    assert (followed.url, followed.stranger) == (url, False)


@pytest.mark.parametrize(("hub", "location"), STRANGERS)
def test_another_scheme_host_or_port_gets_the_rules_for_strangers(hub: str, location: str) -> None:
    """Even another port of the hub's host, which may be in the operator's network."""
    followed = follow(ping(hub, TOPIC), Response(status=307, headers={"location": location}))
    assert followed is not None
    assert followed.stranger


def test_trust_does_not_come_back() -> None:
    """A chain that left the hub stays a stranger's, even back at the hub: it chose the path."""
    away = follow(
        ping("http://hub.lan/", TOPIC),
        Response(status=307, headers={"location": "http://a.example/"}),
    )
    assert away is not None
    for location in ("http://hub.lan/admin", "/x", "http://a.example:80/y"):
        further = follow(away, Response(status=307, headers={"location": location}))
        assert further is not None
        assert further.stranger


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "https://me:hush@hub.example/x"),
        ("https://hub.example/x", "https://me:hush@hub.example/x"),
        ("https://me:hush@hub.example/x", "https://me:hush@hub.example/x"),
        ("https://other.example/x", "https://other.example/x"),
        ("https://me:hush@other.example/x", "https://other.example/x"),
        ("https://hub.example:8443/x", "https://hub.example:8443/x"),
        ("https://you:pw@hub.example/x", None),
        ("https://you@other.example/x", None),
        ("https://hub.example@other.example/x", None),
    ],
)
def test_credentials_go_to_the_hub_alone(location: str, url: str | None) -> None:
    """They stay with the same origin, and none from a redirect are accepted."""
    hub = ping("https://me:hush@hub.example/", TOPIC)
    followed = follow(hub, Response(status=308, headers={"location": location}))
    assert url == (followed and followed.url)


@pytest.mark.parametrize(
    "location",
    [
        "https://hub.example:99999/",
        "https://hub.example:x/",
        "gopher://hub.example/",
        "data:,x",
        "https:///x",
        "",
    ],
)
def test_an_invalid_address_is_not_followed(location: str) -> None:
    """The redirect itself is then the answer."""
    assert (
        follow(
            ping("http://hub.example/", TOPIC), Response(status=307, headers={"location": location})
        )
        is None
    )
