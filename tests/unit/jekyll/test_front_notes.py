"""Notes on values of front matter that an entry can't use."""

import pytest
from rendering import entry, rendering


def notes(front: str) -> list[str]:
    """The messages of the notes, which name the front matter's third line."""
    found = rendering("Text.", front).problems
    assert all(note.note and note.hint and note.line == 3 for note in found)
    return [note.message for note in found]


LINKS = [
    ("external-url: example.com/page", "example.com/page"),
    ("external-url: 'javascript:alert(1)'", "javascript:alert(1)"),
    ("external_url: page", "page"),
    ("external_url: //example.com/x", "//example.com/x"),
    ("link: www.example.com", "www.example.com"),
    ("link: example.com/page", "example.com/page"),
    ("link: 'ftp://example.com/'", "ftp://example.com/"),
    ("redirect_to: ['javascript:alert(1)']", "javascript:alert(1)"),
    ("redirect_to: 'https://['", "https://["),
]


@pytest.mark.parametrize(("front", "value"), LINKS)
def test_a_page_elsewhere_without_its_address(front: str, value: str) -> None:
    key = front.partition(":")[0]
    assert notes(front) == [f'{key} is not the address of a page: "{value}"']


@pytest.mark.parametrize(
    "front",
    [
        "external-url: https://example.com/page",
        "external_url: https://e.com/b/own",
        "external-url: ''",
        "link: /about",
        "link: about.html",
        "link: {url: x, text: y}",
        "link: true",
        "link: see below",
        "redirect_to: /other/",
        "redirect_to: [new/page.html]",
        "redirect_to: ./new/page.html",
        "dir: auto",
        "dir: RTL",
        "dir:",
        "video: dQw4w9WgXcQ",
        "video: https://youtu.be/dQw4w9WgXcQ",
        "video: https://example.com/watch.php?v=a.b",
        "audio: https://player.example/episode/3",
        "audio: true",
        "podcast: /feed.xml",
        "enclosure: /a.mp3",
        "enclosure: {url: /a, type: audio/mpeg, length: '5'}",
        "enclosures: []",
        "image: /a.webp",
    ],
)
def test_values_that_are_used_or_mean_something_else(front: str) -> None:
    """Of the site's own pages, and of themes."""
    assert notes(front) == []


@pytest.mark.parametrize("value", ["sideways", "5", "[rtl]", "{a: b}"])
def test_a_direction_that_there_is_not(value: str) -> None:
    (message,) = notes(f"dir: {value}")
    assert message.startswith("dir is not a direction of text: ")


@pytest.mark.parametrize(
    ("front", "quoted"),
    [
        ("audio: /b.pdf", '"/b.pdf"'),
        ("video: {src: /b.flv}", '{"src": "/b.flv"}'),
        ("audio: 'javascript:a'", '"javascript:a"'),
        ("enclosure: /b", '"/b"'),
        ("enclosure: {length: 5}", '{"length": 5}'),
        ("enclosures: [/a.mp3, /b.pdf]", '"/b.pdf"'),
        ("enclosures: [/a.pdf, /b.pdf, /c.mp3, /d.pdf]", '"/a.pdf", nor are 2 more'),
    ],
)
def test_an_enclosure_that_is_not_audio_or_video(front: str, quoted: str) -> None:
    """One note for each key; others of its values are used."""
    key = front.partition(":")[0]
    assert notes(front) == [f"{key} is not an audio or video file: {quoted}"]
    assert len(entry("Text.", front).enclosures) == front.count("mp3")


def test_a_length_that_is_not_a_number_of_bytes() -> None:
    """Podcast apps need it."""
    assert notes("enclosure: {url: /a.mp3, length: 3 MB}") == [
        'length of enclosure is not a number of bytes: "3 MB"'
    ]


def test_an_image_that_is_no_file() -> None:
    """Its content stands in the address."""
    assert notes("image: 'data:image/png;base64,AAAA'") == [
        'image is not the address of a file: "data:image/png;base64,AAAA"'
    ]


def test_many_values_are_one_note() -> None:
    """Of bounded length."""
    values = ", ".join(f"/{number}.pdf" for number in range(5_000))
    (message,) = notes(f"enclosures: [{values}]")
    assert message.endswith("nor are 4,999 more")
