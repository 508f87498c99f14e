"""The depth of a text is checked before any value is built."""

import subprocess
import sys
import time
import tracemalloc

import pytest
import yaml

from syndicator.jekyll.front_matter import HeadError, load_head, split
from syndicator.jekyll.safe_yaml import MAX_DEPTH, YamlLimitError, check_json, check_text, load_yaml

#: Characters of the deepest text: more than `_config.yml` and files of `_data`
#: may have.
LONG = 1024 * 1024


def repeated(part: str, before: str = "a: [") -> str:
    return before + part * (LONG // len(part))


def dashes(width: int) -> str:
    """Lines of `- - -`, each beginning where the one before ended."""
    return "".join(
        " " * (2 * width * line) + "- " * width + "\n" for line in range(LONG // (2 * width * 200))
    )


#: Texts that are nested too deeply, by what hides the depth.
DEEP = {
    "nothing": repeated("["),
    "nothing, and closed": "a: " + "[" * 20_000 + "]" * 20_000,
    "single quotes": "a: " + "[']'," * 33_000 + "x" + "]" * 33_000,
    "double quotes": repeated('"\\"]]]]", [['),
    "many quotes": repeated("'" + "]" * 64 + "'," + "[" * 64),
    "comments": repeated("[ # ]]]]\n "),
    "anchors": repeated("&a [ ']', "),
    "tags": repeated("!!seq [ ']', "),
    "pairs": repeated("']': ["),
    "mappings": repeated("{'}}': "),
    "keys": repeated("? [ ']', "),
    "plain text": repeated("x-, [']', "),
    "a block scalar": "b: |\n" + " ]]]]\n" * 9000 + "a: " + "[" * 20_000,
    "dashes": repeated("- ", before=""),
    "question marks": repeated("? ", before=""),
    "indentation": "".join(" " * depth + "a:\n" for depth in range(1400)),
    "indentation in steps": dashes(20),
    "indentation, then brackets": "".join(" " * depth + "- \n" for depth in range(40))
    + " " * 40
    + "[" * 40,
    "other line breaks": "".join(" " * depth + "a:\u2028" for depth in range(1000)),
    "an alias": "x: &x [1]\ny: *x\n" + repeated("[*x, ']]', "),
    "two texts": "a: b\n---\n" + repeated("[']', "),
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_text_is_refused(kind: str) -> None:
    """At once, whatever hides the depth."""
    begun = time.thread_time()
    with pytest.raises(YamlLimitError, match="nested more than 64 levels deep"):
        check_text(DEEP[kind])
    assert time.thread_time() - begun < 0.5


@pytest.mark.parametrize(
    "kind", ["single quotes", "many quotes", "nothing", "indentation in steps"]
)
def test_the_process_survives(kind: str) -> None:
    """The recursion of libyaml would end the process, so another process reads the text."""
    code = (
        "import sys\nfrom syndicator.jekyll.safe_yaml import YamlLimitError, load_yaml\n"
        "try:\n    load_yaml(sys.stdin.read())\nexcept YamlLimitError:\n    print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=DEEP[kind],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "refused\n")


#: Texts that are not deep, though they have many brackets or dashes.
SHALLOW = {
    "double quotes": 'a: "' + "[" * 5000 + '"',
    "single quotes": "a: '" + "{[" * 5000 + "'",
    "a comment": "a: b # " + "[" * 5000,
    "a block scalar": "a: |\n" + "  [[[[{{{{\n" * 1000,
    "dashes in text": "a: |\n  " + "- " * 500,
    "a line": "# " + "-" * 500 + "\na: b",
    "many lists": "a:\n" + " - [x, {y: z}]\n" * 1000,
    "the most levels": "[" * MAX_DEPTH + "]" * MAX_DEPTH,
    "the most indentation": "".join(" " * depth + "a:\n" for depth in range(MAX_DEPTH)),
}


@pytest.mark.parametrize("kind", SHALLOW)
def test_brackets_in_text_are_not_nesting(kind: str) -> None:
    """Text that only looks deep is read."""
    assert load_yaml(SHALLOW[kind])


REPEATED = [
    ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
    ("a: &x [1]\nb: *x\nc: &x {d: 2}\ne: *x", {"a": [1], "b": [1], "c": {"d": 2}, "e": {"d": 2}}),
    ("a: &x &x y", None),
    ("- &x a\n- &x *y", None),
    ("a: &x 1\nb: &x 2\nc: *y", None),
]


@pytest.mark.parametrize(("text", "values"), REPEATED)
def test_repeated_anchors(text: str, values: object) -> None:
    """An alias means the last anchor before it (YAML 1.1 §3.2.2.2). Others are errors as before."""
    if values is None:
        with pytest.raises(yaml.YAMLError):
            load_yaml(text)
    else:
        assert load_yaml(text) == values
        assert load_head(split(f"---\n{text}\n---\n")).values == values


def test_values_of_repeated_anchors_are_limited() -> None:
    """As those of others: aliases that multiply, a value in itself, values by the thousand."""
    many = "".join(f"x{n}: &x [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x]\n" for n in range(9))
    for text in (f"a: &x 1\n{many}", "a: &x 1\nb: &x {c: *x}", "a: &x 1\nb: &x 1\n" + "- " * 99):
        begun = time.thread_time()
        with pytest.raises((YamlLimitError, yaml.YAMLError)):
            load_yaml(text)
        assert time.thread_time() - begun < 1


@pytest.mark.parametrize(
    "deep", ['{"a":' * 65, "[" * 65, '["]",' * 65, '["\\"]",' * 65, '[{"]}":' * 33]
)
def test_deep_json_is_refused(deep: str) -> None:
    """Brackets in a JSON string are text."""
    with pytest.raises(YamlLimitError):
        check_json(deep)
    check_json('{"a": "' + deep.replace("\\", "").replace('"', "") + '"}')


@pytest.mark.parametrize("part", ['"!"', "'!'", "a", '"\\".\\""'])
@pytest.mark.parametrize(
    "line", ["{} = 1", "[{}]", "[[{}]]", "a = {{{} = 1}}", "a = '''x''''\n{} = 1"]
)
def test_a_long_key_of_toml_takes_little_memory(line: str, part: str) -> None:
    """A key of thousands of parts is refused before a table is made for each."""
    parts = split("+++\n" + line.format(".".join([part] * 6000)) + "\n+++\n")
    tracemalloc.start()
    try:
        with pytest.raises(HeadError, match="nested more than 64 levels deep"):
            load_head(parts)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_dots_in_toml_are_not_nesting() -> None:
    """Dots in values and comments are text, in strings of every kind."""
    text = "x." * 100
    values = load_head(
        split(
            f"+++\na = 'see {text}'\nb = \"see {text}\" # {text}\n"
            f'c = """\n{text}""""\nd = \'\'\'\n{text}\'\'\'\'\ne.f."g.h" = 1.5\n+++\n'
        )
    ).values
    assert values["a"] == values["b"] == f"see {text}"
    assert values["c"] == f'{text}"'
    assert values["d"] == f"{text}'"
    assert values["e"] == {"f": {"g.h": 1.5}}
