"""A head that is read alone equals the head of the whole post."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import document, site_of

from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.posts import read_post
from syndicator.model.content import Document

SITES = [
    site_of(),
    site_of(
        "url: https://example.com\npermalink: /:categories/:year/:title/\ntimezone: "
        "Europe/Berlin\nauthor: Bo\n"
    ),
    site_of(
        "url: https://example.com\nbaseurl: /b\ndefaults:\n"
        "- {scope: {path: ''}, values: {author: Ann, date: 2020-02-02, permalink: "
        "'/:basename:output_ext'}}\n"
        "- {scope: {path: _posts/2024-01-02-a.md}, values: {categories: [Only], lang: de, "
        "title: Fallen}}\n",
        {"_data/authors.yml": "ann: {name: Ann of Data, email: ann@example.com}\n"},
    ),
    site_of(
        "url: https://example.com\ncollections:\n  recipes: {output: true, permalink: /r/:path}\n"
    ),
]
READERS = [HeadReader(site) for site in SITES]

PATHS = [
    *(
        "_posts/2024-01-02-a.md",
        "_posts/2024-01-03-b.html",
        "_posts/2024-1-3-B c.markdown",
        "_posts/nodate.md",
    ),
    *(
        "news/_posts/2024-01-02-a.md",
        "_posts/sub/2024-02-03-é.md",
        "_posts/2024-13-45-x.md",
        "_posts/.2024-01-02-x.md",
    ),
    *("_recipes/pie.md", "_recipes/2024-01-02-pie.md", "elsewhere.md"),
]
LINES = [
    *(
        "layout: post",
        "image: a.png",
        'excerpt: "Short."',
        "key: [a, b]",
        "layout: home",
        "nothing:",
        "",
    ),
    *(
        "author: ann",
        'author: "newsdesk"',
        "authors: [a, b]",
        "author: [a, true]",
        "author: {name: x}",
        "author: 1",
    ),
    *(
        "categories: [News]",
        "categories: News Other",
        "category: One",
        "categories:",
        "categories: [yes]",
    ),
    *(
        "tags: []",
        "tags: [a, b]",
        "tag: c",
        "lang: en",
        "lang: nonsense!",
        "slug: other",
        "slug: [x]",
    ),
    *(
        "permalink: /p/:slug",
        "permalink: /p/:nonsense/",
        "id: tag:me",
        "guid: https://x/y",
        "id: 1",
    ),
    *("published: false", "published: true", 'published: "false"', "published:", "draft: true"),
    *(
        "last_modified_at: 2025-01-01",
        "updated: never",
        "updated: 2025-05-05 05:05:05",
        "- broken",
        "a: b: c",
    ),
    *(" indented: 1", "tab:\tx", "...", "--- ", "key: \x85", "key: \ufeff", "layout: post\r"),
]
TITLES = [
    *(
        "title: Plain",
        'title: "Quoted -- typed"',
        "title: It's",
        "title: true",
        "title: 12",
        "title:",
        "title: ''",
    ),
    *(
        "title: [a]",
        "title: '<b>x</b> &amp; y'",
        "title: a\x01b",
        "title: Zoë “z”",
        "title: 2024-01-01",
        "title: '<i>'",
    ),
]
DATES = [
    *(
        "date: 2024-05-05",
        "date: 2024-05-05T10:00:00",
        "date: 2024-05-05 10:00 +0200",
        "date: tomorow",
        "date:",
    ),
    *(
        "date: false",
        "date: 2024-02-31",
        "date: '2024-05-05 1:02 PM'",
        "date: 0001-01-01",
        "date: 20240505",
        "date: [x]",
    ),
]
BODIES = [
    "Text.",
    "\n\n  Indented.\n",
    "",
    "\n",
    "é" * 3,
    "---\nagain\n---\n",
    "a\0b",
    "\r\nText.\r\n",
]

ENDLESS = b"---\ntitle: x\n" + b"".join(b"key%d: x\n" % number for number in range(9000)) + b"---\n"
OPENINGS = ["---\n", "---  \n", "--- \n\n", "\ufeff---\n", "---\r\n"]


def post(*lines: str, opening: str = OPENINGS[0], body: str = BODIES[0]) -> str:
    return opening + "".join(f"{line}\n" for line in lines) + "---\n" + body


POSTS = [
    *(post(TITLES[0], line) for line in LINES),
    *(post(TITLES[0], DATES[1], line) for line in LINES),
    *(post(title, date) for title in TITLES for date in DATES),
    *(post(DATES[0], date, TITLES[0]) for date in DATES),
    *(
        post(TITLES[0], LINES[0], opening=opening, body=body)
        for opening in OPENINGS
        for body in BODIES
    ),
]


def assert_same(number: int, document_to_read: Document) -> None:
    reading = read_post(document_to_read, SITES[number])
    assert (reading.post.head if reading.post else None, reading.problems) == READERS[number].read(
        document_to_read
    )


@pytest.mark.parametrize("number", range(len(SITES)))
def test_a_head_equals_its_posts(number: int) -> None:
    """Whatever posts were read before: the same titles, dates and problems, line by line."""
    for text in POSTS:
        for path in PATHS:
            assert_same(number, document(path, text))


@given(
    st.integers(0, len(SITES) - 1),
    st.sampled_from(PATHS),
    st.lists(st.sampled_from([*LINES, TITLES[0], *TITLES, DATES[0], *DATES]), max_size=6),
    st.sampled_from(BODIES),
    st.sampled_from(OPENINGS),
)
def test_any_lines(number: int, path: str, lines: list[str], body: str, opening: str) -> None:
    """The same for generated heads."""
    for other in (path, *PATHS[:2]):
        assert_same(number, document(other, post(*lines, opening=opening, body=body)))


@pytest.mark.parametrize(
    "data",
    [
        b"---\ntitle: x\n---\n\xff",
        b"---\ntitle: \xff\n---\n",
        b"---\ntitle: x\n",
        b"",
        b"---",
        ENDLESS,
    ],
)
def test_binary_and_unclosed_heads(data: bytes) -> None:
    """The same problem as for a whole post, also after the same lines were read before."""
    assert_same(0, document(PATHS[0], "---\ntitle: x\n---\n"))
    assert_same(0, document(PATHS[0], data))


def test_templates_are_shared_and_limited() -> None:
    """One template for each folder and lines, whatever the titles; at most `max_templates`."""
    reader = HeadReader(SITES[0])
    for path in ("_posts/2024-01-02-a.md", "_posts/2024-01-03-b.md", "news/_posts/2024-01-03-b.md"):
        reader.read(document(path, f"---\ntitle: '{path}'\ntags: [a]\n---\n{path}"))
    assert len(reader._templates) == 2
    reader = HeadReader(SITES[0], max_templates=2)
    for tag in "bcdef":
        reader.read(document(PATHS[0], f"---\ntitle: x\ntags: [{tag}]\n---\n"))
        assert len(reader._templates) <= 2
