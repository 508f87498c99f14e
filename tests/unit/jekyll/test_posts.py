"""Reading posts: title, date, labels, authors, and which files are posts."""

from datetime import UTC, datetime

import pytest
from reading import document, post_of, reading, site_of

from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.head_template import text_digest
from syndicator.jekyll.posts import ReadPost, read_post
from syndicator.model.content import Author, Term

AUTHORS = (
    "jane: {name: Jane Doe, email: jane@e.com, uri: 'https://jane.e.com/'}\njoe: {name: "
    "Joe}\ntext: A Text\n"
)
SITE = "url: https://e.com\n"


def test_first_users_post() -> None:
    """The kind of post that the first user has twenty thousand of."""
    site = site_of(
        "name: 'The Daily'\nurl: \"https://news.example.com\"\nbaseurl: ''\npermalink: /:title/\n"
        "defaults: [{scope: {path: _posts}, values: {author: sal}}]\n"
    )
    text = (
        '---\nlayout: post\ntitle: "Update: Agent shoots man in the leg"\ndate: '
        "2026-01-15T05:39:13\n"
        'author: "newsdesk"\ncategories: [News]\ntags: []\nexcerpt: "The City confirmed."\n'
        "image: assets/images/d6.jpg\n---\n\nExperts revealed.\n"
    )
    post = read_post(
        document("_posts/2026-01-15-update-agent-shoots-man-in-the-leg.md", text), site
    ).post
    assert post is not None
    head = post.head
    assert head.url == "https://news.example.com/update-agent-shoots-man-in-the-leg/"
    assert (head.id, head.own_id) == (
        "https://news.example.com/update-agent-shoots-man-in-the-leg",
        False,
    )
    assert (head.title, head.updated) == ("Update: Agent shoots man in the leg", None)
    assert datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC) == head.published
    assert (
        Term(kind="category", label="News"),
        Term(kind="author", label="newsdesk"),
    ) == head.terms
    assert ((Author(name="newsdesk"),), ("News",), ()) == (post.authors, post.categories, post.tags)
    assert (post.body, post.body_line) == ("Experts revealed.\n", 12)
    assert post.front["image"] == "assets/images/d6.jpg"


TITLES = [
    ("layout: x", "Hello"),
    ("title: no", "Hello"),
    ("title:", "Hello"),
    ("title: 'It''s \"so\" -- ...'", "It’s “so” – …"),
    ("title: A <em>b</em> & c &lt;d&gt; <script>e</script>f", "A b & c <d> f"),
    ("title: AT&amp;T", "AT&T"),
    ("title: Vec<T> in Rust", "Vec<T> in Rust"),
    ("title: Never write </br>", "Never write </br>"),
    ('title: Map<K, List<V>> and <b>"bold"</b>', "Map<K, List<V>> and “bold”"),
    ("title: One<br>two</i> <i>three", "Onetwo</i> <i>three"),
    ("title: Why <!-- and <script> matter", "Why <!– and <script> matter"),
    ("title: '&amp;amp;'", "&amp;"),
    ("title: |\n  two\n  lines", "two lines"),
    ('title: "a\\x07b&#7;c"', "abc"),
    ("title: 5 < 6 > 4", "5 < 6 > 4"),
    ("title: 'Jane\u00a0Doe \u3000 x'", "Jane\u00a0Doe \u3000 x"),
]


@pytest.mark.parametrize(("head", "title"), TITLES)
def test_title(head: str, title: str) -> None:
    """Plain typographic text on one line; without a title, from the file name."""
    assert title == post_of(head).head.title


CATEGORIES = [
    ("", ()),
    ("category: One Two", ("One Two",)),
    ("categories: Foo bar Foo", ("Foo", "bar")),
    ("category: last\ncategories: [first, [second, null]]", ("first", "second", "last")),
    ("categories:\ncategory:", ()),
    ("categories: [2024, 1.5, '', '  ']", ("2024", "1.5")),
    ("categories: ['\u00a0', a]", ("a",)),
    ("categories: [News, news]", ("News", "news")),
    ("categories: [2024-01-02]", ("2024-01-02",)),
]

TAGS = [
    ("", ()),
    ("tags: x y x", ("x", "y")),
    ("tag: a b", ("a b",)),
    ("tag: a\ntags: [b]", ("a",)),
    ("tag:\ntags: [b, null, 1]", ("b", "1")),
]


@pytest.mark.parametrize(("head", "categories"), CATEGORIES)
def test_categories(head: str, categories: tuple[str, ...]) -> None:
    """`categories` and `category` together, each once; only `categories` splits at spaces."""
    assert categories == post_of(head).categories


def test_folders_are_categories() -> None:
    """Folders above `_posts` come first; folders below it are not categories."""
    post = post_of("categories: [horror, Horror]", path="movies/Horror/_posts/sub/2024-01-02-x.md")
    assert post.categories == ("movies", "Horror", "horror")


@pytest.mark.parametrize(("head", "tags"), TAGS)
def test_tags(head: str, tags: tuple[str, ...]) -> None:
    """`tag`, or else `tags`."""
    assert tags == post_of(head).tags


POST_AUTHORS = [
    ("author: jane", (Author(name="Jane Doe", email="jane@e.com", uri="https://jane.e.com/"),)),
    ("author: Nobody Known", (Author(name="Nobody Known"),)),
    ("author: text", (Author(name="A Text"),)),
    (
        "author: {name: Map, email: m@e.com, uri: /m}",
        (Author(name="Map", email="m@e.com", uri="https://e.com/m"),),
    ),
    ("author: {name: M, uri: 'mailto:m@e.com'}", (Author(name="M", uri="mailto:m@e.com"),)),
    ("author: {name: Evil, uri: 'javascript:alert(1)'}", (Author(name="Evil"),)),
    ("author: {name: Half, uri: 'http://[::1'}", (Author(name="Half"),)),
    ("authors: [joe, Ann, joe]", (Author(name="Joe"), Author(name="Ann"))),
    ("author: [joe, {name: Ann}]", (Author(name="Joe"), Author(name="Ann"))),
    ("author: ''\nauthors: joe", (Author(name="Joe"),)),
    ("author: first\nauthors: [second]", (Author(name="first"),)),
    ("layout: x", (Author(name="The site"),)),
    ("author: []", (Author(name="The site"),)),
    ("author: 1984", (Author(name="1984"),)),
    ("author: '<a href=\"https://ann.e.com\">Ann</a>'", (Author(name="Ann"),)),
    ("author: Ann &amp; Bob", (Author(name="Ann & Bob"),)),
    ("author: {name: 'Ann <b>X</b>'}", (Author(name="Ann X"),)),
    ("author: Ann <ann@e.com>", (Author(name="Ann <ann@e.com>"),)),
]


@pytest.mark.parametrize(("head", "authors"), POST_AUTHORS)
def test_authors(head: str, authors: tuple[Author, ...]) -> None:
    """`author`, `authors` or the site's, looked up in `_data/authors`; all of a list."""
    site = site_of(f"{SITE}author: The site\n", {"_data/authors.yml": AUTHORS})
    assert authors == post_of(head, site=site).authors


def test_terms() -> None:
    """A post has a term for each label, and one for a collection other than posts."""
    site = site_of(f"{SITE}collections: {{recipes: {{output: true}}}}\n")
    post = post_of(
        "category: c\ntags: [t]\nauthor: a\ndate: 2024-01-01", path="_recipes/pie.md", site=site
    )
    assert [(term.kind, term.label) for term in post.head.terms] == [
        ("category", "c"),
        ("tag", "t"),
        ("author", "a"),
        ("collection", "recipes"),
    ]


DATES = [
    ("layout: x", "2024-01-02T05:00:00"),
    ("date: 2024-01-03 10:00", "2024-01-03T15:00:00"),
    ("date: 2024-01-03 10:00:00", "2024-01-03T10:00:00"),
    ("date: 2024-01-03 10:00:00 -0500", "2024-01-03T15:00:00"),
    ("date: 2024-07-03", "2024-07-03T04:00:00"),
    ("date:", "2024-01-02T05:00:00"),
]


@pytest.mark.parametrize(("head", "published"), DATES)
def test_published(head: str, published: str) -> None:
    """The head's date, else the file name's, in the zone that Jekyll uses."""
    site = site_of(f"{SITE}timezone: America/New_York\n")
    assert f"{published}+00:00" == post_of(head, site=site).head.published.isoformat()


def test_toml_date_is_utc() -> None:
    """A TOML date and time without a zone is in UTC, as in YAML."""
    post = read_post(
        document("_posts/2024-01-02-x.md", "+++\ndate = 2024-01-03T10:00:00\n+++\n"), site_of()
    ).post
    assert post is not None
    assert datetime(2024, 1, 3, 10, tzinfo=UTC) == post.head.published


@pytest.mark.parametrize(
    ("head", "updated"),
    [
        ("last_modified_at: 2024-02-01 10:00:00", datetime(2024, 2, 1, 10, tzinfo=UTC)),
        ("updated: 2024-02-01", datetime(2024, 2, 1, tzinfo=UTC)),
        ("updated: 2024-02-01\nlast_modified_at: 2024-03-01", datetime(2024, 3, 1, tzinfo=UTC)),
        ("layout: x", None),
    ],
)
def test_updated(head: str, updated: datetime | None) -> None:
    """Only the head has the time of a change."""
    assert updated == post_of(head).head.updated


def test_future_post_is_a_post() -> None:
    """Whether it is shown is decided elsewhere."""
    assert post_of("date: 9000-01-01").head.published.year == 9000


NOT_POSTS = [
    ("published: false", "_posts/2024-01-02-x.md"),
    ("draft: true", "_posts/2024-01-02-x.md"),
    ("title: x", "_drafts/x.md"),
    ("title: x", "_notes/_posts/2024-01-02-x.md"),
    ("title: x", ".hidden/_posts/2024-01-02-x.md"),
    ("title: x", "_posts/_2024-01-02-x.md"),
    ("title: x", "_posts/2024-01-02-x.md~"),
    ("title: x", "about.md"),
    ("date: 2024-01-01", "_private/x.md"),
]


@pytest.mark.parametrize(("head", "path"), NOT_POSTS)
def test_not_a_post(head: str, path: str) -> None:
    """Drafts, unpublished posts, and files where Jekyll doesn't look: no post, no Problem."""
    assert (reading(head, path=path).post, reading(head, path=path).problems) == (None, ())


def test_no_front_matter() -> None:
    """In `_posts` a file without front matter is a post; in a collection it is not."""
    site = site_of(f"{SITE}collections: {{recipes: {{output: true}}}}\n")
    post = read_post(document("_posts/2024-01-02-just-text.md", "Just text.\n"), site).post
    assert post is not None
    assert (post.head.title, post.body, post.body_line) == ("Just Text", "Just text.\n", 1)
    assert read_post(document("_recipes/2024-01-02-pie.md", "Just text.\n"), site).post is None


@pytest.mark.parametrize(
    ("feed_setting", "problems"), [("", 0), ("feed: {collections: [recipes]}\n", 1)]
)
def test_collection_document_without_a_date(feed_setting: str, problems: int) -> None:
    """Not a post, and a Problem only if the site wants a feed of the collection."""
    site = site_of(f"{SITE}collections: {{recipes: {{output: true}}}}\n{feed_setting}")
    read = reading("title: Pie", path="_recipes/pie.md", site=site)
    assert (None, problems) == (read.post, len(read.problems))


def test_name_without_a_date() -> None:
    """Jekyll makes no page of it, so its link would lead nowhere: it is left out and reported."""
    for head in ("date: 2024-01-01", "title: x"):
        read = reading(head, path="_posts/hello.md")
        assert read.post is None
        assert [(str(problem), problem.note) for problem in read.problems] == [
            (
                "_posts/hello.md: Jekyll makes no page of it, since its name has no date:"
                " no feed has it",
                False,
            )
        ]
    assert reading("published: false", path="_posts/hello.md").problems == ()


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("_posts/2016-08-17-x.MD", "https://example.com/2016/08/17/x.html"),
        ("_posts/2016-08-17-x.Markdown", "https://example.com/2016/08/17/x.html"),
        ("_posts/2016-08-17-x.HTML", "https://example.com/2016/08/17/x.HTML"),
    ],
)
def test_suffixes_in_capitals(path: str, url: str) -> None:
    """Jekyll compares them in lower case, and keeps those of HTML in the address."""
    assert post_of("title: x", path=path).head.url == url
    assert HeadReader(site_of()).read(document(path, "---\ntitle: x\n---\n"))[0] is not None


@pytest.mark.parametrize("name", ["2016-08-17-x.txt", "2016-08-17-x.adoc", "2016-08-17-x.md.bak"])
def test_other_suffixes_are_noted(name: str) -> None:
    """Jekyll publishes a post of any suffix as it is. Without front matter it is another file."""
    path = f"_posts/{name}"
    read = reading("title: x", path=path)
    suffix = name[name.rindex(".") :]
    assert read.post is None
    assert [(str(problem), problem.note) for problem in read.problems] == [
        (f"{path}:1: no feed has it: {suffix} is not a suffix of Markdown or HTML", True)
    ]
    for data in (b"text", b"", b"\x89PNG\0"):
        assert read_post(document(path, data), site_of()) == ReadPost(post=None)
    site = site_of(f"{SITE}markdown_ext: 'md,TXT,adoc,bak'")
    assert reading("title: x", path=path, site=site).post is not None


def test_plain_folder() -> None:
    """In a plain folder each file with a date is a post; folders are not categories."""
    site = site_of(None, {}, url="https://e.com")
    read = reading("date: 2024-01-01", path="notes/hello.md", site=site)
    assert read.problems == ()
    assert read.post is not None
    assert (read.post.head.url, read.post.categories) == ("https://e.com/2024/01/01/hello.html", ())
    assert [
        problem.message for problem in reading("title: x", path="a.md", site=site).problems
    ] == ["the post has no date"]
    assert reading("title: x", path="_drafts/a.md", site=site).problems == ()


@pytest.mark.parametrize(
    ("head", "id_"),
    [
        ("id: tag:e.com,2024:x", "tag:e.com,2024:x"),
        ("guid: http://old.e.com/?p=7", "http://old.e.com/?p=7"),
        ("id: urn:a\nguid: urn:b", "urn:a"),
    ],
)
def test_own_id(head: str, id_: str) -> None:
    """The head's own id wins, and is marked as such."""
    head_ = post_of(head).head
    assert (id_, True) == (head_.id, head_.own_id)


def test_text_digest() -> None:
    """Title and text make an entry new; categories and dates don't."""
    same = post_of("title: A\ncategory: x").head.text_digest
    assert same == post_of("title: A\ncategory: y\ndate: 2020-01-01").head.text_digest
    assert same != post_of("title: B\ncategory: x").head.text_digest
    assert same == text_digest("A", b"Text.\n") != text_digest("A", b"Text!\n")
    assert same == text_digest("A", b"Text.\r\n")  # a checkout may write CRLF instead of LF


def test_front_matter_is_kept() -> None:
    """The whole head, with the defaults and the slug, for rendering."""
    site = site_of(f"{SITE}defaults: [{{values: {{layout: post, meta: {{a: 1}}}}}}]\n")
    front = post_of("meta: {b: 2}\nlang: de", site=site).front
    assert front == {"layout": "post", "meta": {"a": 1, "b": 2}, "lang": "de", "slug": "hello"}
    assert post_of("lang: de", site=site).language == "de"


def test_labels_too_long_for_a_feed() -> None:
    """The post keeps them; they get no feed, and a Problem has the line."""
    long = "ä" * 301
    read = reading(f"title: x\ncategory: {long}\ntags: [y, {long}]\nauthors: [{long[:-1]}]")
    assert read.post
    assert (read.post.categories, read.post.tags) == ((long,), ("y", long))
    assert [(term.kind, term.label) for term in read.post.head.terms] == [
        ("tag", "y"),
        ("author", long[:-1]),
    ]
    shown = f'"{long[:58]}…'
    assert [(problem.line, problem.message) for problem in read.problems] == [
        (3, f"category has 301 characters and gets no feed; the limit is 300: {shown}"),
        (4, f"tag has 301 characters and gets no feed; the limit is 300: {shown}"),
    ]


def test_long_ids() -> None:
    """A long id of the author is a Problem and not used; a long address gets a short id."""
    long = "tag:" + "ä" * 999
    read = reading(f"title: x\nid: {long}")
    assert read.post
    assert (read.post.head.id, read.post.head.own_id) == (post_of("title: x").head.id, False)
    assert [(problem.line, problem.message.partition("ä")[0]) for problem in read.problems] == [
        (3, 'id has 2,002 bytes; the limit is 2,000: "tag:')
    ]
    assert post_of(f"id: {long[:-2]}").head.id == long[:-2]
    first, again, other = (post_of(f"slug: {'x' * 2000}{end}").head for end in "aab")
    assert first.id == again.id != other.id
    assert (len(first.id.partition("/#")[2]), len(first.url) > 2000) == (32, True)


def test_a_thousand_labels() -> None:
    """Each would be a feed: only the first hundred are used, with a Problem."""
    words = ", ".join(f"w{number}" for number in range(1000))
    read = reading(f"title: x\ncategories: [{words}]\ntags: [{words}]\nauthors: [{words}]")
    assert read.post
    assert [len(words) for words in (read.post.categories, read.post.tags, read.post.authors)] == [
        100
    ] * 3
    assert len(read.post.head.terms) == 300
    assert [(problem.line, problem.message) for problem in read.problems] == [
        (3, "the post has 1,000 categories; only the first 100 are used"),
        (4, "the post has 1,000 tags; only the first 100 are used"),
        (5, "the post has 1,000 authors; only the first 100 are used"),
    ]


@pytest.mark.parametrize("value", ["[a, b]", "{a: b}", "\n  - a", "\n  a: b"])
@pytest.mark.parametrize("key", ["description", "excerpt", "title"])
def test_text_that_is_a_list_or_a_mapping(key: str, value: str) -> None:
    """A problem, also of posts whose heads are read fast. jekyll-feed prints Ruby's `inspect`."""
    path = "_posts/2024-01-02-hello.md"
    text = f"---\nlang: en\n{key}: {value}\n---\nText.\n"
    _, problems = HeadReader(site_of()).read(document(path, text))
    (problem,) = problems
    assert problem.message.startswith(f"{key} is not text: ")
    assert (problem.line, problem.note, bool(problem.hint)) == (3, False, True)
