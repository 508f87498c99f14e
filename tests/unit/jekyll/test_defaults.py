"""Front matter defaults: which apply to a file, and which win."""

import pytest
from reading import post_of, site_and_problems, site_of

from syndicator.jekyll.defaults import merge, read_defaults


def scoped(author: str, **scope: str) -> dict[str, object]:
    return {"scope": scope, "values": {"author": author}}


POST, RECIPE = ("_posts/sub/2024-01-02-x.md", "posts"), ("_recipes/pie.md", "recipes")

CASES = [  # sets, file, author
    ([scoped("all", path="")], POST, "all"),
    ([scoped("typed", type="posts")], POST, "typed"),
    ([scoped("typed", type="posts")], RECIPE, None),
    ([scoped("old", type="post")], POST, "old"),
    ([scoped("folder", path="_posts")], POST, "folder"),
    ([scoped("half a name", path="_po")], POST, "half a name"),
    ([scoped("rooted", path="/_posts")], POST, None),
    ([scoped("long", path="_posts/sub"), scoped("short", path="_posts")], POST, "long"),
    ([scoped("first", path=""), scoped("second", path="")], POST, "second"),
    ([scoped("typed", path="", type="posts"), scoped("untyped", path="")], POST, "typed"),
    ([scoped("untyped", path=""), scoped("typed", path="", type="posts")], POST, "typed"),
    ([scoped("one", path="", type="posts"), scoped("two", path="", type="posts")], POST, "two"),
    ([scoped("long", path="_posts"), scoped("typed", path="", type="posts")], POST, "long"),
    ([scoped("star", path="_posts/*")], POST, "star"),
    ([scoped("star", path="*/sub")], POST, "star"),
    ([scoped("star", path="_posts/s*/2024-*.md")], POST, "star"),
    ([scoped("star", path="_posts/*.md")], POST, None),
    ([scoped("stars", path="**/2024-*")], POST, "stars"),
    ([scoped("both", path="_{posts,drafts}/*")], POST, "both"),
    ([{"values": {"author": "no scope"}}], POST, "no scope"),
]


@pytest.mark.parametrize(("sets", "file", "author"), CASES)
def test_which_set_wins(sets: list[object], file: tuple[str, str], author: str | None) -> None:
    """The longest path wins, then a type, then the later set."""
    defaults, errors = read_defaults(sets, "")
    assert (author, ()) == (defaults.values_of(*file).get("author"), errors)


def test_deep_merge() -> None:
    """Nested keys are merged; an empty value doesn't win."""
    assert merge({"a": {"b": 1, "c": 0}, "d": 3}, {"a": {"c": 2}, "d": None}) == {
        "a": {"b": 1, "c": 2},
        "d": 3,
    }


def test_collections_folder() -> None:
    """A path may begin with `collections_dir`, although a file's path doesn't."""
    defaults, _ = read_defaults([scoped("x", path="content/_posts")], "content")
    assert defaults.values_of(*POST) == {"author": "x"}


def test_wrong_sets() -> None:
    """A set without values is a Problem of the config, and the others apply."""
    site, problems = site_and_problems(
        "url: https://e.com\ndefaults:\n- scope: {path: ''}\n- values: {author: a}\n- scope: "
        "5\n  values: {}\n"
    )
    assert [str(problem) for problem in problems] == [
        "_config.yml:2: entry 1 of defaults has no scope or no values",
        "_config.yml:2: entry 3 of defaults has no scope or no values",
    ]
    assert site.defaults.values_of(*POST) == {"author": "a"}


def test_defaults_are_front_matter() -> None:
    """A default counts like the post's own value: permalink, date, labels and author."""
    site = site_of(
        "url: https://e.com\n"
        "defaults:\n"
        "- scope: {type: posts}\n"
        "  values: {permalink: '/p/:title/', author: sal, date: 2020-05-06 10:00:00, "
        "categories: [all]}\n"
    )
    post = post_of("categories: own", site=site)
    assert post.head.url == "https://e.com/p/hello/"
    assert post.head.published.isoformat() == "2020-05-06T10:00:00+00:00"
    assert post.categories == ("all", "own")
    assert [author.name for author in post.authors] == ["sal"]
    assert post.front["author"] == "sal"
