"""Which request is sent for a page, which redirects are followed, and what counts as live."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from syndicator.live.asking import judge, next_request, request_for
from syndicator.live.decision import LONGEST
from syndicator.model.awaited import LiveRules, PageAnswer
from syndicator.model.outbox import Response

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = LiveRules(wanted=True, trusted_hosts=frozenset({"news.example"}))
URL = "https://news.example/2026/a"
HEAD = request_for(URL, RULES)


def redirect(location: str, status: int = 301) -> Response:
    return Response(status=status, headers={"location": location})


@pytest.mark.parametrize(
    ("url", "location", "followed"),
    [
        (URL, "/2026/a/", True),
        (URL, "https://NEWS.example/2026/a.html", True),
        (URL, "https://news.example:443/2026/a/index.html", True),
        ("http://news.example/a/", "https://news.example/a/", True),
        ("http://news.example:8000/a/", "http://news.example:8000/a", True),
        (URL, "https://www.news.example/2026/a", False),
        (URL, "//other.example/2026/a", False),
        (URL, "https://news.example@other.example/2026/a", False),
        (URL, "https://other.example\\@news.example/2026/a", False),
        (URL, "https://user:key@news.example/2026/a/", False),
        (URL, "https://news.example:8443/2026/a/", False),
        (URL, "http://news.example/2026/a/", False),
        ("http://news.example:8000/a", "https://news.example:8443/a", False),
        (URL, "/404.html", False),
        (URL, "/", False),
        (URL, "ftp://news.example/2026/a", False),
        (URL, "http://[broken/2026/a", False),
        (URL, "https://news.example:port/2026/a", False),
    ],
)
def test_redirects(url: str, location: str, followed: bool) -> None:
    """They are followed to the same page of the same server, or from http to https."""
    request = request_for(url, RULES)
    following = next_request(request, redirect(location))
    assert (following is not None) is followed
    if following is None:
        answer = judge(request, redirect(location), "", NOW)
        assert not answer.live
        assert answer.text


@pytest.mark.parametrize("status", [405, 501])
def test_a_server_without_head_gets_a_get(status: int) -> None:
    following = next_request(HEAD, Response(status=status))
    assert following
    assert following.method == "GET"
    assert next_request(following, Response(status=status)) is None


@pytest.mark.parametrize(
    ("response", "text", "answer"),
    [
        (Response(status=200), "", PageAnswer(live=True)),
        (Response(status=200, body="… schön …".encode()), "schön", PageAnswer(live=True)),
        (
            Response(status=200, body=b"Home"),
            "schön",
            PageAnswer(live=False, text="feeds.when_text is not on it"),
        ),
        (
            Response(status=200, body=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
            "schön",
            PageAnswer(
                live=False, text="it can't be searched for feeds.when_text: it was sent as gzip"
            ),
        ),
        (Response(status=204), "", PageAnswer(live=False, text="it answered 204")),
        (Response(status=404), "", PageAnswer(live=False, text="it answered 404")),
        (Response(status=500), "", PageAnswer(live=False, text="it answered 500")),
        (
            redirect("https://www.news.example/2026/a"),
            "",
            PageAnswer(live=False, text="it redirects to another host: www.news.example"),
        ),
        (
            redirect("/404.html", 302),
            "",
            PageAnswer(live=False, text="it redirects to another page: /404.html"),
        ),
        (
            Response(status=503, headers={"retry-after": "90"}),
            "",
            PageAnswer(live=False, text="it answered 503", wait=timedelta(seconds=90)),
        ),
        (
            Response(status=429, headers={"retry-after": "99999999"}),
            "",
            PageAnswer(live=False, text="it answered 429", wait=LONGEST),
        ),
        (
            Response(status=None, error="it refused the connection"),
            "",
            PageAnswer(live=False, text="it refused the connection", reached=False),
        ),
        (
            Response(status=None, error="too large", refused=True, too_large=True, peer="::1"),
            "",
            PageAnswer(live=False, text="too large"),
        ),
        (
            Response(status=None, error="its response is not HTTP", peer="::1"),
            "",
            PageAnswer(live=False, text="its response is not HTTP"),
        ),
    ],
)
def test_what_a_response_shows(response: Response, text: str, answer: PageAnswer) -> None:
    assert judge(request_for(URL, replace(RULES, text=text)), response, text, NOW) == answer


def test_a_text_needs_the_page_itself() -> None:
    assert HEAD.method == "HEAD"
    assert request_for(URL, replace(RULES, text="text")).method == "GET"


def test_a_host_that_only_the_site_names_must_be_public() -> None:
    """Authors write `_config.yml`, and must not choose an address inside the network."""
    assert not HEAD.stranger
    inside = request_for("http://10.0.0.1/a", RULES)
    assert inside.stranger
    assert request_for("http://[broken/a", RULES).stranger
    refused = Response(status=None, error="refused: 10.0.0.1 is private", refused=True)
    answer = judge(inside, refused, "", NOW)
    assert answer.text == "refused: 10.0.0.1 is private; the config may name it in site.url"
    upgraded = next_request(
        request_for("http://inside.example/a", RULES), redirect("https://inside.example/a")
    )
    assert upgraded
    assert upgraded.stranger
