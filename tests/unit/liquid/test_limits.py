"""Hostile Liquid ends soon, stays inside the site and is one problem. The text around it stays."""

import time

import pytest
from rendering import liquid

INCLUDES = {
    "_includes/self.html": "a{% include self.html %}{% include self.html %}",
    "_includes/loop.html": "{% for i in (1..3) %}{% include loop.html %}{% endfor %}",
    "_includes/big.html": "y" * 10_000,
    "etc/passwd": "root",
    "_posts/x.md": "x",
}
LONG = (
    "{% assign a = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..14) %}{% assign a = a | append: a %}"
    "{% endfor %}"
)
NESTED = (
    "{% assign a = 'x' | split: ',' %}{% for i in (1..60) %}"
    "{% assign a = a | push: a | push: a %}{% endfor %}"
)

BOMBS = {
    "an endless loop": "{% for i in (1..1000000000) %}x{% endfor %}",
    "a range longer than any number": (
        "{% for i in (1..99999999999999999999999999) limit: 2 %}x{% endfor %}"
    ),
    "a loop backwards": "{% for i in (1..1000000000) reversed %}x{% endfor %}",
    "a loop with a large offset": (
        "{% assign r = (1..1000000000) %}{% for i in r offset: 999999990 %}x{% endfor %}"
    ),
    "a table of a long range": "{% tablerow i in (1..1000000000) %}x{% endtablerow %}",
    "loops in loops": "{% for i in (1..5000) %}{% for j in (1..5000) %}x{% endfor %}{% endfor %}",
    "loops in loops without output": (
        "{% for i in (1..5000) %}{% for j in (1..5000) %}{% assign a = 1 %}{% endfor %}{% endfor %}"
    ),
    "a text doubled in a loop": (
        "{% assign a = 'xxxx' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}"
    ),
    "a capture doubled in a loop": (
        "{% assign a='xx' %}{% for i in (1..99) %}{% capture a %}{{a}}{{a}}{% endcapture %}"
        "{% endfor %}"
    ),
    "a number squared": (
        "{% assign x = 99999 %}{% for i in (1..99) %}{% assign x = x | times: x %}{% endfor %}"
    ),
    "a range joined": "{{ (1..1000000000) | join: ',' }}",
    "each letter of a text replaced by the text": LONG + "{{ a | replace: 'x', a }}",
    "a list in a list in a list": NESTED + "{{ a | join }}",
    "Markdown in a loop": LONG + "{% for i in (1..1000) %}{{ a | markdownify | size }}{% endfor %}",
    "a search in a loop": LONG
    + LONG
    + "{% for i in (1..90000) %}{% if a contains 'xy' %}{% endif %}{% endfor %}",
    "an include that includes itself": "{% include self.html %}",
    "an include that includes itself in a loop": "{% include loop.html %}",
    "a large include in a loop": "{% for i in (1..9999) %}{% include big.html %}{% endfor %}",
    "blocks in blocks": "{% if x %}" * 20_000,
    "five thousand filters": "{{ 'x' " + "| append: 'x' " * 5000 + "}}",
}

TEXT = "{% assign b = '" + "x" * 1000 + "' %}" + "{% assign b = b | append: b %}" * 10
REPEATED = TEXT + "{% assign a = b | split: 'zz' %}" + "{% assign a = a | concat: a %}" * 11
PAGES = (
    "{% assign a = 'x' | split: ',' | push: page | shift %}" + "{% assign a = a | concat: a %}" * 11
)
PAGES += "{% assign a = a | concat: a %}{% comment %}" + "y" * 10_000 + "{% endcomment %}"
DOTS = "{% assign n = '..........' %}" + "{% assign n = n | append: n %}" * 15
DOTS += "{% assign a = 'x,x,x,x,x,x,x,x,x,x' | split: ',' %}" + "{% assign a = a | concat: a %}" * 9
GROUPS = "{% assign a = 'x' | split: ',' %}{% assign b = a %}"
GROUPS += (
    "{% assign a = a | concat: a | group_by: 'x' %}{% assign b = b | concat: b | group_by: 'x' %}"
    * 40
)
ROUNDS = "{% for i in (1..99000) %}"
MALFORMED = [
    "{{ %s }}",
    "{% assign x = %s %}",
    "{% if %s %}{% endif %}",
    "{% unless %s %}{% endunless %}",
    "{{ a | f: %s }}",
]

BOMBS |= {
    **{
        f"malformed {tag} {part}": "".join(
            tag.replace("%s", f"{part * (9900 // len(part))}{number}") for number in range(31)
        )
        for tag in MALFORMED
        for part in ("[", "a[", "b:", "a, ")
        if part != "a, " or tag != MALFORMED[-1]
    },
    **{
        f"parentheses {tag}": "".join(
            tag.replace("%s", f"x {'(' * 9900}{number}") for number in range(31)
        )
        for tag in MALFORMED
    },
    **{
        f"names {each}": DOTS + "{{ a | " + each + " | size }}"
        for each in (
            "where: n, 'q'",
            "sort: n",
            "group_by: n",
            "find: n, 'q'",
            "where_exp: 'i', n",
            "group_by_exp: 'i', n",
        )
    },
    **{
        f"repeated text {each}": REPEATED + "{{ a | " + each + " | size }}"
        for each in (
            "inspect",
            "jsonify",
            "array_to_sentence_string",
            "sort_natural",
            "uniq",
            "join",
            "push: 1",
            "reverse",
        )
    },
    "repeated text put out": REPEATED + "{{ a }}",
    **{
        f"repeated hashes {each}": PAGES + "{{ a | " + each + " }}"
        for each in ("inspect", "jsonify", "array_to_sentence_string", "join", "sort_natural")
    },
    "repeated hashes as a cycle": PAGES + "{% cycle a, 1 %}",
    "repeated hashes echoed": PAGES + "{% echo a %}",
    "escaped": TEXT.replace("x", "&") + "{{ b | escape | size }}",
    "encoded": TEXT + "{{ b | url_encode | size }}",
    "split into characters": TEXT + "{{ b | split: '' | size }}",
    "a wide date many times": "{% assign n = '%999d' %}"
    + "{% assign n = n | append: n %}" * 17
    + "{{ '2024-01-01' | date: n }}",
    "groups in groups": GROUPS + "{% if a == b %}{% endif %}",
    "a loop of comments": ROUNDS + "{% comment %}{% endcomment %}" * 5000 + "{% endfor %}",
    "a loop of a long condition": ROUNDS
    + ("{% if " + "1==2 or " * 60 + "1==2 %}{% endif %}") * 100
    + "{% endfor %}",
    "a loop of many numbers": ROUNDS
    + "{% case 1 %}{% when "
    + "2, " * 9000
    + "2 %}{% endcase %}{% endfor %}",
    "a case in a case": "{% case 1 %}{% when 1,1,1,1,1,1,1 %}" * 45 + "{% endcase %}" * 45,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_one_problem(bomb: str) -> None:
    """A bomb is one problem. The text before and after it stays."""
    began = time.process_time()
    result = liquid(f"before {bomb} after", files=INCLUDES)
    assert time.process_time() - began < 2  # half a second on an idle machine
    assert len(result.problems) == 1, result.problems
    assert result.text.startswith("before ")
    assert result.text.endswith(" after")
    assert len(result.text) < 20


HARMLESS = {
    "raws": "{% raw %}" * 50_000,
    "comments": "{% comment %}" * 30_000,
    "braces": "{{" * 300_000,
    "unknown tags": "{% foo %}" * 10_000,
    "a thousand conditions": "{% if " + " and ".join(["a"] * 3000) + " %}{% endif %}",
    "brackets": "{{ " + "a[" * 3000 + "1" + "]" * 3000 + " }}",
    "parentheses": "{% if " + "(" * 3000 + " %}{% endif %}",
    "a quote": "{{ '" + "a" * 200_000 + " }}",
    "malformed loops": "".join(
        f"{{% for x in y {'a' * 9900}{number} %}}{{% endfor %}}" for number in range(31)
    ),
    "odd words": "{{ " + "a,'\" " * 1600 + " }}",
    "a wide date": "{{ '2020-01-01' | date: '%999999999Y' | size }}",
    "less than, less than": "{% capture a %}"
    + "<" * 500_000
    + "{% endcapture %}{{ a | strip_html | size }}",
    "an include of much": "{% include self.html " + "a" * 100_000 + " %}",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_odd_texts_take_little_time(text: str) -> None:
    """The time to parse a text grows with its length."""
    began = time.process_time()
    result = liquid(f"before {text} after", files=INCLUDES)
    assert time.process_time() - began < 2
    assert len(result.problems) <= 1
    assert result.text.startswith("before ")
    assert result.text.endswith("after")


OUTSIDE = [
    "../../etc/passwd",
    "/etc/passwd",
    "../etc/passwd",
    "x/../../etc/passwd",
    "//etc/passwd",
    "{{ page.way }}",
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("tag", ["include", "include_relative", "include_cached"])
def test_an_include_stays_in_its_folder(tag: str, path: str) -> None:
    """An include can't leave its folder, not even for another folder of the site."""
    result = liquid(f"a{{% {tag} {path} %}}b", "way: ../etc/passwd", files=INCLUDES)
    assert result.text == "ab"
    assert len(result.problems) == 1


@pytest.mark.parametrize("part", ['{{ "a" }}', "{% x %}", "{% %}", "{% if %}", "{{}}"])
def test_tags_are_counted_before_they_are_parsed(part: str) -> None:
    """More tags than any post has are one problem. The text around them stays."""
    result = liquid("before " + part * 20_001 + " after")
    assert result.text == "before  after"
    message = "the Liquid has more than 20,000 tags, or too much markup in them"
    assert result.problems[-1].message == message
    assert not [
        one for one in liquid("before " + part * 19_000).problems if "20,000" in one.message
    ]


def test_an_include_is_parsed_once() -> None:
    """A file with many tags may be included in a loop: its tags are counted once."""
    tags = "{% if a %}{% endif %}" * 1_000
    result = liquid(
        "{% for i in (1..20) %}{% include a.html %}{% endfor %}", files={"_includes/a.html": tags}
    )
    assert result.problems == ()
