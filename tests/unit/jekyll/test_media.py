"""The image and enclosures of a post, from its front matter."""

from typing import Any

import pytest
from reading import Files, site_of

from syndicator.jekyll.media import enclosures, image
from syndicator.model.content import Media

SITE = site_of("url: https://e.com\nbaseurl: /b\n")
FILES = Files({"img/a b.png": "12345", "ep/1.mp3": "123"})


def picture(value: Any) -> Media | None:
    return image({"image": value}, SITE, FILES)


IMAGES = [
    ("https://cdn.e.org/a.jpg", Media(url="https://cdn.e.org/a.jpg", type="image/jpeg")),
    ("/img/a b.png", Media(url="https://e.com/b/img/a%20b.png", type="image/png", length=5)),
    (
        "img/a%20b.png?v=2",
        Media(url="https://e.com/b/img/a%20b.png?v=2", type="image/png", length=5),
    ),
    (
        "https://e.com/b/img/a%20b.png",
        Media(url="https://e.com/b/img/a%20b.png", type="image/png", length=5),
    ),
    ("//cdn.e.org/a.webp", Media(url="https://cdn.e.org/a.webp", type="image/webp")),
    ("/no.svg", Media(url="https://e.com/b/no.svg", type="image/svg+xml")),
    ("/dynamic", Media(url="https://e.com/b/dynamic")),
    (
        {"path": "/x.gif", "alt": "A\x07 cat "},
        Media(url="https://e.com/b/x.gif", type="image/gif", alt="A cat"),
    ),
    (
        {"facebook": "/f.png", "twitter": "/t.png"},
        Media(url="https://e.com/b/f.png", type="image/png"),
    ),
    (
        {"path": {"x": 1}, "url": "/u.png", "length": "12"},
        Media(url="https://e.com/b/u.png", type="image/png", length=12),
    ),
    (["/one.png", "/two.png"], Media(url="https://e.com/b/one.png", type="image/png")),
    *(
        (none, None)
        for none in (
            None,
            "",
            " ",
            True,
            5,
            [],
            {},
            {"alt": "x"},
            "javascript://x/%0aalert(1)",
            "data:image/png;base64,AAAA",
            "BLOB:xx",
            "http://[",
        )
    ),
]


@pytest.mark.parametrize(("value", "expected"), IMAGES)
def test_image(value: Any, expected: Media | None) -> None:
    """A path is the site's, with or without a slash; the type is by suffix."""
    assert expected == picture(value)


SOUND = Media(url="https://e.com/b/ep/1.mp3", type="audio/mpeg", length=3)
ENCLOSURES = [
    ({"audio": "/ep/1.mp3"}, (SOUND,)),
    ({"enclosure": {"url": "ep/1.mp3"}, "audio": "/ep/1.mp3"}, (SOUND,)),
    (
        {"enclosure": {"url": "https://c.org/x", "type": "video/mp4", "length": 9}},
        (Media(url="https://c.org/x", type="video/mp4", length=9),),
    ),
    ({"enclosure": {"url": "ep/1.mp3", "type": "audio/mpeg; x=<>"}}, (SOUND,)),
    (
        {"audio": {"url": "https://c.org/x", "type": "audio/ogg; codecs=opus"}},
        (Media(url="https://c.org/x", type="audio/ogg; codecs=opus"),),
    ),
    ({"video": "dQw4w9WgXcQ"}, ()),
    ({"video": "https://www.youtube.com/watch?v=x"}, ()),
    ({"audio": True, "video": None, "podcast": 5, "enclosure": ["/ep/1.mp3", {}]}, (SOUND,)),
    ({"enclosure": "/x.exe"}, ()),
]


@pytest.mark.parametrize(("front", "expected"), ENCLOSURES)
def test_enclosures(front: dict[str, Any], expected: tuple[Media, ...]) -> None:
    """Audio and video only, each once; a theme's player id in `video` is ignored."""
    assert expected == enclosures(front, SITE, FILES)
