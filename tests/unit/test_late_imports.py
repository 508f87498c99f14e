"""Modules that are imported when something of them is first used."""

import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from command import AT_ONCE

from syndicator.late_imports import postpone


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package `seldom`. Each import of it writes a byte to the file that is returned."""
    (tmp_path / "seldom").mkdir()
    (tmp_path / "seldom/__init__.py").write_text(
        f"open({str(tmp_path / 'imports')!r}, 'a').write('.')\n"
        "def double(number):\n    return 2 * number\nvalue = 7\n"
    )
    (tmp_path / "seldom/part.py").write_text("name = __name__\n")
    (tmp_path / "imports").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "imports"
    for name in ("seldom", "seldom.part"):
        sys.modules.pop(name, None)


def imported() -> Any:
    """The module, as a library gets it that imports it."""
    return import_module("seldom")


def test_a_module_is_imported_when_it_is_used(package: Path) -> None:
    postpone("seldom")
    module = imported()
    assert package.read_text() == ""
    assert module.value == 7
    assert module.double(2) == 4
    assert imported() is sys.modules["seldom"]
    assert imported().value == 7
    assert package.read_text() == "."


def test_a_library_takes_functions_of_it_when_it_is_imported_itself(package: Path) -> None:
    postpone("seldom", ("double",))
    double = imported().double
    assert package.read_text() == ""
    assert [double(2), double(3)] == [4, 6]
    assert package.read_text() == "."


def test_a_part_of_a_package_imports_it(package: Path) -> None:
    postpone("seldom")
    assert import_module("seldom.part").name == "seldom.part"
    assert imported().part.name == "seldom.part"
    assert package.read_text() == "."


def test_a_part_is_postponed(package: Path) -> None:
    assert imported()
    postpone("seldom.part")
    assert "name" not in vars(sys.modules["seldom.part"])
    assert imported().part.name == "seldom.part"
    assert "name" in vars(sys.modules["seldom.part"])


def test_a_part_of_a_package_that_is_not_imported(package: Path) -> None:
    """Its package is imported by a library, or when the part is used."""
    postpone("seldom.part")
    scope = dict[str, Any]()
    exec("from seldom.part import name as late", {}, scope)
    assert scope == {"late": "seldom.part"}
    assert package.read_text() == "."


def test_functions_that_a_library_takes_by_from_import_nothing(package: Path) -> None:
    """For each `from`, Python asks the module for its `__path__`."""
    postpone("seldom", ("double",))
    postpone("seldom.part", ("double",))
    scope = dict[str, Any]()
    exec("from seldom import double\nfrom seldom.part import double as other", {}, scope)
    assert package.read_text() == ""
    assert scope["double"](2) == 4
    assert package.read_text() == "."


def test_a_name_that_it_lacks(package: Path) -> None:
    postpone("seldom")
    with pytest.raises(AttributeError, match=r"module 'seldom' has no attribute 'missing'"):
        _ = imported().missing


def test_a_module_that_was_imported_stays(package: Path) -> None:
    module = imported()
    postpone("seldom")
    assert imported() is module


def test_threads_that_use_it_at_once_import_it_once(package: Path) -> None:
    postpone("seldom")
    module, values = imported(), list[int]()
    begin = threading.Barrier(8)

    def use() -> None:
        begin.wait(AT_ONCE)
        values.append(module.value)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(AT_ONCE)
    assert values == [7] * 8
    assert package.read_text() == "."
