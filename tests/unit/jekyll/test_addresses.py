import pytest

from syndicator.jekyll.addresses import absolute, absolute_set

BASE = "https://site.example/2026/01/post/"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://other.example/a?b=c&d#e", "https://other.example/a?b=c&d#e"),
        ("/img/a.png", "https://site.example/img/a.png"),
        ("/a/../b/./c", "https://site.example/b/c"),
        ("a.png", "https://site.example/2026/01/post/a.png"),
        ("../a.png", "https://site.example/2026/01/a.png"),
        ("//cdn.example/a.js", "https://cdn.example/a.js"),
        ("?page=2", "https://site.example/2026/01/post/?page=2"),
        ("#fn:1", "https://site.example/2026/01/post/#fn:1"),
        ("", BASE),
        ("  /a \n", "https://site.example/a"),
        ("/a\nb\tc", "https://site.example/abc"),
        ("/a b.png", "https://site.example/a%20b.png"),
        ("/é/日本?q=ü#ö", "https://site.example/%C3%A9/%E6%97%A5%E6%9C%AC?q=%C3%BC#%C3%B6"),
        ("/100%", "https://site.example/100%25"),
        ("/a%20b", "https://site.example/a%20b"),
        ("/a[1]|{2}", "https://site.example/a%5B1%5D%7C%7B2%7D"),
        ("images\\a.png", "https://site.example/2026/01/post/images/a.png"),
        ("http:\\\\h.example\\a?b\\c", "http://h.example/a?b%5Cc"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("HTTPS://Other.Example/A", "https://other.example/A"),
        ("https://me@other.example:8080/", "https://me@other.example:8080/"),
        ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http:///h.example/a", "http://h.example/a"),
        ("https:\\//h.example/a", "https://h.example/a"),
        ("http:/h.example/a", "http://h.example/a"),
        ("http:h.example", "http://h.example"),
        ("https:/h.example/a", "https://site.example/h.example/a"),
        ("https:a?b", "https://site.example/2026/01/post/a?b"),
        ("https:javascript://x/%0aalert(1)", f"{BASE}javascript:/x/%0aalert(1)"),
        ("https:", BASE),
    ],
)
def test_addresses_are_parsed_as_browsers_do_and_written_as_uris(
    address: str, expected: str
) -> None:
    """Relative to the page, repaired as browsers do, with the characters of RFC 3986 only."""
    assert expected == absolute(address, BASE)


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http://[::1",
        "http://h.example:99999/",
        "http://h.example:port/",
        "http://a b/",
        "http://<script>/",
        "\ud800",
        "https://" + "ü" * 300 + ".example/",
    ],
)
def test_a_broken_address_is_none(address: str) -> None:
    """An address that no browser could open is dropped."""
    assert absolute(address, BASE) is None


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript:x",
        " java\tscript:x",
        "\x01javascript:x",
        "vbscript:x",
        "data:text/html,x",
        "a:b",
    ],
)
def test_only_allowed_schemes_pass(address: str) -> None:
    """In every notation that a browser would read as the scheme."""
    assert absolute(address, BASE) is None


def test_other_schemes_pass_if_allowed() -> None:
    """Only their characters are escaped."""
    schemes = frozenset({"http", "https", "mailto"})
    assert (
        absolute("mailto:a@b.example?subject=Hi there", BASE, schemes=schemes)
        == "mailto:a@b.example?subject=Hi%20there"
    )
    assert absolute("tel:+1", BASE, schemes=schemes) is None


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ("a.png", "{}a.png"),
        ("a.png 1x, b.png 2x", "{}a.png 1x, {}b.png 2x"),
        ("a.png 1x,b.png 2x", "{}a.png 1x, {}b.png 2x"),
        ("a.png, b.png 2x", "{}a.png, {}b.png 2x"),
        (" a,b.png  100w ,\n c.png 200w,", "{}a,b.png 100w, {}c.png 200w"),
        ("javascript:x 1x, b.png 2x", "{}b.png 2x"),
        ("data:image/png;base64,AAAA 1x, b.png 2x", "{}b.png 2x"),
    ],
)
def test_each_address_of_a_set_is_made_absolute(candidates: str, expected: str) -> None:
    """A comma may be inside an address; one at its end separates two (HTML §4.8.4.2.1)."""
    assert expected.format(*[BASE] * 9) == absolute_set(candidates, BASE)


@pytest.mark.parametrize("candidates", ["", " , ,", "javascript:x 2x"])
def test_a_set_without_addresses_is_none(candidates: str) -> None:
    """An empty srcset would hide the picture."""
    assert absolute_set(candidates, BASE) is None
