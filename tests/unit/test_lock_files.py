"""The lock files hold what runs and what builds, at the versions of constraints.txt, with a hash for each file."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(text: str) -> dict[str, str]:
    """Versions by name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


CONSTRAINTS = pinned(lock("constraints.txt"))
RUNTIME, BUILD = lock("requirements.lock"), lock("requirements-build.lock")


def needed(wanted: list[str]) -> set[str]:
    """Names of what these ask for, and so on, on this platform, as the installed packages say."""
    names: set[str] = set()
    waiting = [(Requirement(one), "") for one in wanted]
    seen: set[str] = set()
    while waiting:
        one, extra = waiting.pop()
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        names.add(canonicalize_name(one.name))
        for each in ("", *one.extras):
            if f"{one.name}[{each}]" not in seen:
                seen.add(f"{one.name}[{each}]")
                waiting += [(Requirement(below), each) for below in requires(one.name) or ()]
    return names


def test_what_runs_is_locked() -> None:
    """Each package that is imported here without tests, and no other; make it anew with `make lock`."""
    assert set(pinned(RUNTIME)) == needed(PROJECT["project"]["dependencies"])


def test_what_builds_is_locked() -> None:
    """The build backend too, which pip would otherwise fetch without a hash."""
    asked = {
        canonicalize_name(Requirement(one).name) for one in PROJECT["build-system"]["requires"]
    }
    assert asked <= set(pinned(BUILD))


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_versions_are_those_of_the_constraints(text: str) -> None:
    """What is tested is what is installed by hash."""
    found = pinned(text)
    assert {name: CONSTRAINTS.get(name) for name in found} == found


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_each_package_has_hashes_and_no_place(text: str) -> None:
    """Of its source and of each wheel; where it comes from is the installer's to say."""
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) == len(pinned(text))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", package) for package in packages)
    assert not re.search(r"://|--(extra-)?index|--find-links|(^|\s)/", text)


@pytest.mark.parametrize(
    "name", ["lxml", "uvloop", "httptools", "pydantic-core", "sqlalchemy", "nh3", "brotli"]
)
def test_a_compiled_package_has_the_hashes_of_many_platforms(name: str) -> None:
    """One wheel for each interpreter, system and processor."""
    (package,) = re.findall(rf"^{name}==.*\n((?: .*\n)+)", RUNTIME, re.MULTILINE)
    assert package.count("--hash=") >= 10
