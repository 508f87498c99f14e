"""URIs. Expected values are those of `escape_path` and `absolute_url` in Jekyll 4.3.1."""

import pytest

from syndicator.ruby.uris import escape_path, join_address, page_file

ESCAPED = [
    ("/a b", "/a%20b"),
    ("c#", "c%23"),
    ("a?b", "a?b"),
    ("日本", "%E6%97%A5%E6%9C%AC"),
    ("[x]", "%5Bx%5D"),
    ("100%", "100%25"),
    ("a+b=c;d", "a+b=c;d"),
    ("é/ü", "%C3%A9/%C3%BC"),
    ("a%20b", "a%2520b"),
    ("~_-.", "~_-."),
]

ABSOLUTE = [
    ("https://example.com", "", "/a/", "https://example.com/a/"),
    ("https://example.com/", "", "/a/", "https://example.com//a/"),
    ("https://example.com", "/b/", "a", "https://example.com/b/a"),
    ("https://example.com", "b", "/a/ü x/%2F/%7e", "https://example.com/b/a/%C3%BC%20x/%2F/~"),
    ("HTTPS://Exämple.com:443", "", "/", "https://xn--exmple-cua.com/"),
    ("http://x.org:8080", "", "/x", "http://x.org:8080/x"),
    ("http://x.org:80", "", "/x", "http://x.org/x"),
    ("", "/b", "/a", "/b/a"),
    ("https://e.com", "", "/ﬁne！", "https://e.com/fine!"),
    ("https://e.com", "", "/a/../b/./c", "https://e.com/b/c"),
    ("https://e.com", "", "https://o.org/ü", "https://o.org/ü"),
    ("https://e.com", "", "/x?q=a b&r=%2B+c;d#f g", "https://e.com/x?q=a%20b&r=%2B+c%3Bd#f%20g"),
    ("https://e.com", "", "", "https://e.com/"),
    ("https://user:pw@e.com.", "", "/%E9x", "https://user:pw@e.com/%E9x"),
    ("https://e.com", "", "//o.org/x", "https://e.com//o.org/x"),
    ("https://e.com", "", "mailto:x@y.org", "mailto:x@y.org"),
    ("https://e.com", "/b", "/x/..", "https://e.com/b/"),
    ("https://e.com", "", "/...", "https://e.com/..."),
    ("https://e.com", "", "/a:b", "https://e.com/a:b"),
    ("https://e.com", "", "/%zz%", "https://e.com/%25zz%25"),
    ("https://e.com/sub", "/b", "x.png", "https://e.com/sub/b/x.png"),
    ("https://e.com", "", "/a?&b&", "https://e.com/a?&b&"),
]


@pytest.mark.parametrize(("path", "expected"), ESCAPED)
def test_escape_path(path: str, expected: str) -> None:
    """A placeholder's value is escaped as far as a path needs it."""
    assert expected == escape_path(path)


@pytest.mark.parametrize(("url", "baseurl", "path", "expected"), ABSOLUTE)
def test_join_address(url: str, baseurl: str, path: str, expected: str) -> None:
    """Site address, base and path become one normalised address."""
    assert expected == join_address(url, baseurl, path)


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("https://e.com/a", "https://e.com/a.html"),
        ("https://e.com/a.html", "https://e.com/a.html"),
        ("https://e.com/a.htm", "https://e.com/a.htm"),
        ("https://e.com/a/", "https://e.com/a/index.html"),
        ("https://e.com/v1.2", "https://e.com/v1.2.html"),
        ("https://e.com/%C3%A4", "https://e.com/ä.html"),
        ("https://e.com/%ff", "https://e.com/\udcff.html"),
    ],
)
def test_the_file_of_a_page(address: str, file: str) -> None:
    """As Jekyll's documents are written."""
    assert page_file(address) == file
