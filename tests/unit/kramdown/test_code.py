"""Code has Rouge's wrapper, and its text is unchanged.

Each value was compared with the output of kramdown 2.4.
"""

import re
import time
from html import unescape

import pytest
from pygments.lexers import get_all_lexers

from syndicator.kramdown.highlight import _SLOW, _TOO_SLOW, MAX_TOTAL
from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "    a < b\n",
        (
            '<div class="language-plaintext highlighter-rouge"><div class="highlight"><pre '
            'class="highlight"><code>a &lt; b\n'
            "</code></pre></div>\n"
            "</div>\n"
        ),
        id="code without a language is plain text",
    ),
    pytest.param(
        '```ruby\nputs "a"\n```',
        (
            '<div class="language-ruby highlighter-rouge"><div class="highlight"><pre '
            'class="highlight"><code><span class="nb">puts</span><span class="w"> </span><span '
            'class="s2">"a"</span><span class="w">\n'
            "</span></code></pre></div>\n"
            "</div>\n"
        ),
        id="a fence with a language",
    ),
    pytest.param(
        "~~~ nosuch\na\n~~~",
        '<pre><code class="language-nosuch">a\n</code></pre>\n',
        id="an unknown language is only named in the class",
    ),
    pytest.param(
        "    puts 1\n{: .language-ruby .x}",
        (
            '<div class="language-ruby x highlighter-rouge"><div class="highlight"><pre '
            'class="highlight"><code><span class="nb">puts</span><span class="w"> </span><span '
            'class="mi">1</span><span class="w">\n'
            "</span></code></pre></div>\n"
            "</div>\n"
        ),
        id="a language by attribute",
    ),
    pytest.param(
        "`a < b` `puts 1`{:.language-ruby}",
        (
            '<p><code class="language-plaintext highlighter-rouge">a &lt; b</code> <code '
            'class="language-ruby highlighter-rouge"><span class="nb">puts</span><span class="w"> '
            '</span><span class="mi">1</span></code></p>\n'
        ),
        id="code in a line of text",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Code has the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("cpp", "x" + "\n " * 4990),
        ("fan", '"a"' * 3330),
        ("objective-c", "x" + " " * 9990),
        ("gherkin", "\n" * 9990),
        ("autohotkey", "a" + "\n" * 9990),
        ("csharp", "a\n" * 4990),
        ("java", "a\n" * 4990),
        ("thrift", ("a b " * 249 + "\n") * 9),
        ("urlencoded", "a\n" * 4990),
        ("wikitext", ("{{" * 499 + "\n") * 9),
        ("xtend", "a\n" * 4990),
        ("zeek", ("1" * 999 + "\n") * 9),
        ("lilypond", "a\n" * 400),
        ("systemd", (" " * 99 + "a") * 9),
        ("xpp", "a\n" * 490),
    ],
)
def test_code_that_slows_a_lexer_is_not_highlighted(language: str, code: str) -> None:
    """Some lexers take minutes for very long lines or runs of white space. The text stays."""
    began = time.process_time()
    html = to_html(f"```{language}\n{code}\n```\n", OPTIONS)
    assert time.process_time() - began < 1
    assert unescape(re.sub("<[^>]+>", "", html)).strip() == code.strip()
    assert "<span" not in html


def test_a_lexer_that_never_ends_is_not_used() -> None:
    """Pygments' `tnt` never ends for some texts without a line break, such as a span of code."""
    assert '<code class="language-tnt highlighter-rouge">!</code>' in to_html(
        "`!`{:.language-tnt}\n", OPTIONS
    )


@pytest.mark.parametrize("name", sorted(_SLOW | _TOO_SLOW))
def test_slow_lexers_are_known(name: str) -> None:
    """Each name is a lexer's name: another version of Pygments may rename a lexer."""
    assert name in {lexer[0] for lexer in get_all_lexers()}


def test_short_code_in_java_is_highlighted() -> None:
    """A slow lexer is used for code of ordinary length."""
    assert '<span class="kd">class</span>' in to_html("```java\nclass A {}\n```\n", OPTIONS)


def test_spans_of_code_are_counted() -> None:
    """Spans of code in a language are highlighted up to the same total."""
    html = to_html("`puts 1`{:.language-ruby} " * 9000, OPTIONS)
    assert html.count('class="nb"') <= MAX_TOTAL // len("puts 1") + 1
