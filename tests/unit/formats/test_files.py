import json
from hashlib import sha1

import feedparser
import pytest
from msgspec.structs import replace

from syndicator.formats import size_limit
from syndicator.model.content import FeedFile

from .samples import RICH, THEN, entry, feed, files_of


def test_a_feed_is_a_file_in_each_format_and_a_page() -> None:
    """At its spec's paths and addresses, with media type, digest and hubs."""
    files, problems = files_of(feed(RICH))
    assert problems == ()
    assert [(file.path, file.media_type) for file in files] == [
        ("category/köln news.rss", "application/rss+xml; charset=utf-8"),
        ("category/köln news.atom", "application/atom+xml; charset=utf-8"),
        ("category/köln news.json", "application/feed+json; charset=utf-8"),
        ("category/köln news.html", "text/html; charset=utf-8"),
    ]
    assert [file.url for file in files[:2]] == [
        "https://feeds.example/category/k%C3%B6ln%20news.rss",
        "https://feeds.example/category/k%C3%B6ln%20news.atom",
    ]
    assert all(file.digest == sha1(file.data).hexdigest()[:32] for file in files[:3])
    assert [len(file.hubs) for file in files] == [2, 2, 2, 0]


def test_only_the_formats_of_the_spec_are_written() -> None:
    """In the spec's order; the page always."""
    files, _ = files_of(feed(RICH, formats=("json",)))
    assert [file.path.rpartition(".")[2] for file in files] == ["json", "html"]


def test_cached_items_are_the_same_bytes() -> None:
    """A feed of cached and new items has the same bytes as one rendered with an empty cache."""
    entries = [
        RICH,
        *(entry(number, title=f"No. {number} & <b>", updated=THEN) for number in range(3)),
    ]
    others = [replace(one, title="Other", tags=()) for one in entries]
    both = [*entries[2:], RICH, *others, replace(RICH, image=None)]
    files_of(feed(*entries))
    cached = files_of(feed(*both))
    size_limit.ITEM_CACHE.put(("", ""), None, b"", 2**30)  # evicts everything
    assert files_of(feed(*both)) == cached


def test_every_format_has_the_same_id() -> None:
    """A reader who changes the format sees no entry twice."""
    files, _ = files_of(feed(entry(id="my own words"), entry(1, id="https://news.example/ü")))
    ids = [[item.id for item in feedparser.parse(file.data).entries] for file in files[:2]]
    ids.append([item["id"] for item in json.loads(files[2].data)["items"]])
    assert ids[0] == ids[1] == ids[2]
    assert ids[0][1] == "https://news.example/%C3%BC"


def titles_of(files: tuple[FeedFile, ...]) -> list[list[str]]:
    """The titles in RSS, Atom and JSON."""
    parsed = [[item.title for item in feedparser.parse(file.data).entries] for file in files[:2]]
    return [*parsed, [item["title"] for item in json.loads(files[2].data)["items"]]]


@pytest.mark.parametrize(("text", "is_kept"), [("<p>text</p>", True), ("text " * 4_000, False)])
def test_embedded_pictures_go_before_the_text(text: str, is_kept: bool) -> None:
    """Their alternative texts stand for them. A note says so; it is a problem to lose the text."""
    picture = f'<img alt="A &lt; B" src="data:image/png;base64,{"iVBORw0K" * 150_000}" width="1">'
    other = '<img src="https://news.example/a.png" title="src=&quot;data:x&quot;">'
    content = f"{picture}<p>{picture}</p>{other}{text}"
    files, problems = files_of(feed(entry(0, content=content), entry(1), max_bytes=10_000))
    for file in files[:3]:
        assert len(file.data) <= 10_000
        assert b"base64" not in file.data
        assert (b"a.png" in file.data) == is_kept
        assert b"news.example/1" in file.data
    assert [problem.note for problem in problems] == ([True] if is_kept else [True, False])


@pytest.mark.parametrize("content", ["x" * 9_000, f'<img src="data:{"x" * 9_000}">'])
def test_the_feeds_of_a_post_find_the_same(content: str) -> None:
    """So the post is listed once, and not once for each of its feeds."""
    found = {
        problem
        for name in ("all", "category/a", "author/b")
        for problem in files_of(feed(entry(0, content=content), name=name, max_bytes=8_000))[1]
    }
    assert {(problem.path, problem.line) for problem in found} == {("_posts/0.md", 3)}
    assert len(found) == 1


def test_a_megabyte_of_pictures_that_fits_stays() -> None:
    """Pictures are only left out of an entry that is over the limit."""
    content = f'<img src="data:image/png;base64,{"iVBORw0K" * 1_000}">'
    files, problems = files_of(feed(entry(0, content=content)))
    assert all(b"base64" in file.data for file in files[:3])
    assert problems == ()


@pytest.mark.parametrize("max_bytes", [3_000, 5_000, 10_000, 100_000])
def test_all_formats_have_the_newest_entries_that_fit_into_each(max_bytes: int) -> None:
    """The oldest are left out, and no more than the largest format needs."""
    files, problems = files_of(feed(*(entry(number) for number in range(30)), max_bytes=max_bytes))
    assert problems == ()
    sizes = [len(file.data) for file in files[:3]]
    assert max(sizes) <= max_bytes
    assert max_bytes > 30_000 or max_bytes - max(sizes) < 1_400  # one more would not fit
    rss, atom, json_titles = titles_of(files)
    assert rss == atom == json_titles == [f"Post {number}" for number in range(len(rss))]


def test_a_format_of_its_own_has_what_fits_into_it() -> None:
    """A format that the site doesn't have takes no entry from the others."""
    many = [entry(number) for number in range(30)]
    all_files, _ = files_of(feed(*many, max_bytes=10_000))
    (only_json, _), _ = files_of(feed(*many, max_bytes=10_000, formats=("json",)))
    assert len(json.loads(only_json.data)["items"]) > len(json.loads(all_files[2].data)["items"])


def test_the_page_has_entries_that_the_size_limit_leaves_out() -> None:
    """It is a preview of the newest, whatever their size."""
    files, _ = files_of(feed(*(entry(number) for number in range(10)), max_bytes=3_000))
    assert len(titles_of(files)[0]) < 10
    assert files[3].data.count(b"<time") == 10


def test_an_entry_too_large_in_one_format_is_its_summary_in_all() -> None:
    """XML escapes each `<` of its content, JSON none."""
    large = entry(1, content="<br>" * 1_200)
    only_json = files_of(feed(entry(0), large, max_bytes=8_000, formats=("json",)))
    assert only_json[1] == ()
    files, problems = files_of(feed(entry(0), large, entry(2), max_bytes=8_000))
    assert titles_of(files) == [["Post 0", "Post 1", "Post 2"]] * 3
    assert json.loads(files[2].data)["items"][1]["content_text"] == "About 1"
    assert len(problems) == 1


def test_an_entry_larger_than_a_feed_is_its_summary() -> None:
    """It displaces no other entry, and is one Problem for all formats."""
    large = entry(1, content="<p>" + "x" * 9_000 + "</p>")
    files, problems = files_of(feed(entry(0), large, entry(2), max_bytes=8_000))
    for file in files[:2]:
        items = feedparser.parse(file.data).entries
        assert [item.title for item in items] == ["Post 0", "Post 1", "Post 2"]
        assert items[1].summary == "About 1"
        assert "content" not in items[1]
    assert [item.get("content_text") for item in json.loads(files[2].data)["items"]] == [
        None,
        "About 1",
        None,
    ]
    (problem,) = problems
    assert (problem.path, problem.line) == ("_posts/1.md", 3)


def test_an_entry_whose_summary_is_larger_too_is_left_out() -> None:
    """The other entries stay."""
    huge = entry(1, content="<p>" + "x" * 9_000 + "</p>", summary="y" * 9_000)
    files, problems = files_of(feed(entry(0), huge, entry(2), max_bytes=8_000))
    assert titles_of(files) == [["Post 0", "Post 2"]] * 3
    assert len(problems) == 1


@pytest.mark.parametrize("bad", ["a\x07b", "a\x00b", "a\ufffeb"])
def test_an_entry_that_a_format_cannot_represent(bad: str) -> None:
    """It is out of all formats, with one Problem, and the other entries stay."""
    files, problems = files_of(feed(entry(0), entry(1, title=bad), entry(2)))
    assert titles_of(files) == [["Post 0", "Post 2"]] * 3
    assert len(problems) == 1
    assert problems[0].path == "_posts/1.md"
    assert problems[0].hint


def test_a_feed_whose_title_cannot_be_written_is_refused() -> None:
    """A missing file is better than one that no reader opens."""
    with pytest.raises(ValueError, match="XML compatible"):
        files_of(feed(entry(0), title="a\x07b"))
