"""The lock files list the packages to run and to build with.

Versions are those of constraints.txt, with a hash for each file.
"""

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
RUNTIME = lock("requirements.lock")
BUILD = lock("requirements-build.lock")


def dependencies(requirements: list[str]) -> set[str]:
    """Names of the packages required, directly or not, on this platform.

    Read from the metadata of the installed packages.
    """
    names: set[str] = set()
    pending = [(Requirement(requirement), "") for requirement in requirements]
    seen: set[str] = set()
    while pending:
        requirement, extra = pending.pop()
        name = requirement.name
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        names.add(canonicalize_name(name))
        for each in ("", *requirement.extras):
            if f"{name}[{each}]" not in seen:
                seen.add(f"{name}[{each}]")
                pending += [(Requirement(line), each) for line in requires(name) or ()]
    return names


def test_runtime_packages_are_locked() -> None:
    """Each dependency of the project and no other. `make lock` writes the lock files."""
    assert set(pinned(RUNTIME)) == dependencies(PROJECT["project"]["dependencies"])


def test_build_packages_are_locked() -> None:
    """The build backend too, which pip would otherwise download without a hash."""
    requirements = map(Requirement, PROJECT["build-system"]["requires"])
    names = {canonicalize_name(requirement.name) for requirement in requirements}
    assert names <= set(pinned(BUILD))


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_versions_are_those_of_the_constraints(text: str) -> None:
    """The tested versions are those installed by hash."""
    versions = pinned(text)
    assert {name: CONSTRAINTS.get(name) for name in versions} == versions


@pytest.mark.parametrize("text", [RUNTIME, BUILD], ids=["runtime", "build"])
def test_each_package_has_hashes_and_no_location(text: str) -> None:
    """Hashes of its source and of each wheel. The installer decides where to download from."""
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
