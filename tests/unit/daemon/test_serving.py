"""What is served where."""

import pytest

from syndicator.daemon.serving import git_hook_paths, hub_paths


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


@pytest.mark.parametrize(
    ("root", "expected"),
    [("/", ["/hooks/git"]), ("/feeds/", ["/hooks/git", "/feeds/hooks/git"])],
)
def test_webhooks_are_at_both_paths_of_a_proxy(root: str, expected: list[str]) -> None:
    """A proxy may strip the feeds' path or not."""
    assert git_hook_paths(root) == expected
