"""The config that `init` writes."""

from pathlib import Path

import pytest

from syndicator.cli.init import DetectedSite, render_config, write_config
from syndicator.errors import ConfigError


@pytest.mark.parametrize(("posts", "archive"), [(0, "true"), (2000, "true"), (2001, "false")])
def test_archives_are_proposed_for_small_sites(posts: int, archive: str) -> None:
    site = DetectedSite(
        root=Path("/srv/site"),
        posts=posts,
        plain=False,
        config={},
        cname="",
        domain=None,
        aliases={},
    )
    assert f"\narchive   = {archive} " in render_config(site, Path("/srv/config"))


@pytest.mark.parametrize("folders", [(), ("HEAD", "objects", "refs")])
def test_a_repository_is_named_by_a_checkout(tmp_path: Path, folders: tuple[str, ...]) -> None:
    """Neither its address nor a bare one has files to look at."""
    for name in folders:
        (tmp_path / "site.git" / name).mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        write_config(tmp_path / "site.git", tmp_path / "syndicator.toml", {})
    assert "name a checkout, and then set source.git" in (caught.value.hint or "")


def test_a_site_whose_path_is_not_utf_8(tmp_path: Path) -> None:
    """No config can name it, so none is written."""
    site, file = tmp_path / "s\udcff", tmp_path / "syndicator.toml"
    site.mkdir()
    with pytest.raises(ConfigError, match="its path is not UTF-8"):
        write_config(site, file, {})
    assert not file.exists()
