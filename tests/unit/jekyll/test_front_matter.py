"""Splitting and parsing front matter."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicator.jekyll.fast_yaml import read_plain_head
from syndicator.jekyll.front_matter import HeadError, decode, load_head, split
from syndicator.jekyll.safe_yaml import load_yaml

BODIES = [
    ("---\na: 1\n---\ntext\n", "text\n", 4),
    ("---\na: 1\n---\n    code\n", "    code\n", 4),
    ("---\na: 1\n---\n\n\n    code\n\n\n", "    code\n\n\n", 6),
    ("---\na: 1\n...\ntext", "text", 4),
    ("---  \na: 1\n---  \ntext", "text", 4),
    ("---\r\na: 1\r\n---\r\ntext\r\n", "text\r\n", 4),
    ("---\n---\ntext", "text", 3),
    ("---\na: 1\n---", "", 3),
    ("---\na: |\n  x\n\n  ---\n---\ntext", "text", 7),
    ("---\na: 1\n----\n---\ntext", "text", 5),
    ("+++\na = 1\n+++\ntext", "text", 4),
    ('{\n"a": 1\n}\ntext', "text", 4),
    ("text\n---\n", "text\n---\n", 1),
    ("{% include x %}\n", "{% include x %}\n", 1),
    ("{\nno json\n", "{\nno json\n", 1),
    ("--- title\n", "--- title\n", 1),
]

VALUES = {
    "2024-01-02": "date",
    "2024-01-02 10:00:00": "datetime",
    "2024-01-02 10:00:00 -0500": "datetime",
    "2024-1-2": "date",
    "2024-02-30": "str",
    "12:30": "str",
    "1,000": "int",
    "010": "int",
    "0x1F": "int",
    "1.5": "float",
    "1.2.3": "str",
    "on": "bool",
    "~": "NoneType",
    "=": "str",
    "!unknown x": "str",
}


@pytest.mark.parametrize(("text", "body", "line"), BODIES)
def test_body(text: str, body: str, line: int) -> None:
    """The text after the head, as it was written, without blank lines before it."""
    parts = split(text)
    assert (body, line) == (parts.body, parts.body_line)


def test_a_set_keeps_its_order() -> None:
    """As in Psych: a mapping to null."""
    assert list(load_yaml("!!set {d, a, c, b, e}")) == list("dacbe")


def test_byte_order_mark() -> None:
    """A byte order mark doesn't hide the head."""
    assert load_head(split(decode(b"\xef\xbb\xbf---\na: 1\n---\n"))).values == {"a": 1}


@pytest.mark.parametrize("value", VALUES)
def test_yaml_as_psych(value: str) -> None:
    """Scalars have the types that Psych gives them, except `12:30`, which stays text."""
    assert VALUES[value] == type(load_yaml(f"a: {value}")["a"]).__name__


@pytest.mark.parametrize("text", ["+++\na = 1\nb = [1, 2]\n+++\n", '{\n"a": 1,\n"b": [1, 2]\n}\n'])
def test_other_heads(text: str) -> None:
    """TOML and JSON heads have the same values as YAML heads."""
    assert load_head(split(text)).values == {"a": 1, "b": [1, 2]}


def test_lines_of_keys() -> None:
    """A key's line is counted in the file, for each kind of head."""
    assert split("---\na: 1\nb: 2\n---\n").lines.line_of("b") == 3
    assert split("+++\na = 1\n+++\n").lines.line_of("a") == 2
    assert split('{\n"a": 1,\n"b": 2\n}\n').lines.line_of("b") == 3
    assert split("---\na: 1\n---\n").lines.line_of("c") is None


def test_keys_are_text() -> None:
    """A key that YAML reads as a number or boolean is the text that Jekyll would print."""
    assert load_head(split("---\n2024: 1\non: 2\n---\n")).values == {"2024": 1, "true": 2}


@pytest.mark.parametrize("text", ['{\n"a": %s\n}\n', "+++\na = %s\n+++\n"])
def test_huge_numbers(text: str) -> None:
    """Python parses no number of over 4,300 digits: the time grows with their square."""
    with pytest.raises(HeadError, match="contains a number with thousands of digits"):
        load_head(split(text % ("9" * 5000)))


def test_error_chains_its_cause() -> None:
    """The library's error is the cause of ours."""
    with pytest.raises(HeadError) as raised:
        load_head(split("---\na: [\n---\n"))
    assert raised.value.__cause__ is not None


PLAIN = [
    'layout: post\ntitle: "Update: Agent shoots man"\ndate: 2026-01-15T05:39:13\nauthor: '
    '"newsdesk"\n'
    "categories: [News]\ntags: []\nimage: assets/images/d6.jpg\n",
    "title: It's a – plain title, isn't it? (yes)\ndate: 2024-01-02 10:00:00 -0500\ntags: [a b,"
    " \"c, d\", 'e', null]\n",
    "published: true\nempty:\nurl: http://example.com/x?y=z\nn: 12\nnull_: no\n\nlast: x  \n",
    "date: 2024-02-30\nother: 2024-13-01 10:00:00\n",
    "",
]

WORDS = [
    r"a",
    r"A b",
    r"true",
    r"No",
    r"null",
    r"~",
    r"é",
    r"日本",
    r"x:y",
    r"x: y",
    r"x:",
    r"a #b",
    r"#",
    r"a'b",
    r'"q"',
    r"'q'",
    r"'it''s'",
    r'"a\n"',
    r"[a, b]",
    r"[a,b ]",
    r"[ ]",
    r"[a,]",
    r"[[a]]",
    r"{a: b}",
    r"- a",
    r"2024-01-02",
    r"2024-01-02 10:00:00",
    r"2024-01-02T10:00:00Z",
    r"2024-01-02 10:00:00 -0500",
    r"2024-02-30",
    r"2024-01-02 24:00:00",
    r"12",
    r"012",
    r"1_0",
    r"1.5",
    r"*a",
    r"&a b",
    r"!t x",
    r"|",
    r">",
    r"%a",
    r"@a",
    r"`",
    r"=",
    r"<<",
    "a\tb",
    "a\u2028b",
    "a\x85b",
    "a\x07",
    "\ufeff",
    "",
    "  ",
    "a  ",
]
KEYS = [
    "a",
    "b",
    "title",
    "a-b",
    "_c",
    "on",
    "null",
    "2024",
    "a b",
    "é",
    "<<",
    "a:",
    " a",
    "- a",
    "'a'",
]
LINES = st.builds(
    lambda key, mark, word, end: f"{key}{mark}{word}{end}",
    st.sampled_from(KEYS),
    st.sampled_from([": ", ":", ":  ", ":\t", " : "]),
    st.one_of(
        st.sampled_from(WORDS),
        st.text(max_size=12),
        st.lists(st.sampled_from(WORDS), max_size=3).map(lambda words: f"[{', '.join(words)}]"),
    ),
    st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\n\n", "\n  ", "\r"]),
)


@pytest.mark.parametrize("head", PLAIN)
def test_usual_heads_are_plain(head: str) -> None:
    """The usual heads need no YAML parser."""
    assert (load_yaml(head) or {}) == read_plain_head(head)


@pytest.mark.parametrize("word", WORDS)
def test_plain_line_is_yaml(word: str) -> None:
    """Each value, alone, in a list, in quotes and before another line, is as in YAML."""
    for value in (
        word,
        f"[{word}]",
        f"[x, {word}]",
        f'"{word}"',
        f"'{word}'",
        f"x{word}",
        f"{word}x",
    ):
        for key, mark in [*((key, ": ") for key in KEYS), ("a", ":"), ("a", ":  ")]:
            for head in (f"{key}{mark}{value}\n", f"{key}{mark}{value}\nlast: x\n"):
                _assert_yaml(head)


@settings(max_examples=400)
@given(st.lists(LINES, max_size=4).map("".join))
def test_plain_head_is_yaml(head: str) -> None:
    """A head that is read without the YAML parser has the values that YAML would give."""
    _assert_yaml(head)


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Any text is a head and a body, or a HeadError."""
    for document in (text, f"---\n{text}\n---\n", f"+++\n{text}\n+++\n", f"{{\n{text}\n}}\n"):
        with suppress(HeadError):
            load_head(split(document))


def _assert_yaml(head: str) -> None:
    plain = read_plain_head(head)
    if plain is not None:
        assert repr(load_yaml(head) or {}) == repr(plain)
