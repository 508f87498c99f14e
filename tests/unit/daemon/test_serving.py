"""What is served where."""

import pytest

from syndicator.daemon.serving import hub_paths


@pytest.mark.parametrize(
    ("public", "root", "expected"),
    [
        ("/hub", "/", ["/hub", "/hub/"]),
        ("", "/", ["/hub", "/hub/"]),  # hub.url = "https://hub.example.org"
        (
            "/feeds/hub",
            "/feeds/",
            ["/feeds/hub", "/feeds/hub/", "/hub", "/hub/", "/feedshub", "/feedshub/"],
        ),
        ("/push/", "/", ["/push", "/push/", "/hub", "/hub/"]),
    ],
)
def test_the_hub_is_at_each_path_that_a_proxy_makes_of_its_address(
    public: str, root: str, expected: list[str]
) -> None:
    """With the feeds' path or without, with a slash at the end or without."""
    assert hub_paths(public, root=root) == expected
