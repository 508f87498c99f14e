"""The config that `init` writes."""

from pathlib import Path

import pytest

from syndicator.cli.init import DetectedSite, render_config


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
