"""`site.github`, from the config alone."""

import pytest
from rendering import liquid

CONFIG = "title: T\nurl: https://example.org\nbaseurl: /blog\nrepository: jane/blog\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ site.github.repository_url }}", "https://github.com/jane/blog"),
        ("{{ site.github.owner_name }}", "jane"),
        ("{{ site.github.owner_url }}", "https://github.com/jane"),
        ("{{ site.github.url }}/p.png", "https://example.org/blog/p.png"),
        ("{{ site.github.baseurl }}", "/blog"),
        ("{{ site.github.issues_url }}", "https://github.com/jane/blog/issues"),
        ("{{ site.github.repository_nwo }} {{ site.github.is_project_page }}", "jane/blog true"),
    ],
)
def test_what_follows_from_the_config(template: str, expected: str) -> None:
    result = liquid(template, config=CONFIG)
    assert (expected, ()) == (result.text, result.problems)


def test_what_is_not_known_is_noted() -> None:
    """Once for each key; the rest of the text stays."""
    template = "a{{ site.github.license.name }}{{ site.github.license.url }}b"
    result = liquid(template, config=CONFIG)
    assert result.text == "ab"
    (note,) = result.problems
    assert (note.note, note.message) == (
        True,
        "site.github.license is not known here: it is empty, and false in a condition",
    )


def test_a_condition_is_noted_too() -> None:
    """The site shows the branch that its feeds lack."""
    result = liquid("a{% if site.github.license %} licensed{% endif %}", config=CONFIG)
    assert (result.text, [problem.note for problem in result.problems]) == ("a", [True])


def test_without_a_repository() -> None:
    """The site's address is known, and the repository's is not."""
    result = liquid(
        "{{ site.github.url }}|{{ site.github.owner_name }}", config="url: https://e.org"
    )
    assert result.text == "https://e.org|"
    assert [problem.note for problem in result.problems] == [True]


@pytest.mark.parametrize("repository", ["jane", "[jane/blog]", "a/b/c", "'\"/<'"])
def test_a_repository_that_is_none(repository: str) -> None:
    config = f"url: https://e.org\nrepository: {repository}\n"
    assert liquid("{{ site.github.repository_url }}", config=config).text == ""


def test_the_own_values_of_the_site_win() -> None:
    config = CONFIG + "github: {owner_name: joe, tagline: Hi}\n"
    text = liquid("{{ site.github.owner_name }} {{ site.github.tagline }}", config=config).text
    assert text == "joe Hi"
    assert liquid("{{ site.github }}", config="url: https://e.org\ngithub: x").text == "x"


@pytest.mark.parametrize("key", ["site.posts", "page", "page.tags", "1"])
def test_a_key_that_is_no_text(key: str) -> None:
    """It names nothing, and is not in a note."""
    result = liquid(f"a{{{{ site.github[{key}] }}}}b", "tags: [x]")
    assert (result.text, result.problems) == ("ab", ())
