"""The folder of a site's theme among installed gems."""

from pathlib import Path

import pytest

from syndicator.cli.theme import find_theme


@pytest.fixture
def gems(tmp_path: Path) -> Path:
    for name in ("chirpy-9.0.1", "chirpy-10.0.0", "chirpy-extras-11.0", "chirpy-10.5.pre"):
        (tmp_path / "gems" / name / "_includes").mkdir(parents=True)
    (tmp_path / "gems/chirpy-12.0").mkdir()  # without includes
    return tmp_path


@pytest.mark.parametrize("variable", ["GEM_HOME", "GEM_PATH"])
def test_the_newest_version(gems: Path, variable: str) -> None:
    found = find_theme({"theme": "chirpy"}, gems / "site", {variable: str(gems)})
    assert found == gems / "gems/chirpy-10.5.pre"


def test_gems_of_the_site_itself(tmp_path: Path) -> None:
    gem = tmp_path / "vendor/bundle/ruby/3.1.0/gems/chirpy-7.1.0"
    (gem / "_includes").mkdir(parents=True)
    assert find_theme({"theme": "chirpy"}, tmp_path, {}) == gem


@pytest.mark.parametrize("theme", ["none-such-theme", "../chirpy", "chirp*", None, 5, ""])
def test_no_theme(gems: Path, theme: object) -> None:
    assert find_theme({"theme": theme}, gems, {"GEM_HOME": str(gems)}) is None
