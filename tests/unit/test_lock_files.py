"""The lock files have every package that runs or builds, at constrained versions, with hashes."""

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
    lines = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def lock(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


CONSTRAINTS = pinned(lock("constraints.txt"))
RUNTIME, BUILD = lock("requirements.lock"), lock("requirements-build.lock")


def with_dependencies(requirements: list[str]) -> set[str]:
    """Names of the required packages and all their dependencies, on this platform."""
    names: set[str] = set()
    waiting = [(Requirement(one), "") for one in requirements]
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


def test_runtime_packages_are_locked() -> None:
    """Each package that is needed at run time, and no other. `make lock` writes the file."""
    assert set(pinned(RUNTIME)) == with_dependencies(PROJECT["project"]["dependencies"])


def test_build_packages_are_locked() -> None:
    """pip would otherwise fetch the build backend without a hash."""
    backend = {
        canonicalize_name(Requirement(one).name) for one in PROJECT["build-system"]["requires"]
    }
    assert backend <= set(pinned(BUILD))


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_versions_are_those_of_the_constraints(text: str) -> None:
    """The versions that are tested are those that are installed by hash."""
    versions = pinned(text)
    assert {name: CONSTRAINTS.get(name) for name in versions} == versions


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_each_package_has_hashes_and_no_index(text: str) -> None:
    """Hashes of its source and of each wheel. The installer decides which index to use."""
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) == len(pinned(text))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", package) for package in packages)
    assert not re.search(r"://|--(extra-)?index|--find-links|(^|\s)/", text)


@pytest.mark.parametrize(
    "name", ["lxml", "uvloop", "httptools", "msgspec", "sqlalchemy", "nh3", "brotli"]
)
def test_a_compiled_package_has_the_hashes_of_many_platforms(name: str) -> None:
    """It has a wheel for each interpreter, system and processor."""
    (package,) = re.findall(rf"^{name}==.*\n((?: .*\n)+)", RUNTIME, re.MULTILINE)
    assert package.count("--hash=") >= 10
