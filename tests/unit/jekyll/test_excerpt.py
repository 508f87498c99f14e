"""The excerpt of a post, as Jekyll makes it."""

import pytest

from syndicator.jekyll.excerpt import plain, source, strip_html

SOURCES = [
    ("one\n\ntwo", "one"),
    ("one", "one"),
    ("\n \n  one\n\ntwo", "  one"),
    ("one [a][b]\n\ntwo\n\n[b]: /b 'B'\n[c]: /c\n", "one [a][b]\n\n[b]: /b 'B'"),
    ("{% if x %}one\n\ntwo{% endif %}", "{% if x %}one\n{% endif %}"),
    (
        "{% if x %}{% for y in z %}one\n\ntwo",
        "{% if x %}{% for y in z %}one\n{% endfor %}\n{% endif %}",
    ),
    ("{% if x %}a{% endif %}{% include y %}one\n\ntwo", "{% if x %}a{% endif %}{% include y %}one"),
    (
        "{%- highlight ruby -%}\nx\n\ny\n{% endhighlight %}",
        "{%- highlight ruby -%}\nx\n{% endhighlight %}",
    ),
    ("one\n\n", "one"),
]


@pytest.mark.parametrize(("body", "expected"), SOURCES)
def test_source(body: str, expected: str) -> None:
    """The text before the separator, with its link definitions and with open blocks closed."""
    assert expected == source(body, "\n\n")


def test_separator() -> None:
    """A site may set the separator, or none."""
    assert source("one\n\ntwo <!--more--> three", "<!--more-->") == "one\n\ntwo "
    assert source("one\n\ntwo", "") == ""


PLAIN = [
    ("<p>a\n <b>b</b></p>", "a b"),
    ("a &amp; b &lt;c&gt;", "a & b <c>"),
    ("a<script>x < y</script>b<style>c</style>d<!-- e > f -->g", "abdg"),
    ("a < b", "a < b"),
    ("a<script>b", "ab"),
    ("", ""),
]


@pytest.mark.parametrize(("html", "expected"), PLAIN)
def test_plain(html: str, expected: str) -> None:
    """The text of HTML, on one line."""
    assert expected == plain(html)


def test_strip_html_is_linear() -> None:
    """Each character is read a few times only, however odd the HTML is."""
    for odd in ("<", "<!--", "<script>", "<style>x"):
        assert strip_html(odd * 200_000).count(odd) <= 200_000
