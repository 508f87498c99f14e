"""Which posts are in which feeds by the site's own settings, and the one list of problems."""

import json
from pathlib import Path

import pytest
from support import FEEDS, Site

from syndicator.inspection import check_site, collect_status

CONFIG = "title: T\nurl: https://example.org\n"


def site_of(root: Path, config: str = "", settings: str = FEEDS) -> Site:
    return Site(root, site_config=CONFIG + config, settings=settings)


UNLISTED = [("hidden", True), ("feed", False), ("exclude_from_feed", True)]


@pytest.mark.parametrize(("key", "value"), UNLISTED)
def test_posts_out_of_feeds(tmp_path: Path, key: str, value: bool) -> None:
    """They have a page, which other posts can list and link to, but are in no feed."""
    site = site_of(tmp_path)
    site.post("2024-02-01-x", categories=["a"], **{key: value})
    site.post("2024-02-02-y", "{{ site.posts.size }} {% post_url 2024-02-01-x %}")
    report = site.build()
    assert (report.problems, report.posts, site.titles("all")) == ((), 2, ["2024-02-02-y"])
    assert "2 /a/2024/02/01/x.html" in site.feed("all.rss").entries[0].content[0].value
    assert not (site.feeds / "category").exists()
    site.post("2024-02-01-x", categories=["a"])
    site.build()
    assert site.titles("category/a") == ["2024-02-01-x"]
    site.post("2024-02-01-x", categories=["a"], **{key: str(value).lower()})
    assert [problem.message for problem in site.build().problems] == [
        f'{key} is text, not true or false: "{str(value).lower()}"'
    ]
    assert site.titles("category/a") == []


def test_posts_that_only_look_unlisted(tmp_path: Path) -> None:
    """`feed` may hold settings, and `hidden: false` is no wish."""
    site = site_of(tmp_path)
    site.post("2024-02-01-x", hidden=False, feed={"excerpt_only": True}, exclude_from_feed=False)
    site.build()
    assert site.titles("all") == ["2024-02-01-x"]


def test_tags_without_a_feed(tmp_path: Path) -> None:
    """jekyll-feed's `except` and `only`. A tag that gets into `except` loses its feed."""
    site = site_of(tmp_path, "feed: {tags: {except: [x]}}\n")
    site.post("2024-02-01-x", tags=["x", "y", "z"])
    site.build()
    assert sorted(path.name for path in (site.feeds / "tag").glob("*.rss")) == ["y.rss", "z.rss"]
    site.write("_config.yml", f"{CONFIG}feed: {{tags: {{only: [x, y], except: [x]}}}}\n")
    site.build()
    assert [path.name for path in (site.feeds / "tag").glob("*.rss")] == ["y.rss"]
    (item,) = json.loads((site.feeds / "all.json").read_text())["items"]
    assert item["tags"] == ["x", "y", "z"]


def test_build_and_check_list_the_same(tmp_path: Path) -> None:
    """Whatever finds a problem or a note: reading, the index, rendering, feeds, settings."""
    settings = (
        '[feeds]\nmax_bytes = "40KiB"\nmoved = { "old.rss" = "category/none.rss" }\n'
        '[feeds.aliases]\n"feed.xml" = "category/nope.atom"\n'
    )
    site = site_of(tmp_path, "timezone: Nowhere\n", settings)
    site.post("2024-01-01-one", permalink="/same/", id="tag:example.org,2024:one")
    site.post("2024-01-02-two", permalink="/same/", id="tag:example.org,2024:two")
    site.post("2024-01-03-three", permalink="/a/:title/", slug="x")
    site.post("2024-01-04-four", permalink="/a/:title/", slug="x")
    site.post("2024-01-05-future", last_modified_at="9999-01-01")
    site.post("2024-01-06-large", "word " * 20_000)
    site.post("2024-01-07-long", "word\n" * 120_000)
    site.post("2024-01-08-liquid", "{% nothing %} {{ x | y }} {% include none.html %}")
    site.post("2024-01-09-bad", date="tomorow")
    site.post("2024-01-10-names", categories=["C D", "c-d"])
    site.write("_posts/nodate.md", "---\ndate: 2024-01-01\n---\n")
    site.write("_posts/2024-01-11-x.txt", "---\ntitle: x\n---\n")
    site.post("2099-01-01-later", "{% nothing %}")
    for _ in range(2):
        with site.service() as service:
            built = service.build()
            checked = check_site(service.config, clock=site.clock)
            status = collect_status(service.config, service.database, site.clock())
        assert checked.problems == built.problems == status.problems
        assert checked.notes == built.notes == status.notes
        assert checked.posts == built.posts
    reported = {problem.path for problem in (*built.problems, *built.notes)}
    names = ["nodate.md", "2024-01-02-two.md", "2024-01-04-four.md", "2024-01-05-future.md"]
    names += [
        "2024-01-06-large.md",
        "2024-01-07-long.md",
        "2024-01-08-liquid.md",
        "2024-01-09-bad.md",
        "2024-01-11-x.txt",
    ]
    names = [f"_posts/{name}" for name in names]
    assert {*names, "category/c-d-2", "feeds.aliases", "_config.yml"} <= reported
    assert "_posts/2099-01-01-later.md" not in reported


def test_two_addresses_of_one_file(tmp_path: Path) -> None:
    """Jekyll writes one post over the other."""
    site = site_of(tmp_path)
    for number, permalink in enumerate(["/same", "/same.html", "/q/", "/q/index.html"], 1):
        site.post(f"2024-01-0{number}-x", permalink=permalink, id=f"tag:e.com,2024:{number}")
    assert [str(problem) for problem in site.build().problems] == [
        "_posts/2024-01-02-x.md: has the same address as _posts/2024-01-01-x.md:"
        " https://example.org/same.html is the same page as https://example.org/same",
        "_posts/2024-01-04-x.md: has the same address as _posts/2024-01-03-x.md:"
        " https://example.org/q/index.html is the same page as https://example.org/q/",
    ]


def test_a_future_change_is_past_one_day(tmp_path: Path) -> None:
    """Its problem goes with time, without a change of the post."""
    site = site_of(tmp_path)
    site.post("2024-01-05-x", last_modified_at="2026-04-01")
    assert [problem.message for problem in site.build().problems] == [
        "last_modified_at is in the future: 2026-04-01"
    ]
    site.clock.forward(days=40)
    assert site.build().problems == ()
