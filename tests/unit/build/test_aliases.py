"""Copies of feed files under paths that readers followed before."""

from values import feed_file

from syndicator.build.aliases import aliased, aliases_without_target
from syndicator.model.content import Problem


def test_an_alias_has_the_bytes_and_the_address_of_its_file() -> None:
    """So there is one topic. An alias of a file that this feed doesn't have is another feed's."""
    rss, atom = feed_file("all.rss"), feed_file("all.atom", b"<feed/>")
    copies = {"feed.xml": "all.atom", "atom.xml": "all.atom", "news.xml": "category/news.rss"}
    files = aliased([rss, atom], copies)
    assert files[:2] == [rss, atom]
    assert [file.path for file in files[2:]] == ["feed.xml", "atom.xml"]
    assert {(file.url, file.data, file.digest, file.hubs) for file in files[1:]} == {
        (atom.url, atom.data, atom.digest, atom.hubs)
    }
    assert aliased([rss], {}) == [rss]


def test_an_alias_without_a_file_is_noted() -> None:
    """With the feed whose name is almost the same, if there is one. Pages are not suggested."""
    later = "if the name is right, it appears with its first post"
    settings = {
        "feeds.aliases": {"feed.xml": "all.atom", "a.xml": "category/nwes.atom"},
        "feeds.moved": {"b.xml": "index.htm", "c.xml": "tag/x.json"},
    }
    paths = {"all.atom", "category/news.atom", "index.html", "tag/abc.json"}

    def note(key: str, path: str, target: str, hint: str) -> Problem:
        message = f'"{path}" leads to "{target}", which is not a feed'
        return Problem(path=key, message=message, hint=hint, note=True)

    assert aliases_without_target(settings, paths) == (
        note(
            "feeds.aliases",
            "a.xml",
            "category/nwes.atom",
            f"did you mean category/news.atom? {later}",
        ),
        note("feeds.moved", "b.xml", "index.htm", later),
        note("feeds.moved", "c.xml", "tag/x.json", later),
    )
