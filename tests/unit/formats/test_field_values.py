import pytest

from syndicator.formats.field_values import entry_id, language, uri


@pytest.mark.parametrize(
    "text",
    [
        "https://news.example/2026/01/15/shot",
        "http://news.example/a?b=c#d",
        "tag:news.example,2026-01-15:shot",
        "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
        "urn:isbn:0451450523",
        "yt:video:abc",
    ],
)
def test_an_id_that_is_a_uri_is_kept(text: str) -> None:
    """Readers compare ids character by character (RFC 4287 §4.2.6.1)."""
    assert text == entry_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1984", "urn:uuid:082c13d4-df2b-5e1c-a73e-7718cfef236f"),
        ("/2026/01/15/shot", "urn:uuid:2028f0ce-4ec1-59b9-9708-3bb654a587f1"),
        ("Note: this", "urn:uuid:"),
        ("tag:broken", "urn:uuid:"),
        ("urn:uuid:not-one", "urn:uuid:"),
        ("urn:x:y", "urn:uuid:"),
        ("https://", "urn:uuid:"),
        ("C:\\posts\\a", "urn:uuid:"),
        ("", "urn:uuid:"),
        ("https://news.example/é [1]", "urn:uuid:"),
        ("https://news.example/é[1]", "https://news.example/%C3%A9%5B1%5D"),
    ],
)
def test_another_id_becomes_the_same_uri_every_time(text: str, expected: str) -> None:
    """Atom requires a URI, and all formats use the same id."""
    assert entry_id(text).startswith(expected)
    assert entry_id(text) == entry_id(text) != entry_id(text + "x")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://x.example/a%20b?c=d&e#f", "https://x.example/a%20b?c=d&e#f"),
        ("https://x.example/ü 100%", "https://x.example/%C3%BC%20100%25"),
    ],
)
def test_addresses_are_escaped_once(address: str, expected: str) -> None:
    """Existing escapes stay."""
    assert expected == uri(address)
    assert expected == uri(expected)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("en_GB", "en-GB"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("klingon!", None),
        (None, None),
        ("", None),
    ],
)
def test_languages_are_tags_or_none(tag: str | None, expected: str | None) -> None:
    """By the syntax of BCP 47: a feed with a wrong language is invalid."""
    assert expected == language(tag)
