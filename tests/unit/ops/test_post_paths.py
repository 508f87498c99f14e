"""How an operator names a post."""

import pytest

from syndicator.ops.post_paths import candidates, is_end


@pytest.mark.parametrize(
    ("name", "here", "paths"),
    [
        ("a.md", "/home", ["a.md"]),
        ("a.md", "/srv/site/_posts", ["_posts/a.md", "a.md"]),
        ("site/_posts/a.md", "/srv", ["_posts/a.md", "site/_posts/a.md"]),
        ("../_posts/./a.md", "/srv/site/_drafts", ["_posts/a.md"]),
        ("/srv/site/_posts/a.md", "/home", ["_posts/a.md"]),
        ("/srv/sites/a.md", "/home", []),
        ("..", "/srv/site", []),
        (".", "/srv/site", []),
    ],
)
def test_a_path_is_seen_from_here_or_from_the_site(name: str, here: str, paths: list[str]) -> None:
    """Paths that lead out of the site mean nothing."""
    assert candidates(name, here, "/srv/site") == paths


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("2026-01-02-a-post.md", True),
        ("2026-01-02-a-post", True),
        ("a-post.md", True),
        ("a-post", True),
        ("_posts/a-post", True),
        ("en/_posts/2026-01-02-a-post.md", True),
        ("post", False),
        ("02-a-post.md", False),
        ("sts/a-post.md", False),
        ("a-post.m", False),
    ],
)
def test_the_end_of_a_path_is_made_of_whole_names(name: str, meant: bool) -> None:
    """The date and the suffix of the file may be left out."""
    assert is_end(name, "en/_posts/2026-01-02-a-post.md") is meant
