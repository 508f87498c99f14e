"""Bad posts: each is a Problem with its path and line, and nothing raises."""

from datetime import UTC, datetime

import pytest
from reading import document, site_of

from syndicator.jekyll.posts import read_post

PATH = "_posts/2024-01-02-x.md"
DATE_HINT = "write it like 2026-01-31 or 2026-01-31 18:00:00 +0100"
LEVELS = zip("abcdef", ["x", *(f"*{name}" for name in "abcde")], strict=True)
BOMB = "\n".join(f"{name}: &{name} [{','.join([one] * 9)}]" for name, one in LEVELS)

TOO_DEEP = "the front matter can't be read: its values are nested more than 64 levels deep"

# a file, the line and the one problem that leaves it out
LEFT_OUT = [
    (b"---\ntitle: \xe9\n---\n", 2, "the file is not UTF-8"),
    (b"\xff\xfe-\x00-\x00-\x00", 1, "the file is not UTF-8"),
    ("", None, "the file is empty"),
    (" \n\n", None, "the file is empty"),
    ("---\ntitle: x\n", 1, "the front matter is never closed"),
    ("---\n", 1, "the front matter is never closed"),
    ('+++\ntitle="x"\n', 1, "the front matter is never closed"),
    (f'---\na: "{"x" * 70_000}"\n---\n', 1, "the front matter has more than 64 KiB"),
    ("+++\ntitle = \n+++\n", 2, "the front matter is not TOML: Invalid value"),
    ('{\n"title": \n}\n', 3, "the front matter is not JSON: Expecting value"),
    (
        f"+++\na = {'[' * 5000}\n+++\n",
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        f"+++\n{'a.' * 20_000}a = 1\n+++\n",
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    *(
        (f"+++\n{lines}\n+++\n", 2, TOO_DEEP)
        for parts in (
            ".".join(['"!"'] * 15_000),
            " . ".join(["'#'"] * 9_000),
            ".".join(['"\\"."'] * 9_000),
        )
        for lines in (
            f"{parts} = 1",
            f"[{parts}]",
            f"[[{parts}]]",
            f"a = {{{parts} = 1}}",
            f"a = '''x''''\n{parts} = 1",
        )
    ),
    (
        f"+++\na = 0x{'f' * 20_000}\n+++\n",
        2,
        "the front matter can't be read: it has a number with thousands of digits",
    ),
    (
        f'{{\n"a": {"[" * 5000}\n}}\n',
        1,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
]

# a head, the line and the one problem that leaves it out
BAD_HEADS = [
    (
        "a: " + "[" * 50_000,
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        "a: " + "{a: " * 10_000,
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        "- " * 30_000,
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        "? " * 30_000,
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        "a: " + "[" * 65 + "]" * 65,
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    ("x: x\na: [" + ("'" + "]" * 64 + "'," + "[" * 64) * 495, 2, TOO_DEEP),
    (
        "a: &a [*a]",
        2,
        "the front matter can't be read: its values are nested more than 64 levels deep",
    ),
    (
        "a: 0x" + "f" * 20_000,
        2,
        "the front matter can't be read: it has a number with thousands of digits",
    ),
    (BOMB, 2, "the front matter can't be read: it has more than 100,000 values"),
    (
        "title: a: b",
        2,
        "the front matter is not YAML: mapping values are not allowed in this context",
    ),
    (
        "layout: post\ntitle: a: b",
        3,
        "the front matter is not YAML: mapping values are not allowed in this context",
    ),
    ('title: "x', 3, "the front matter is not YAML: found unexpected end of stream"),
    ("title: @x", 2, "the front matter is not YAML: found character that cannot start any token"),
    ("title: `x`", 2, "the front matter is not YAML: found character that cannot start any token"),
    ("title: %x", 2, "the front matter is not YAML: found character that cannot start any token"),
    ("title: 'it's'", 2, "the front matter is not YAML: did not find expected key"),
    ("\ttitle: x", 2, "the front matter is not YAML: found character that cannot start any token"),
    ("title: [a", 3, "the front matter is not YAML: did not find expected ',' or ']'"),
    (
        "title: x\n  bad: y",
        3,
        "the front matter is not YAML: mapping values are not allowed in this context",
    ),
    ("a: 1\n--- x: y", 3, "the front matter is not YAML: but found another document"),
    ("%YAML 9.9", 2, "the front matter is not YAML: found incompatible YAML document"),
    ("a: *nope", 2, "the front matter is not YAML: found undefined alias"),
    ("? [a, b]\n: c", 2, "the front matter is not YAML: found unhashable key"),
    (
        "<<: x",
        2,
        "the front matter is not YAML: expected a mapping or list of mappings for merging, but "
        "found scalar",
    ),
    (
        'title: "\\ud800"',
        2,
        "the front matter is not YAML: found invalid Unicode character escape code",
    ),
    (
        'title: !!python/object/apply:os.system ["x"]',
        2,
        "the front matter is not YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system'",
    ),
    (
        "layout: x\ntitle: a\x07b",
        3,
        "the front matter contains a character that YAML forbids: control characters are not "
        "allowed",
    ),
    ("just text", 2, "the front matter can't be read: it does not consist of keys and values"),
    ("- a\n- b", 2, "the front matter can't be read: it does not consist of keys and values"),
    ("42", 2, "the front matter can't be read: it does not consist of keys and values"),
    ("date: tomorow", 2, 'date is not a date: "tomorow"'),
    ("layout: post\ndate: 2024-02-32", 3, 'date is not a date: "2024-02-32"'),
    ("date: 2024-13-30 10:00:00", 2, 'date is not a date: "2024-13-30 10:00:00"'),
    ("date: 0000-00-00", 2, 'date is not a date: "0000-00-00"'),
    ("date: 99999-01-01", 2, 'date is not a date: "99999-01-01"'),
    ("date: 9999-12-31 23:59:59 -0500", 2, "date is not a date: 9999-12-31 23:59:59 -0500"),
    ("date: {a: b}", 2, 'date is not a date: {"a": "b"}'),
    ("date: yes", 2, "date is not a date: true"),
    ('date: ""', 2, 'date is not a date: ""'),
    (f'date: "{"1" * 5000}"', 2, f'date is not a date: "{"1" * 58}…'),
]

# paths with an impossible date or none
BAD_PATHS = [
    ("_posts/2024-13-45-x.md", 'the file name\'s date is not a date: "2024-13-45"'),
    ("_posts/2024-02-32-x.md", 'the file name\'s date is not a date: "2024-02-32"'),
    ("_posts/0000-01-01-x.md", 'the file name\'s date is not a date: "0000-01-01"'),
]

# a head, its line, the problem, and the repaired value of the post
MENDED = [
    (
        "layout: post\ndate: 2023-02-30",
        3,
        'date is past the end of its month: "2023-02-30"; Jekyll reads 2023-03-02',
        "published",
        datetime(2023, 3, 2, tzinfo=UTC),
    ),
    ("title: One\ntitle: Two", 3, "title is given twice; the last value is used", "title", "Two"),
    ("title: [a, b]", 2, 'title is not text: ["a", "b"]; "X" is used instead', "title", "X"),
    ("title: {a: b}", 2, 'title is not text: {"a": "b"}; "X" is used instead', "title", "X"),
    ("title: !ruby/object:X {}", 2, 'title is not text: {}; "X" is used instead', "title", "X"),
    ('title: "   "', 2, 'title is not text: "   "; "X" is used instead', "title", "X"),
    ('title: "<b></b>"', 2, 'title is not text: "<b></b>"; "X" is used instead', "title", "X"),
    ("title: 1984", 2, "title is not text: 1984", "title", "1984"),
    ("title: yes", 2, "title is not text: true", "title", "true"),
    ("id: 4711", 2, "id is not text: 4711", "id", "4711"),
    ("id: [a]", 2, 'id is not text: ["a"]', "id", "https://example.com/2024/01/02/x"),
    ("guid: my-post", 2, 'guid is not a URI: "my-post"', "id", "my-post"),
    (
        "permalink: [a]",
        2,
        'permalink is not text: ["a"]',
        "url",
        "https://example.com/2024/01/02/x.html",
    ),
    (
        "permalink: /:nope/",
        2,
        "permalink has an unknown placeholder :nope",
        "url",
        "https://example.com/:nope/",
    ),
    ("slug: [a]", 2, 'slug is not text: ["a"]', "url", "https://example.com/2024/01/02/x.html"),
    ("slug: true", 2, "slug is not text: true", "url", "https://example.com/2024/01/02/x.html"),
    ("last_modified_at: now", 2, 'last_modified_at is not a date: "now"', "updated", None),
    ("updated: [x]", 2, 'updated is not a date: ["x"]', "updated", None),
    ("author: {email: x}", 2, 'author has no name: {"email": "x"}', "title", "X"),
    ("categories: {a: b}", 2, 'categories has a value that is not text: {"a": "b"}', "title", "X"),
    (
        "categories: [on, off]",
        2,
        "categories has a value that is not text: [true, false]",
        "title",
        "X",
    ),
    (
        "tags: [[a, {b: c}]]",
        2,
        'tags has a value that is not text: [["a", {"b": "c"}]]',
        "title",
        "X",
    ),
    ("category: true", 2, "category has a value that is not text: true", "title", "X"),
    ('lang: "no such language"', 2, 'lang is not a language tag: "no such language"', "title", "X"),
    ("lang: [en]", 2, 'lang is not a language tag: ["en"]', "title", "X"),
    ('published: "true"', 2, 'published is text, not true or false: "true"', "title", "X"),
]

# heads that look wrong and that Jekyll accepts
HARMLESS = [
    "a: 1e999\nb: .nan\nc: 0x\nd: 0b\ne: 12:30\nf: 09",
    "n: " + "9" * 5000,
    "2024: x\non: y\nnull: z",
    "content: x\nhandler: y\nmetadata: z",
    "=: x\nexcerpt: =",
    "a: 2024-01-02 10:00:00 +9900",
    "subtitle: {a: b}\nimage: [1]\nfeed: x",
    'title: "\\x07X\\0"',
    "a: !!bool maybe\nb: !!float abc\nc: !!float ''\nd: !!int x\ne: !!timestamp x\nf: !!bool",
]


@pytest.mark.parametrize(("text", "line", "message"), LEFT_OUT)
def test_bad_file(text: str | bytes, line: int | None, message: str) -> None:
    """A file that can't be read as a post is left out, with one Problem."""
    read = read_post(document(PATH, text), site_of())
    assert (None, [(PATH, line, message, True)]) == (read.post, _reported(read.problems))


@pytest.mark.parametrize(("head", "line", "message"), BAD_HEADS)
def test_bad_head(head: str, line: int, message: str) -> None:
    """A head that can't be read or has no valid date: the post is left out, with the line."""
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert (None, [(PATH, line, message, True)]) == (read.post, _reported(read.problems))


@pytest.mark.parametrize(("path", "message"), BAD_PATHS)
def test_bad_path(path: str, message: str) -> None:
    """A post without a date, or with an impossible date in its name, is left out."""
    read = read_post(document(path, "---\ntitle: x\n---\nText.\n"), site_of())
    assert (None, [(path, None, message, True)]) == (read.post, _reported(read.problems))


@pytest.mark.parametrize(("head", "line", "message", "field", "value"), MENDED)
def test_repaired(head: str, line: int, message: str, field: str, value: object) -> None:
    """A value with an obvious meaning gets it, and a Problem says so: the post stays in."""
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert [(PATH, line, message, False)] == _reported(read.problems)
    assert read.post is not None
    assert value == getattr(read.post.head, field)


@pytest.mark.parametrize("head", HARMLESS)
def test_harmless(head: str) -> None:
    """Odd values that are never used are not a Problem."""
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert read.problems == ()
    assert read.post is not None
    assert read.post.head.title == "X"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('published: "false"', 'published is text, not true or false: "false"'),
        ("published:", "published is empty, which means false"),
        ('draft: "true"', 'draft is text, not true or false: "true"'),
    ],
)
def test_hidden_by_text(head: str, message: str) -> None:
    """A post that only looks unpublished is left out, with a Problem."""
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert (None, [(PATH, 2, message, False)]) == (read.post, _reported(read.problems))


@pytest.mark.parametrize(
    ("head", "messages"),
    [
        ("hidden: 1", ["hidden is not true or false: 1"]),
        ('exclude_from_feed: "yes"', ['exclude_from_feed is not true or false: "yes"']),
        ('hidden: "true"', ['hidden is text, not true or false: "true"']),
        ("hidden: true", []),
    ],
)
def test_kept_out_of_feeds(head: str, messages: list[str]) -> None:
    """A post whose author may have meant to hide it is in no feed: publishing can't be undone."""
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert messages == [problem.message for problem in read.problems]
    assert read.post is not None
    assert not read.post.head.listed


@pytest.mark.parametrize("head", ["hidden: false", "hidden:", "exclude_from_feed: []"])
def test_not_hidden(head: str) -> None:
    read = read_post(document(PATH, f"---\n{head}\n---\nText.\n"), site_of())
    assert read.problems == ()
    assert read.post is not None
    assert read.post.head.listed


def test_lone_surrogates() -> None:
    """JSON and file names can have them; titles and addresses don't."""
    fields = (
        '"title": "a\\ud800b", "slug": "c\\ud800", "permalink": "/x\\ud800/:title/", '
        '"categories": ["n\\udfff"]'
    )
    nested = '"x\\ud800": [{"y\\udfff": "z\\ud800"}]'
    head = f'{{\n{fields}, {nested}, "layout": "\\ud83d\\ude00"\n}}\nText.'
    post = read_post(document(PATH, head), site_of()).post
    assert post is not None
    assert (post.head.title, post.head.url) == ("ab", "https://example.com/x/c/")
    assert (post.front["x"], post.front["layout"]) == ([{"y": "z"}], "\U0001f600")
    named = read_post(document("_posts/2024-01-02-caf\udce9.md", "Text."), site_of()).post
    assert named is not None
    assert (named.head.title, named.head.url) == ("Caf", "https://example.com/2024/01/02/caf.html")


def test_file_name_past_the_end_of_a_month() -> None:
    """The post has a date in the next month, as in Jekyll, and a Problem."""
    read = read_post(document("_posts/2011-04-31-x.md", "Text."), site_of())
    message = (
        'the file name\'s date is past the end of its month: "2011-04-31"; Jekyll reads 2011-05-01'
    )
    assert [("_posts/2011-04-31-x.md", None, message, False)] == _reported(read.problems)
    assert read.post is not None
    assert read.post.head.url == "https://example.com/2011/05/01/x.html"


def test_date_hint() -> None:
    """The hint shows how to write a date."""
    read = read_post(document(PATH, "---\ndate: tomorow\n---\n"), site_of())
    assert read.problems[0].hint == DATE_HINT


def _reported(problems: tuple) -> list:
    return [(problem.path, problem.line, problem.message, problem.fatal) for problem in problems]
