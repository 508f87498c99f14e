"""The page elsewhere that a post is about."""

from typing import Any

import pytest
from reading import site_of

from syndicator.jekyll.linked_page import external_url

SITE = site_of("url: https://e.com\nbaseurl: /b\n")
LINK = "https://other.example/a?b=1&c=2"


@pytest.mark.parametrize(
    "front",
    [
        {"external-url": LINK},
        {"external_url": f" {LINK}\n"},
        {"link": LINK},
        {"redirect_to": LINK},
        {"redirect_to": [LINK, "https://x.example/"]},
        {"external-url": "/on-this-site", "redirect_to": LINK},
        {"external-url": LINK, "link": "https://x.example/"},
    ],
)
def test_link_posts(front: dict[str, Any]) -> None:
    """Of themes, and of jekyll-redirect-from, whose list's first is where it leads."""
    assert external_url(front, SITE) == LINK


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        "",
        [],
        {"url": LINK},
        "/moved",
        "moved",
        "//other.example/",
        "https://e.com/b",
        "https://e.com/b/other",
        "javascript:alert(1)",
        "mailto:a@e.com",
        "https://",
        "https://[",
        "see https://other.example/",
    ],
)
def test_no_page_elsewhere(value: Any) -> None:
    """Pages of the site itself, other schemes and texts."""
    assert external_url({"link": value, "redirect_to": value}, SITE) is None


def test_addresses_are_escaped() -> None:
    assert external_url({"link": "https://ü.example/ä b".replace(" ", "%20")}, SITE) == (
        "https://xn--tda.example/%C3%A4%20b"
    )
