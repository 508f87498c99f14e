"""Which posts are in which feeds by the site's own settings, and the one list of problems."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import FEEDS, Site

from syndicator.inspection import check_site, collect_status
from syndicator.model.content import Problem

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
    """`feed` may hold settings, and `hidden: false` hides nothing."""
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


def test_build_and_check_list_the_same_values(tmp_path: Path) -> None:
    """Values of front matter, settings and links that can't be used, each with a hint."""
    languages = ", ".join(f"l{number}" for number in range(101))
    config = (
        "description: [a]\npodcast: {category: Nonsense, image: /c.webp, email: none}\n"
        f"languages: [{languages}]\ndefault_lang: l0\nrelative_links: {{collections: true}}\n"
        "collections: {work: {output: true}}\n"
    )
    site = site_of(tmp_path, config, '[feeds]\nmax_bytes = "40KiB"\n')
    picture = f'<img alt="x" src="data:image/png;base64,{"A" * 80_000}">'
    site.post("2024-01-01-pictures", f"One\n\n{picture}", categories=["a", "b"])
    site.post("2024-01-02-links", "[a](skype:x) [b](javascript:x)")
    site.post("2024-01-03-documents", "{% link _work/x.md %} [x](../_work/x.md)")
    site.post("2024-01-04-texts", description=["a"], excerpt={"a": "b"}, title=["a"])
    site.post("2024-01-05-same", permalink="/same", id="tag:e.com,2024:1")
    site.post("2024-01-06-same", permalink="/same.html", id="tag:e.com,2024:2")
    site.post("2024-01-07-values", dir="sideways", audio="/b.pdf", **{"external-url": "e.com"})
    site.post("2024-01-08-episode", audio="/a.mp3", chapters="/c.txt", image="/i.webp")
    site.post(
        "2024-01-09-liquid", "{% capture %}{% endcapture %}{% if site.github.x %}y{% endif %}"
    )
    site.post("2024-01-10-date", last_modified_at="soon")
    site.write("_work/x.md", "---\ntitle: x\n---\n")
    for _ in range(2):
        with site.service() as service:
            built = service.build()
            checked = check_site(service.config, clock=site.clock)
            status = collect_status(service.config, service.database, site.clock())
        assert checked.problems == built.problems == status.problems
        assert checked.notes == built.notes == status.notes
    assert all(problem.hint for problem in (*built.problems, *built.notes))

    def by_post(problems: Sequence[Problem]) -> Counter[str]:
        return Counter(problem.path.rpartition("-")[2] for problem in problems)

    assert by_post(built.problems) == {
        "_config.yml": 3,
        "texts.md": 3,
        "same.md": 1,
        "liquid.md": 1,
        "date.md": 1,
    }
    assert by_post(built.notes) == {
        "_config.yml": 2,
        "pictures.md": 1,
        "links.md": 2,
        "values.md": 3,
        "episode.md": 2,
        "liquid.md": 1,
    }
    (large,) = (str(note) for note in built.notes if "pictures" in note.path)
    assert large.startswith("_posts/2024-01-01-pictures.md:10: is larger than a feed may be")


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
