"""Tags of plugins, and captures with unusual names."""

import pytest
from rendering import entry, liquid

GISTS = [
    (
        "{% gist octocat/1234567 test.rb %}",
        '<a href="https://gist.github.com/octocat/1234567#file-test-rb">'
        "test.rb (gist octocat/1234567)</a>",
    ),
    (
        "{% gist 28949e1d5ee2273f9fd3 %}",
        '<a href="https://gist.github.com/28949e1d5ee2273f9fd3">gist 28949e1d5ee2273f9fd3</a>',
    ),
    (
        "{% assign id = 'octocat/1' %}{% gist id My File_1.R %}",
        '<a href="https://gist.github.com/octocat/1#file-my-file_1-r">'
        "My File_1.R (gist octocat/1)</a>",
    ),
    (
        '{% gist 1 <b>".rb %}',
        '<a href="https://gist.github.com/1#file--b-rb">&lt;b&gt;&quot;.rb (gist 1)</a>',
    ),
]


@pytest.mark.parametrize(("template", "expected"), GISTS)
def test_a_gist_is_a_link(template: str, expected: str) -> None:
    """The link leads to the file, whose name is its text."""
    result = liquid(template)
    assert (expected, ()) == (result.text, result.problems)


def test_a_gist_on_a_line_of_its_own_is_a_paragraph() -> None:
    content = entry("Before\n\n{% gist octocat/1234567 %}\n\nAfter", path=POST).content
    assert '<p><a href="https://gist.github.com/octocat/1234567">gist octocat/' in content


POST = "_posts/2026-01-09-third.md"
PICTURE = "https://avatars3.githubusercontent.com/hubot?v=3&amp;s="


@pytest.mark.parametrize("name", ["hubot", "@hubot", "{{ page.who }}", "user=page.who"])
def test_an_avatar_is_a_picture(name: str) -> None:
    """The expected value is the output of jekyll-avatar 0.8.0."""
    result = liquid(f"{{% avatar {name} %}}", "who: hubot")
    assert f'<img alt="hubot" width="40" height="40" src="{PICTURE}40" srcset="' in result.text
    assert f'{PICTURE}160 4x" />' in result.text
    assert not result.problems


def test_the_size_of_an_avatar() -> None:
    assert 'width="80" height="80"' in liquid("{% avatar hubot size=80 %}").text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% gist %}", "'gist' needs an argument"),
        ('{% gist 1"2 %}', "'1\"2' is not the id of a gist"),
        ("{% avatar a<b %}", "'a<b' is not the name of a user"),
        ("{% avatar {{ page.nobody }} %}", "'' is not the name of a user"),
    ],
)
def test_an_unusable_argument_is_a_problem(template: str, message: str) -> None:
    result = liquid(f"a{template}b")
    assert ("ab", [message]) == (result.text, [problem.message for problem in result.problems])
    assert result.problems[0].hint


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% capture /dev/null %}hidden{% endcapture %}shown", "shown"),
        ("{% capture /dev/null %}x{% endcapture %}{{ dev }}", "x"),
        ("{% capture a.b %}x{% endcapture %}[{{ a.b }}]", "[]"),
        ('{% capture "two words" %}x{% endcapture %}{{ two }}', "x"),
        ("{% capture list[0] %}x{% endcapture %}y", "y"),
    ],
)
def test_a_capture_prints_nothing(template: str, expected: str) -> None:
    """The expected values are the output of Jekyll 4.3.1."""
    result = liquid(template)
    assert (expected, ()) == (result.text, result.problems)


@pytest.mark.parametrize("markup", ["", "€", "//"])
def test_a_capture_without_a_name(markup: str) -> None:
    """Jekyll refuses the site. Its text was not meant to be shown."""
    result = liquid(f"{{% capture {markup} %}}hidden{{% endcapture %}}shown")
    assert (
        result.text,
        [problem.message for problem in result.problems],
    ) == ("shown", ["'capture' needs a name"])
