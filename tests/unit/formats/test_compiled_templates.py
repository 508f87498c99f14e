"""Compiled templates are kept beside their modules, if that is possible."""

import shutil
import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from syndicator.formats.compiled_templates import CompiledTemplates


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the package `pages_of_test` keeps what is compiled."""
    kept = tmp_path / "pages_of_test/__pycache__"
    kept.mkdir(parents=True)
    (tmp_path / "pages_of_test/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pages_of_test", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return kept


def rendered(text: str) -> str:
    """What a new process would make of a template."""
    pages = Environment(
        loader=DictLoader({"page": text}),
        autoescape=True,
        bytecode_cache=CompiledTemplates("pages_of_test"),
    )
    return pages.get_template("page").render()


def test_a_template_is_compiled_once(folder: Path) -> None:
    """Until its text is another."""
    assert rendered("{{ 1 + 1 }}") == "2"
    (kept,) = folder.glob("*.cache")
    inode = kept.stat().st_ino
    assert rendered("{{ 1 + 1 }}") == "2"
    assert kept.stat().st_ino == inode
    assert rendered("{{ 1 + 2 }}") == "3"
    assert kept.stat().st_ino != inode


def test_without_a_folder_or_with_damage_it_is_compiled_again(folder: Path) -> None:
    """Neither is an error."""
    assert rendered("{{ 1 + 1 }}") == "2"
    (kept,) = folder.glob("*.cache")
    kept.write_bytes(kept.read_bytes()[:30])
    assert rendered("{{ 1 + 1 }}") == "2"
    shutil.rmtree(folder)
    assert rendered("{{ 1 + 1 }}") == "2"
    folder.touch()  # a folder can't be made
    assert rendered("{{ 1 + 1 }}") == "2"
