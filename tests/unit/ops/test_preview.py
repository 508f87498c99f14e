"""What `preview` says of a post: its id, its feeds, and why a feed lacks it."""

import json
from pathlib import Path

import pytest
from support import CONFIG, FEEDS, Site

from syndicator import config
from syndicator.errors import SourceError
from syndicator.inspection import preview_post
from syndicator.ops.placement import IdSource
from syndicator.ops.preview import PostPreview

LIMIT = 3


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, settings=f"{FEEDS}limit = {LIMIT}\n")


def preview(site: Site, name: str) -> PostPreview:
    settings = config.load(site.config_path, {})
    return preview_post(settings, name, str(site.root), clock=site.clock)


def test_a_post_is_previewed_as_the_next_build_publishes_it(site: Site) -> None:
    """Its entries are those of the feed files, with a state and without one."""
    for day in range(1, 6):
        site.post(f"2026-01-0{day}-post", f"Text {day}.", category="News")
    before = preview(site, "2026-01-04-post")
    site.build()
    after = preview(site, "2026-01-04-post")
    assert before == after
    assert [(each.name, each.position, each.entries) for each in after.feeds] == [
        ("all", 2, LIMIT),
        ("category/news", 2, LIMIT),
    ]
    for suffix in ("rss", "atom", "json"):
        assert after.formats[suffix] in (site.feeds / f"all.{suffix}").read_text()
    assert json.loads(after.formats["json"])["content_html"] == "<p>Text 4.</p>"
    site.post("2026-01-04-post", "Other text.", category="News")
    assert "Other text." in preview(site, "2026-01-04-post").formats["rss"]
    assert "Other text." not in (site.feeds / "all.rss").read_text()


def test_a_post_that_no_feed_has_says_why(site: Site) -> None:
    """Each rule of the site that keeps a file out of feeds has a reason of its own."""
    for name, head in {
        "2026-01-01-hidden": {"hidden": True},
        "2026-01-01-unpublished": {"published": False},
        "2026-01-01-broken": {"date": "tomorow"},
        "2027-01-01-future": {"category": "News"},
    }.items():
        site.post(name, **head)
    site.write("_drafts/draft.md", "---\n---\nText.\n")
    site.write("_boats/ferry.md", "---\ndate: 2026-01-01\n---\nText.\n")
    site.write("_config.yml", f"{CONFIG}collections: {{boats: {{output: true}}}}\nexclude: [old]\n")
    site.write("old/_posts/2026-01-01-old.md", "---\n---\nText.\n")
    site.write("about.md", "---\n---\nText.\n")
    for name, reason in {
        "hidden": "its front matter keeps it out",
        "unpublished": "it is not published",
        "broken": "it can't be read as a post",
        "future": "its date is ahead: it appears at 2027-01-01 12:00:00 UTC",
        "_drafts/draft.md": "it is a draft",
        "_boats/ferry.md": 'its collection "boats" has no feeds',
        "old/_posts/2026-01-01-old.md": "it is excluded",
        "about.md": "it is in no folder that holds posts",
        "_config.yml": "its name has no suffix",
    }.items():
        found = preview(site, name)
        assert (found.withheld or "").startswith(reason), name
        assert all(place.position is None for place in found.feeds)
    unpublished = preview(site, "unpublished")
    assert (unpublished.title, unpublished.feeds) == ("2026-01-01-unpublished", ())
    assert "2026-01-01-unpublished" in unpublished.formats["atom"]
    future = preview(site, "future")
    assert [place.name for place in future.feeds] == ["all", "category/news"]
    assert "2027-01-01-future" in future.formats["rss"]
    (problem,) = preview(site, "broken").problems
    assert (problem.line, problem.hint is not None) == (4, True)


def test_a_feed_that_lacks_a_post_says_why(site: Site) -> None:
    """It is too old, too large for its feeds, or not a post of the main feed."""
    site.write("_config.yml", f"{CONFIG}feed: {{collections: {{boats: {{}}}}}}\n"
               "collections: {boats: {output: true}}\n")  # fmt: skip
    site.configure(f'{FEEDS}by = ["collection"]\nlimit = {LIMIT}\nmax_bytes = "6kB"\n')
    site.write("_boats/ferry.md", "---\ndate: 2026-01-01\n---\nText.\n")
    for day in range(1, 5):
        site.post(f"2026-01-0{day}-post", "Word. " * (200 if day > 1 else 1))
    reasons = {
        name: [(each.name, each.reason) for each in preview(site, name).feeds]
        for name in ("2026-01-01-post", "2026-01-02-post", "2026-01-04-post", "ferry")
    }
    assert reasons["2026-01-01-post"] == [
        ("all", "it is not among the newest 3: see feeds.limit"),
    ]
    assert reasons["2026-01-02-post"] == [
        ("all", "newer entries fill the feed's 6,000 bytes: see feeds.max_bytes"),
    ]
    assert reasons["2026-01-04-post"] == [("all", None)]
    assert reasons["ferry"] == [
        ("all", "it is a document of a collection, not a post"),
        ("collection/boats", None),
    ]


def test_an_id_comes_from_where_the_preview_says(site: Site) -> None:
    """From the file, from another post's claim to it, from the state, or from what readers have."""
    site.post("2026-01-09-own", id="tag:example.com,2026:own")
    site.post("2026-01-02-plain")
    site.post("2026-01-03-plain")
    renamed = site.post("2026-01-04-before", "A text of its own.", title="Before")
    site.build()
    renamed.rename(renamed.with_name("2026-01-04-after.md"))
    sources = {
        name: (found.id, found.id_from)
        for name in ("2026-01-09-own", "2026-01-02-plain", "2026-01-03-plain", "after")
        if (found := preview(site, name))
    }
    assert sources == {
        "2026-01-09-own": ("tag:example.com,2026:own", IdSource.FRONT_MATTER),
        "2026-01-02-plain": ("https://news.example.com/plain", IdSource.JEKYLL_FEED),
        "2026-01-03-plain": (
            "https://news.example.com/plain#2026-01-03-plain",
            IdSource.SUFFIX,
        ),
        "after": ("https://news.example.com/before", IdSource.STATE),
    }
    site.post("2026-01-09-own")
    site.state.unlink()
    found = preview(site, "2026-01-09-own")
    assert (found.id, found.id_from) == ("tag:example.com,2026:own", IdSource.FEED_FILES)


def test_a_preview_changes_nothing(site: Site) -> None:
    """Neither the site nor the state and the feeds, and it creates nothing."""
    site.post("2026-01-01-post")
    root = site.root.parent
    names = set(root.rglob("*"))
    preview(site, "post")
    assert set(root.rglob("*")) == names
    site.build()
    site.post("2026-01-02-new")
    (site.feeds / "all.rss").write_text("Changed by someone else.")
    (site.feeds / ".syndicator-1-0123456789abcdef").write_text("Of a killed process.")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    preview(site, "new")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no such post"),
        ("post", "several posts have this name"),
        ("../outside.md", "there is no such post"),
        ("p%st", "there is no such post"),
    ],
)
def test_a_name_means_one_post(site: Site, name: str, message: str) -> None:
    """A name of none or several is refused; several are listed."""
    site.post("2026-01-01-post")
    site.post("2026-01-02-post")
    (site.root.parent / "outside.md").write_text("---\n---\nText.\n")
    with pytest.raises(SourceError, match=message) as caught:
        preview(site, name)
    listed = "_posts/2026-01-01-post.md, _posts/2026-01-02-post.md" in (caught.value.hint or "")
    assert listed is (name == "post")
