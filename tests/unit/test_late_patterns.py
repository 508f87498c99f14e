"""Regular expressions that are compiled when they are first used."""

import copy
import pickle
import re
from typing import Any

import pytest

from syndicator.late_patterns import postpone_patterns

MODULE = """
import re
WORD = re.compile(r"[a-z]+", re.IGNORECASE)
WRONG = re.compile(r"(")

class Scanner:
    number = re.compile("[0-9]+")

def compiled(text):
    return re.compile(text)
"""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a module that was imported after patterns were postponed."""
    monkeypatch.setattr(re, "compile", re.compile)
    names = dict[str, Any]()
    postpone_patterns()
    exec(MODULE, names)
    return names


def test_a_pattern_of_a_module_is_compiled_when_it_is_used(module: dict[str, Any]) -> None:
    with pytest.raises(re.error):
        module["WRONG"].match("a")


def test_a_pattern_that_a_function_makes_is_compiled_at_once(module: dict[str, Any]) -> None:
    """It may expect an error: of what somebody wrote into a config, for instance."""
    assert type(module["compiled"]("a")) is re.Pattern
    with pytest.raises(re.error):
        module["compiled"]("(")


def test_its_methods_and_attributes(module: dict[str, Any]) -> None:
    word, number = module["WORD"], module["Scanner"].number
    assert word.match("Abc1")[0] == "Abc"
    assert word.sub("-", "a1b") == "-1-"
    assert [found[0] for found in number.finditer("a1b22")] == ["1", "22"]
    assert (word.pattern, word.flags & re.IGNORECASE, number.groups) == (
        "[a-z]+",
        re.IGNORECASE,
        0,
    )
    with pytest.raises(AttributeError):
        _ = word.missing


def test_after_its_first_use_it_is_as_fast(module: dict[str, Any]) -> None:
    """In its module it is the pattern itself; elsewhere it has the pattern's methods."""
    word, number = module["WORD"], module["Scanner"].number
    assert word.match("a")
    assert type(module["WORD"]) is re.Pattern
    assert word.fullmatch == module["WORD"].fullmatch
    assert number.match("1")
    assert number.match is number.match


def test_functions_that_take_patterns_take_it(module: dict[str, Any]) -> None:
    word = module["WORD"]
    assert isinstance(word, re.Pattern)
    assert re.sub(word, "-", "a1b") == "-1-"
    assert re.compile(word).match("a")
    assert copy.copy(word) == copy.deepcopy(word) == pickle.loads(pickle.dumps(word))
    assert copy.copy(word) == re.compile(r"[a-z]+", re.IGNORECASE)
