"""Splits a document into front matter and body, and parses the front matter.

The text is split as Jekyll does (document.rb, YAML_FRONT_MATTER_REGEXP), so that the body stays as
it was written. python-frontmatter's handlers parse YAML and JSON; `fast_yaml` parses plain YAML
heads.
"""

import re
import tomllib
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

import yaml
from frontmatter.default_handlers import JSONHandler, YAMLHandler
from msgspec import Struct

from syndicator.jekyll.as_text import as_text
from syndicator.jekyll.characters import without_lone_surrogates
from syndicator.jekyll.fast_yaml import read_plain_head
from syndicator.jekyll.safe_yaml import MAX_DEPTH, Loader, YamlLimitError, check_json, check_size
from syndicator.model.front_lines import FrontLines

#: A file with a NUL in its first bytes is binary, as for git (buffer_is_binary in
#: xdiff-interface.c).
BINARY_CHECK_BYTES = 8000

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

MAX_HEAD = 64 * 1024  #: characters

_OPENINGS = {
    "yaml": re.compile(r"---\s*\n", re.ASCII),
    "toml": re.compile(r"\+\+\+[ \t]*\r?\n"),
    "json": re.compile(r"\{[ \t]*\r?\n"),
}
_CLOSINGS = {
    "yaml": re.compile(r"^(?:---|\.\.\.)\s*$\n?", re.ASCII | re.MULTILINE),
    "toml": re.compile(r"^\+\+\+\s*$\n?", re.ASCII | re.MULTILINE),
    "json": re.compile(r"^\}\s*$\n?", re.ASCII | re.MULTILINE),
}

_TOML_KEY = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?)"""
#: TOML's multi-line strings, comments and dotted keys; `deep` is the first part of a key over the
#: limit. Each part of a key is a table in the one before. Time and memory are quadratic in their
#: number.
_TOML = re.compile(
    rf"""
        "{{3}}(?:[^"\\]|\\.|"(?!""))*+(?:"{{3,5}})?
      | '{{3}}(?:[^']|'(?!''))*+(?:'{{3,5}})?
      | \#[^\n]*+
      | {_TOML_KEY}(?:[ \t]*+\.[ \t]*+{_TOML_KEY}){{0,{MAX_DEPTH - 1}}}+
        (?P<deep>[ \t]*+\.[ \t]*+{_TOML_KEY})?""",
    re.DOTALL | re.VERBOSE,
)

_YAML, _JSON = YAMLHandler(), JSONHandler()


class HeadError(ValueError):
    """The head can't be read. `line` counts in the file; None: the whole document."""

    def __init__(self, message: str, line: int | None = None, hint: str | None = None) -> None:
        """`hint`: None: the message says what to correct, such as a parser's."""
        super().__init__(message)
        self.line = line
        self.hint = hint or "correct it there: until then the post is not published as saved"


class SplitDocument(Struct, frozen=True, kw_only=True):
    """The parts of a document's text."""

    kind: str | None  #: "yaml", "toml" or "json"; None: the document has none
    head: str
    head_line: int  #: the line of the file that the head starts at
    body: str
    body_line: int

    @property
    def lines(self) -> FrontLines:
        """The lines of the head."""
        return FrontLines(self.head, self.head_line)


class Head(Struct, frozen=True, kw_only=True):
    """The values of a head."""

    values: Mapping[str, Any]
    #: Keys that are given twice, each with its line in the head, counted from 0.
    duplicates: tuple[tuple[str, int], ...] = ()


def decode(data: bytes) -> str:
    """The document's text, without a byte order mark.

    Raises HeadError for binary data and for another encoding than UTF-8.
    """
    if (at := data.find(0, 0, BINARY_CHECK_BYTES)) >= 0 and not data.startswith(UTF16_MARKS):
        line = data.count(b"\n", 0, at) + 1
        raise HeadError("the file is not text: it contains a NUL", line, "save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise HeadError("the file is not UTF-8", line, "save it as UTF-8") from error


def split(text: str) -> SplitDocument:
    """Split head and body. Raises HeadError for a head without an end or larger than MAX_HEAD."""
    for kind, opening in _OPENINGS.items():
        opened = opening.match(text)
        if opened is None:
            continue
        closed = _CLOSINGS[kind].search(text, opened.end())
        if closed is None and kind == "json":
            break  # ordinary text that begins with a brace
        if closed is None:
            raise HeadError("the front matter is never closed", 1, f"end it with a line {text[:3]}")
        if closed.start() > MAX_HEAD:
            raise HeadError("the front matter has more than 64 KiB", 1, "move text to the body")
        head_span = (0, closed.end()) if kind == "json" else (opened.end(), closed.start())
        return SplitDocument(
            kind=kind,
            head=text[slice(*head_span)],
            head_line=1 + text.count("\n", 0, head_span[0]),
            body=text[closed.end() :],
            body_line=1 + text.count("\n", 0, closed.end()),
        )
    return SplitDocument(kind=None, head="", head_line=1, body=text, body_line=1)


def load_head(parts: SplitDocument) -> Head:
    """Parse the head. Raises only HeadError."""
    if parts.kind is None:
        return Head(values={})
    if parts.kind == "yaml" and (plain := read_plain_head(parts.head)) is not None:
        return Head(values=plain)
    try:
        head = _load(parts.kind, parts.head)
        check_size(head.values)
        return head
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = parts.head_line + mark.line if mark else parts.head_line
        raise HeadError(
            f"the front matter is not YAML: {error.problem or error.context}", line
        ) from error
    except yaml.reader.ReaderError as error:
        line = parts.head_line + parts.head.count("\n", 0, parts.head.find(chr(error.character)))
        raise HeadError(
            f"the front matter contains a character that YAML forbids: {error.reason}", line
        ) from error
    except JSONDecodeError as error:
        line = parts.head_line + error.lineno - 1
        raise HeadError(f"the front matter is not JSON: {error.msg}", line) from error
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        line = parts.head_line + (int(at[1]) - 1 if at else 0)
        raise HeadError(
            f"the front matter is not TOML: {str(error).partition(' (at ')[0]}", line
        ) from error
    except YamlLimitError as error:
        raise HeadError(f"the front matter can't be read: {error}", parts.head_line) from error
    except (ValueError, TypeError, RecursionError) as error:
        # https://docs.python.org/3.11/library/stdtypes.html#integer-string-conversion-length-limitation
        if "integer string conversion" in str(error):
            message = "the front matter contains a number with thousands of digits"
            raise HeadError(message, parts.head_line) from error
        raise HeadError(f"the front matter can't be read: {error}", parts.head_line) from error


def _load(kind: str, head: str) -> Head:
    loaders: list[Loader] = []

    def loader(stream: str) -> Loader:
        loaders.append(Loader(stream))
        return loaders[0]

    if kind == "yaml":
        values = _YAML.load(head, Loader=loader)
    elif kind == "toml":
        values = _load_toml(head)
    else:
        check_json(head)
        values = without_lone_surrogates(_JSON.load(head))
    if values is None:
        return Head(values={})
    if not isinstance(values, dict):
        raise YamlLimitError("it does not consist of keys and values")
    duplicates = loaders[0].duplicates if loaders else []
    return Head(
        values={as_text(key): value for key, value in values.items()}, duplicates=tuple(duplicates)
    )


def _load_toml(head: str) -> dict[str, Any]:
    """Uses tomllib: python-frontmatter's handler needs the unmaintained package toml."""
    if any(token["deep"] for token in _TOML.finditer(head)):
        raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep")
    try:
        return tomllib.loads(head)
    except RecursionError as error:
        raise YamlLimitError(f"its values are nested more than {MAX_DEPTH} levels deep") from error
