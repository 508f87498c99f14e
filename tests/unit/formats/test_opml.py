from lxml import etree
from msgspec.structs import replace

from syndicator.formats import opml
from syndicator.model.content import Term

from .samples import SITE, SPEC

ALL = replace(SPEC, name="all", title="The Daily", term=None)
TAG = replace(
    SPEC,
    name="tag/a&b",
    title='A & "B" <c>',
    term=Term(kind="tag", label="a&b"),
    formats=("json", "rss"),
)


def test_every_feed_is_an_outline_grouped_by_kind() -> None:
    """OPML 2.0: type, text, title, xmlUrl of the preferred format, htmlUrl of the feed's page."""
    file = opml.render([ALL, SPEC, TAG], SITE, SPEC.base)
    body = etree.fromstring(file.data).find("body")
    assert [(group.get("text"), [o.get("text") for o in group]) for group in body] == [
        ("The Daily", []),
        ("Categories", ["The Daily: Köln"]),
        ("Tags", ['A & "B" <c>']),
    ]
    assert [o.get("xmlUrl") for o in body.iter() if o.get("type") == "rss"] == [
        "https://feeds.example/all.rss",
        "https://feeds.example/category/k%C3%B6ln%20news.rss",
        "https://feeds.example/tag/a%26b.rss",
    ]
    assert [o.get("htmlUrl") for o in body.iter() if o.get("type") == "rss"] == [
        "https://feeds.example/all.html",
        "https://feeds.example/category/k%C3%B6ln%20news.html",
        "https://feeds.example/tag/a%26b.html",
    ]


def test_the_file_is_beside_the_index() -> None:
    """With its media type, without hubs, and without a date, which would change each time."""
    file = opml.render([ALL], SITE, SPEC.base)
    assert (file.path, file.url) == ("feeds.opml", "https://feeds.example/feeds.opml")
    assert file.media_type == "text/x-opml; charset=utf-8"
    assert file.hubs == ()
    assert b"dateCreated" not in file.data
    assert file == opml.render([ALL], SITE, SPEC.base)


def test_a_site_without_feeds_has_an_empty_list() -> None:
    """Still valid OPML, with an empty body."""
    assert etree.fromstring(opml.render([], SITE, SPEC.base).data).find("body") is not None


def test_atom_and_json_are_listed_where_there_is_no_rss() -> None:
    """Atom before JSON, whatever the order of the setting."""
    specs = [replace(ALL, formats=formats) for formats in (("json", "atom"), ("json",))]
    body = etree.fromstring(opml.render(specs, SITE, SPEC.base).data).find("body")
    assert [outline.get("xmlUrl") for outline in body] == [
        "https://feeds.example/all.atom",
        "https://feeds.example/all.json",
    ]
