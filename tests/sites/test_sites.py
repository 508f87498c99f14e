"""Small sites and their expected feeds, byte for byte.

pytest tests/sites --rewrite     writes the expected feeds anew; review the difference
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndicator import config
from syndicator.service import Service

SITES = sorted(
    path for path in Path(__file__).parent.iterdir() if (path / "syndicator.toml").exists()
)
FEEDS = (".rss", ".atom", ".json", ".opml")


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_a_site_has_the_expected_feeds(
    site: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every feed file, and no other, on any day: no date comes from the clock."""
    shutil.copytree(site, tmp_path / "copy", ignore=shutil.ignore_patterns("expected"))
    settings = config.load(tmp_path / "copy/syndicator.toml", {})
    with Service(settings, clock=lambda: datetime(2026, 6, 1, tzinfo=UTC)) as service:
        report = service.build()
    built = settings.output.path
    actual = {
        str(path.relative_to(built)): path.read_text()
        for path in built.rglob("*")
        if path.suffix in FEEDS
    }
    actual["problems"] = "".join(f"{problem}\n" for problem in report.problems)
    expected = site / "expected"
    if request.config.getoption("--rewrite"):
        shutil.rmtree(expected, ignore_errors=True)
        for path, text in actual.items():
            (expected / path).parent.mkdir(parents=True, exist_ok=True)
            (expected / path).write_text(text)
    assert actual == {
        str(path.relative_to(expected)): path.read_text()
        for path in expected.rglob("*")
        if path.is_file()
    }
