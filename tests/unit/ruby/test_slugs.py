"""Slugs. Expected values are those of `Utils` in Jekyll 4.3.1."""

import pytest

from syndicator.ruby.slugs import slugify, titleize

MODES = ("raw", "default", "pretty", "ascii", "latin", "none")

SLUGS = {
    "The _config.yml file": (
        "the-_config.yml-file",
        "the-config-yml-file",
        "the-_config.yml-file",
        "the-config-yml-file",
        "the-config-yml-file",
        "the _config.yml file",
    ),
    "Hello, World! ünï": (
        "hello,-world!-ünï",
        "hello-world-ünï",
        "hello,-world!-ünï",
        "hello-world-n",
        "hello-world-uni",
        "hello, world! ünï",
    ),
    "日本語 テスト！": (
        "日本語-テスト！",
        "日本語-テスト",
        "日本語-テスト",
        "",
        "",
        "日本語 テスト！",
    ),
    "a--b": ("a--b", "a-b", "a-b", "a-b", "a-b", "a--b"),
    "-lead-": ("lead", "lead", "lead", "lead", "lead", "-lead-"),
    "--two--": ("-two-", "two", "two", "two", "two", "--two--"),
    "it's (ok) @home, a+b=c;d~e!": (
        "it's-(ok)-@home,-a+b=c;d~e!",
        "it-s-ok-home-a-b-c-d-e",
        "it's-(ok)-@home,-a+b=c;d~e!",
        "it-s-ok-home-a-b-c-d-e",
        "it-s-ok-home-a-b-c-d-e",
        "it's (ok) @home, a+b=c;d~e!",
    ),
    "Æsop Łódź ß ngx ế": (
        "æsop-łódź-ß-ngx-ế",
        "æsop-łódź-ß-ngx-ế",
        "æsop-łódź-ß-ngx-ế",
        "sop-d-ngx",
        "aesop-lodz-ss-ngx",
        "æsop łódź ß ngx ế",
    ),
    "100% sure?#1 [x]": (
        "100%-sure?#1-[x]",
        "100-sure-1-x",
        "100-sure-1-x",
        "100-sure-1-x",
        "100-sure-1-x",
        "100% sure?#1 [x]",
    ),
    "١٢ Ⅷ ½": ("١٢-ⅷ-½", "١٢", "١٢", "", "", "١٢ ⅷ ½"),
    "e\u0301clair": (
        "e\u0301clair",
        "e\u0301clair",
        "e\u0301clair",
        "e-clair",
        "e-clair",
        "e\u0301clair",
    ),
    "": ("", "", "", "", "", ""),
}


@pytest.mark.parametrize("text", SLUGS)
def test_slugify(text: str) -> None:
    """Each mode writes hyphens for other characters; an unknown mode only lowers the case."""
    assert SLUGS[text] == tuple(slugify(text, mode) for mode in MODES)


def test_slugify_keeps_case() -> None:
    """With `keep_case`, capital letters stay."""
    assert slugify("Æsop's Łódź", "pretty", keep_case=True) == "Æsop's-Łódź"


@pytest.mark.parametrize(
    ("slug", "title"),
    [
        ("my-first-day", "My First Day"),
        ("a--b", "A  B"),
        ("-a", " A"),
        ("swift-CI", "Swift Ci"),
        ("x-", "X"),
        ("ünï-ÄÖ", "Ünï Äö"),
    ],
)
def test_titleize(slug: str, title: str) -> None:
    """Each word begins with a capital letter and continues in lower case."""
    assert title == titleize(slug)
