"""Reading a site's config and data."""

from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from string import ascii_lowercase
from zoneinfo import ZoneInfo

import pytest
from reading import Files, site_and_problems, site_of

from syndicator.jekyll.site_config import read_site
from syndicator.kramdown.options import KramdownOptions
from syndicator.model.content import Author
from syndicator.sources.referenced_files import FolderFiles


def test_first_users_config() -> None:
    """A site with a name and no title, a relative logo and unknown plugins."""
    site, problems = site_and_problems(
        "name: 'The Daily'\ndescription: 'The Daily Blog'\nlogo: 'assets/images/logo.png'\n"
        "baseurl: ''\n"
        'url: "https://news.example.com"\npermalink: /:title/\nplugins: [jekyll-archives]\n'
    )
    assert problems == ()
    assert (
        site.info.title,
        site.info.description,
        site.info.url,
    ) == ("The Daily", "The Daily Blog", "https://news.example.com/")
    assert site.info.logo == "https://news.example.com/assets/images/logo.png"
    assert (site.timezone, site.future, site.permalink) == (UTC, False, "/:title/")


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Tom's <b>News</b> &amp; more...", "Tom’s News & more…"), ("<br>", "e.com"), ("A  b", "A b")],
)
def test_a_sites_title_is_plain_text(title: str, shown: str) -> None:
    """Typographic and without markup, like a post's."""
    assert site_of(f'url: https://e.com\ntitle: "{title}"\n').info.title == shown


def test_a_sites_description_is_plain_text() -> None:
    """Without markup, like a post's; its quotes stay."""
    site = site_of("url: https://e.com\ndescription: Let&rsquo;s <b>say</b> 'x'\n")
    assert site.info.description == "Let’s say 'x'"


def test_settings_of_jekyll_feed() -> None:
    """Pictures, limits, excerpts, and the kinds of feeds."""
    site = site_of(
        "url: https://e.com\nbaseurl: /b\nlogo: other.png\n"
        "feed: {logo: logo.png, icon: /i.png, posts_limit: 20, excerpt_only: true, tags: true,\n"
        "  collections: [recipes]}\n"
    )
    assert (site.info.logo, site.info.icon) == ("https://e.com/b/logo.png", "https://e.com/b/i.png")
    assert (site.posts_limit, site.excerpt_only, site.by) == (
        20,
        True,
        ("category", "tag", "collection"),
    )


@pytest.mark.parametrize(
    ("yaml_lines", "authors"),
    [
        ("author: Sal", (Author(name="Sal"),)),
        (
            "author: {name: Sal, email: s@e.com, uri: /sal}",
            (Author(name="Sal", email="s@e.com", uri="https://e.com/sal"),),
        ),
        ("author: [Sal, {name: Jo}]", (Author(name="Sal"), Author(name="Jo"))),
        ("author: {email: s@e.com}", ()),
        ("author: {name: Sal, email: nowhere, uri: e.com}", (Author(name="Sal"),)),
        ("author:", ()),
    ],
)
def test_author(yaml_lines: str, authors: tuple[Author, ...]) -> None:
    """A name, keys and values, or several; an author without a name is ignored."""
    assert authors == site_of(f"url: https://e.com\n{yaml_lines}\n").info.authors


def test_overrides_win() -> None:
    """The operator's [site] settings win over the site's config."""
    site = site_of(
        "url: https://e.com\ntitle: A\ndescription: B\nlang: en\nauthor: C\ntimezone: UTC\n"
        "logo: /l.png\n",
        url="https://o.org/",
        title="X",
        description="Y",
        language="de",
        author="Z",
        timezone="Europe/Berlin",
    )
    info = site.info
    assert (
        info.title,
        info.description,
        info.language,
        info.url,
        info.logo,
    ) == ("X", "Y", "de", "https://o.org/", "https://o.org/l.png")
    assert (Author(name="Z"),) == info.authors
    assert ZoneInfo("Europe/Berlin") == site.timezone


BAD_CONFIGS = [
    ("title: x\n", None, "the site's address is not known", True),
    ("url: example.com\n", 1, "the site's address is not known", True),
    (
        "url: https://e.com\ntimezone: Mars/Olympus\n",
        2,
        'timezone is not known: "Mars/Olympus"',
        False,
    ),
    ("url: https://e.com\ntimezone: Europe\n", 2, 'timezone is not known: "Europe"', False),
    (
        "url: https://e.com\ntimezone: ../../etc/passwd\n",
        2,
        'timezone is not known: "../../etc/passwd"',
        False,
    ),
    (
        "url: https://e.com\nlang: a language\n",
        2,
        'lang is not a language tag: "a language"',
        False,
    ),
    ("url: https://e.com\nexclude: x\n", 2, "exclude is not a list", False),
    ("url: https://e.com\ndefaults: x\n", 2, "defaults is not a list", False),
]

UNREADABLE = [
    ("url: [\n", 2, "the config can't be read: did not find expected node content"),
    ("- a\n", 1, "the config does not consist of keys and values"),
    (
        "a: " + "[" * 100_000,
        None,
        "the config can't be read: its values are nested more than 64 levels deep",
    ),
]


@pytest.mark.parametrize(("config", "line", "message", "fatal"), BAD_CONFIGS)
def test_bad_config(config: str, line: int | None, message: str, fatal: bool) -> None:
    """A wrong key is a Problem with its line, and the rest applies. The url is required."""
    _, problems = site_and_problems(config)
    assert [("_config.yml", line, message, fatal)] == [
        (p.path, p.line, p.message, p.fatal) for p in problems
    ]


@pytest.mark.parametrize(("config", "line", "message"), UNREADABLE)
def test_unreadable_config(config: str, line: int | None, message: str) -> None:
    """A fatal Problem with the line, even when the operator sets the address."""
    _, problems = site_and_problems(config, url="https://e.com")
    assert [("_config.yml", line, message, True)] == [
        (p.path, p.line, p.message, p.fatal) for p in problems
    ]


def test_locale_as_language() -> None:
    """A locale is a language tag with hyphens instead of underscores."""
    assert site_of("url: https://e.com\nlang: en_GB.UTF-8\n").language == "en-GB"


def test_scope_of_a_jekyll_site() -> None:
    """`_posts` anywhere and collections with pages, without the excludes of site and Jekyll."""
    scope = site_of(
        "url: https://e.com\nexclude: [drafts/, Gemfile]\ninclude: [node_modules]\n"
        "collections_dir: content\n"
        "collections: {recipes: {output: true}, notes: {output: false}, posts: {output: true}}\n"
    ).scope
    assert (frozenset({"_posts"}), ("content/_recipes",)) == (scope.anywhere, scope.roots)
    assert {"drafts/", "Gemfile", "vendor/bundle/"} <= set(scope.exclude)
    assert "node_modules" not in scope.exclude
    assert {".md", ".markdown", ".mkd", ".html"} <= set(scope.suffixes)


def test_excludes_with_a_leading_slash() -> None:
    """It is the source. So is that of `include`."""
    scope = site_of(
        "url: https://e.com\nexclude: [/docs, /_posts/2024-01-01-x.md, /a/, /b, '/']\n"
        "include: [/vendor/cache/, b]\n"
    ).scope
    assert scope.exclude[:3] == ("docs", "_posts/2024-01-01-x.md", "a/")
    assert {"b", "", "vendor/cache/"}.isdisjoint(scope.exclude)


@pytest.mark.parametrize(
    ("config", "files", "roots"),
    [
        (None, {"a.md": "", "b/c.md": ""}, ("",)),
        (None, {"_posts/2024-01-01-a.md": ""}, ()),
        (None, {"news/_posts/2024-01-01-a.md": ""}, ()),
        ("url: https://e.com\n", {"a.md": ""}, ()),
    ],
)
def test_plain_folder(config: str | None, files: dict[str, str], roots: tuple[str, ...]) -> None:
    """Without `_config.yml` and any `_posts` folder, every file is a document."""
    assert roots == site_of(config, files, url="https://e.com").scope.roots


DATA = {
    "_data/authors.yml": "jane: {name: Jane}\n",
    "_data/team/uk members.csv": "name,age\nJo,40\nMo,\n",
    "_data/team/de.tsv": "name\tage\nKai\t3\n",
    "_data/deep/er/x.json": '{"a": [1, 2]}',
    "_data/bad.yml": "a: [\n",
    "_data/bad.json": "{",
    "_data/picture.png": "",
}


def test_data() -> None:
    """`site.data` has each file by folder and name; an unreadable one is a Problem."""
    site, problems = site_and_problems("url: https://e.com\n", DATA)
    assert site.data == {
        "authors": {"jane": {"name": "Jane"}},
        "team": {
            "uk_members": [{"name": "Jo", "age": "40"}, {"name": "Mo", "age": ""}],
            "de": [{"name": "Kai", "age": "3"}],
        },
        "deep": {"er": {"x": {"a": [1, 2]}}},
    }
    assert [(problem.path, problem.line) for problem in problems] == [
        ("_data/bad.json", 1),
        ("_data/bad.yml", 2),
    ]


@dataclass(frozen=True)
class FilesRead(Files):
    """A site's files, with the paths that were read, in order."""

    read: list[str] = field(default_factory=list)

    def text(self, path: str, max_bytes: int = 1024 * 1024) -> str | None:
        self.read.append(path)
        return super().text(path, max_bytes)


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("{}.yml", f"[{'1.5,' * 90_000}]", 3),
        ("{}.yml", f"[{'1.5,' * 90_000}", 3),
        ("{}.json", f'"{"x" * 1_000_000}"', 16),
        ("{}.csv", "a,b\n" + "1,2\n" * 250_000, 8),
    ],
)
def test_data_of_all_files_together_is_limited(name: str, text: str, read: int) -> None:
    """The first file over the limit is a Problem, and no later one is read."""
    files = {f"_data/{name.format(chr(ord('a') + number))}": text for number in range(20)}
    seen = FilesRead(dict(reversed(files.items())))
    site, problems = read_site("url: https://e.com\n", seen, {})
    assert [path for path in seen.read if path in files] == sorted(files)[: read + 1]
    assert set(site.data) <= set(ascii_lowercase[:read])
    assert problems[-1].path == sorted(files)[read]
    assert problems[-1].message == (
        f"this file and the {19 - read} after it are left out: together, all data files have"
        " more than 16 MiB of text, 250,000 values of YAML, or 4,194,304 of JSON and CSV"
    )


def test_many_small_files_of_data_are_read() -> None:
    """Thousands of files, with a few MB in all."""
    record = (
        "name: Jane Doe\nabout: |\n"
        + "  She writes, [mostly] of things: a, b, c.\n" * 20
        + "links: [a, b]\n"
    )
    site, problems = site_and_problems(
        "url: https://e.com\n", {f"_data/p{n}.yml": record for n in range(3000)}
    )
    assert (len(site.data), problems) == (3000, ())


@pytest.mark.parametrize(
    ("config", "files", "overrides"),
    [
        ("url: https://e.com\nkramdown: {hard_wrap: true}\n", {}, {}),
        ("url: https://e.com\n", {"_data/a.yml": "b: 1"}, {}),
        ("url: https://e.com\n", {}, {"timezone": "Europe/Berlin"}),
        (None, {}, {"url": "https://e.com"}),
    ],
)
def test_digest_sees_changes(
    config: str | None, files: dict[str, str], overrides: dict[str, str]
) -> None:
    """Anything that can change a post changes the digest; a comment doesn't."""
    plain = site_of("url: https://e.com\n")
    assert plain.digest == site_of("# a comment\nurl: https://e.com\n").digest
    assert plain.digest != site_of(config, files, **overrides).digest


def test_kramdown_options_are_merged() -> None:
    """The config's kramdown options win over Jekyll's defaults."""
    assert site_of("url: https://e.com\nkramdown: {hard_wrap: true}\n").kramdown == KramdownOptions(
        hard_wrap=True
    )


def test_large_data(tmp_path: Path) -> None:
    """A file of some MiB is read. More than 16 MiB, and values by the million, are problems."""
    rows = "".join(f'{{"name": "A town of the country", "number": {n}}},\n' for n in range(40_000))
    for name, text in {
        "large": f"[{rows}0]",
        "many": "[" + "0," * 1_100_000 + "0]",
        "huge": " " * (16 * 1024 * 1024 + 1),
    }.items():
        path = tmp_path / f"_data/{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert len(rows) > 1.5 * 1024 * 1024
    site, problems = read_site("url: https://e.com\n", FolderFiles(tmp_path), {})
    assert len(site.data["large"]) == 40_001
    assert [str(problem) for problem in problems] == [
        "_data/huge.json: the data can't be read",
        "_data/many.json: the data can't be read: it has more than 1,048,576 values",
    ]


@pytest.mark.parametrize("key", ["title", "description"])
@pytest.mark.parametrize("value", ["[a, b]", "{a: b}"])
def test_text_that_is_a_list_or_a_mapping(key: str, value: str) -> None:
    """It is ignored, and a problem, unless the operator's own setting replaces it."""
    config = f"url: https://example.com\n{key}: {value}\n"
    site, (problem,) = site_and_problems(config)
    assert (problem.line, bool(problem.hint)) == (2, True)
    assert (site.info.title, site.info.description) == ("example.com", "")
    assert site_and_problems(config, **{key: "x"})[1] == ()
