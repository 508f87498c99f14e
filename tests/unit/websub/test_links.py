"""Hubs and self are in one Link header."""

from syndicator.websub.links import link_header


def test_hubs_first_then_self() -> None:
    """The exact text that SimplePie and websub.rocks can read."""
    expected = (
        '<https://a.example/hub>; rel="hub", <https://b.example/>; rel="hub", '
        '<https://a.example/all.rss>; rel="self"'
    )
    assert expected == link_header(
        ["https://a.example/hub", "https://b.example/"], "https://a.example/all.rss"
    )
