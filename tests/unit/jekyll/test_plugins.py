"""Plugins that change posts: links to files, titles from headings, emoji.

The expected values are the output of the plugin, unless a test says otherwise.
"""

from time import thread_time

import pytest
from msgspec.structs import replace
from reading import Files, document, site_and_problems, site_of
from rendering import OTHERS, Posts, entry, head, rendering

from syndicator.jekyll.emojis import html_with_emoji
from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.localized_links import with_localized_links
from syndicator.jekyll.plugins import Plugins, read_plugins
from syndicator.jekyll.posts import ReadPost, read_post
from syndicator.jekyll.relative_links import MAX_FILES, with_page_links
from syndicator.jekyll.render import Renderer
from syndicator.model.content import Post, Term

POST = "_posts/2026-01-09-third.md"


@pytest.mark.parametrize(
    "setting", ["", "{enabled: true}", "{enabled: false, collections: true}", "true"]
)
def test_plugins_that_do_not_change_posts(setting: str) -> None:
    """Without `collections`, they change pages only. A setting that is not a mapping is ignored."""
    config = site_of(f"url: https://e.org\nrelative_links: {setting}\nplugins: jemoji\n").config
    assert read_plugins(config) == (Plugins(), ())


# ------------------------------------------------------------------------------- relative links

LINKS = "title: T\nurl: https://example.org\nbaseurl: /blog\nrelative_links: {collections: true}\n"
FILES = {
    "about.md": "---\n---\n",
    "docs/sub/index.md": "---\npermalink: /d/\n---\n",
    "assets/a.png": "png",
    "assets/b c.png": "png",
    "_drafts/idea.md": "---\n---\n",
    OTHERS.heads[1].path: "---\n---\n",
}


def linked(body: str, config: str = LINKS) -> str:
    return entry(body, path=POST, files=FILES, config=config).content


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("[a](2026-01-08-second.md)", "https://example.org/b/2026/01/08/second.html"),
        ("[b](../about.md)", "https://example.org/blog/about.html"),
        ("![p](../assets/a.png)", "https://example.org/blog/assets/a.png"),
        ('[t](../about.md "Title")', "https://example.org/blog/about.html"),
        ("[f](../about.md#frag)", "https://example.org/blog/about.html#frag"),
        ("[r](/about.md)", "https://example.org/blog/about.html"),
        ("[s](../assets/b%20c.png)", "https://example.org/blog/assets/b%20c.png"),
        ("[i](../docs/sub/index.md)", "https://example.org/blog/d/"),
        ("[d](./2026-01-08-second.md)", "https://example.org/b/2026/01/08/second.html"),
        ("[x]\n\n[x]: ../about.md", "https://example.org/blog/about.html"),
        # Not by the plugin, whose pages have dead links there.
        ("[q](../about.md?a=1)", "https://example.org/blog/about.html?a=1"),
        ('<a href="../about.md">x</a>', "https://example.org/blog/about.html"),
    ],
)
def test_links_to_files_lead_to_pages(link: str, address: str) -> None:
    assert f'="{address}"' in linked(link)


FOLDER = "https://example.org/blog/2026/01"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("[n](../none.md)", f"{FOLDER}/none.md"),
        ("[d](../_drafts/idea.md)", f"{FOLDER}/_drafts/idea.md"),
        ("[f](../docs/)", f"{FOLDER}/docs/"),
        ("[w](https://o.org/about.md)", "https://o.org/about.md"),
        ("[h](#x)", f"{FOLDER}/09/third.html#x"),
        ("[m](mailto:a@b.org)", "mailto:a@b.org"),
    ],
)
def test_other_links_stay(link: str, address: str) -> None:
    assert f'="{address}"' in linked(link)


COLLECTIONS = """\
title: T
url: https://example.org
baseurl: /blog
relative_links: {collections: true}
collections:
  art: {output: true}
  col: {output: true, permalink: "/c/:year/:name/"}
  hidden: {}
defaults: [{scope: {path: "", type: art}, values: {slug: dflt}}]
"""
DOCUMENTS = {
    "_art/x.md": "---\ntitle: X\n---\n",
    "_art/own.md": "---\npermalink: /own/:title/\n---\n",
    "_art/sub/2020-03-04-dated.md": "---\n---\n",
    "_art/d.json": "---\n---\n{}",
    "_art/a.pdf": "pdf",
    "_art/plain.md": "no front matter",
    "_art/unpublished.md": "---\npublished: false\n---\n",
    "_art/broken.md": "---\na: [\n---\n",
    "_col/y.md": "---\n---\n",
    "_col/z.md": "---\ndate: 2021-05-06\n---\n",
    "_hidden/n.md": "---\n---\n",
}


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("_art/x.md", "/art/x.html"),
        ("_art/own.md", "/own/dflt/"),
        ("_art/sub/2020-03-04-dated.md", "/art/sub/2020-03-04-dated.html"),
        ("_art/d.json", "/art/d.json"),
        ("_art/a.pdf", "/art/a.pdf"),
        ("_art/plain.md", "/art/plain.md"),
        ("_col/y.md", "/c/2026/y/"),
        ("_col/z.md", "/c/2021/z/"),
    ],
)
@pytest.mark.parametrize("folder", ["", "all/"])
def test_documents_of_collections(folder: str, path: str, address: str) -> None:
    """By the collection's template, dated or not; as Jekyll 4.3.1 has them.

    With `collections_dir`, paths of documents begin below it.
    """
    config = COLLECTIONS + (f"collections_dir: {folder}" if folder else "")
    files = {f"{folder}{name}": text for name, text in DOCUMENTS.items()}
    site = {"files": files, "config": config, "path": f"{folder}{POST}"}
    shown = entry(f"[a](../{path}#f) {{% link {path} %}}", **site).content
    assert f'<a href="https://example.org/blog{address}#f">a</a> /blog{address}' in shown


def test_the_day_is_a_dependency_where_it_is_shown() -> None:
    """Only of the address of an undated document."""

    def uses_day(body: str) -> bool:
        return rendering(body, path=POST, files=DOCUMENTS, config=COLLECTIONS).uses_day

    assert uses_day("{% link _col/y.md %}")
    assert uses_day("[y](../_col/y.md)")
    assert not uses_day("{% link _col/z.md %} [z](../_col/z.md) [x](../_art/x.md)")


def test_a_document_is_read_once_for_all_links_to_it() -> None:
    """Its front matter may take a tenth of a second."""
    head = "".join(f"k{number}: [a, {{b: c}}]\n" for number in range(300))
    files = {"_art/x.md": f"---\n{head}---\n"}
    body = (
        "{% for i in (1..2000) %}{% link _art/x.md %}{% endfor %}\n" + "[x](../_art/x.md) " * 2000
    )
    begun = thread_time()
    shown = rendering(body, path=POST, files=files, config=COLLECTIONS)
    assert thread_time() - begun < 10
    assert shown.problems == ()


@pytest.mark.parametrize(
    "path", ["_art/unpublished.md", "_art/broken.md", "_hidden/n.md", "_art/none.md"]
)
def test_documents_that_are_not_published(path: str) -> None:
    """A link stays, and `link` is a problem: Jekyll has no page of them."""
    body = f"[a](../{path}) {{% link {path} %}}"
    shown = rendering(body, path=POST, files=DOCUMENTS, config=COLLECTIONS)
    assert shown.entry
    assert f'href="https://example.org/blog/2026/01/{path}"' in shown.entry.content
    assert [p.message for p in shown.problems] == [
        f"'{path}' can't be linked: it is not a published post or a file of the site"
    ]


def test_code_is_not_a_link() -> None:
    """The plugin writes the address of the page into it."""
    assert "<code>[c](../about.md)</code>" in linked("`[c](../about.md)`").replace(
        ' class="language-plaintext highlighter-rouge"', ""
    )
    assert 'href="../about.md"' in linked('`<a href="../about.md">`').replace("&quot;", '"')


def test_links_of_excluded_posts_stay() -> None:
    config = LINKS.replace("true}", 'true, exclude: ["_posts/2026*"]}')
    assert f"{FOLDER}/about.md" in linked("[b](../about.md)", config)
    assert f"{FOLDER}/about.md" in linked("[b](../about.md)", "url: https://example.org/blog\n")


def test_a_linked_post_is_a_dependency() -> None:
    to_post = rendering("[a](2026-01-08-second.md)", path=POST, files=FILES, config=LINKS)
    to_page = rendering("[a](../about.md)", path=POST, files=FILES, config=LINKS)
    assert list(to_post.named_posts) == ["_posts/2026-01-08-second.md"]
    assert (to_post.uses_posts, to_page.named_posts, to_page.uses_posts) == (False, {}, False)


def test_the_files_of_one_post_are_limited() -> None:
    """Every file that it names is looked at in each poll."""
    body = "".join(f"[x](../f{number}.md)\n" for number in range(MAX_FILES))
    assert "/blog/about.html" in linked(f"[b](../about.md) [b](../about.md)\n{body}")
    assert "/blog/about.html" not in linked(f"{body}[b](../about.md)")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit", ["<a ", '<a href="', '<a href="../x">', '<img src="y" ', "<a href"]
)
def test_rewriting_links_takes_linear_time(unit: str) -> None:
    assert with_page_links(unit * 100_000, lambda _: "/z")
    assert with_localized_links(unit * 100_000, site_of(POLYGLOT), "/de")


# --------------------------------------------------------------------------- titles from headings

TITLES = (
    "url: https://example.org\n"
    "titles_from_headings: {enabled: true, collections: true, strip_title: true}\n"
)


def read(body: str, front: str = "", path: str = POST, config: str = TITLES) -> ReadPost:
    """The result of reading a post; a fast reader of heads must find the same."""
    site = site_of(config)
    doc = document(path, f"---\n{front}---\n{body}")
    result = read_post(doc, site)
    assert HeadReader(site).read(doc) == (result.post and result.post.head, result.problems)
    return result


def titled(body: str, front: str = "", path: str = POST, config: str = TITLES) -> Post:
    result = read(body, front, path, config)
    assert result.problems == ()
    assert result.post is not None
    return result.post


@pytest.mark.parametrize(
    ("body", "title", "rest"),
    [
        ("# Heading\n\nText\n", "Heading", "Text"),
        ('## Set *up* & `<b>` "q" [^1]\n\nText\n', "Set up & <b> “q”", "Text"),
        ("Setext\n=====\n\nText\n", "Setext", "Text"),
        ("Setext\r\n---\r\n\r\nText\r\n", "Setext", "Text"),
        ("\n\n### Third\nText\n", "Third", "Text"),
        ("#### Fourth\n\nText\n", "Third", "#### Fourth\n\nText\n"),
        ("Text\n\n# Later\n", "Third", "Text\n\n# Later\n"),
        ("#NoSpace\n\nText\n", "Third", "#NoSpace\n\nText\n"),
        ("Two\nlines\n---\n", "Third", "Two\nlines\n---\n"),
        ("", "Third", ""),
    ],
)
def test_the_first_heading_is_the_title(body: str, title: str, rest: str) -> None:
    post = titled(body)
    assert (post.head.title, post.body) == (title, rest)


def test_the_heading_wins_over_the_front_matter() -> None:
    """For posts, the plugin takes any title for one that Jekyll derived from the file's name."""
    post = titled("# Heading\n", "title: Own\n")
    assert (post.head.title, post.front["title"]) == ("Heading", "Heading")
    assert titled("Text\n", "title: Own\n").head.title == "Own"


def test_the_heading_may_stay() -> None:
    """By the setting, or by the post's own."""
    kept = titled("# Heading\n\nText\n", "strip_title: false\n")
    assert (kept.head.title, kept.body) == ("Heading", "# Heading\n\nText\n")
    config = TITLES.replace(", strip_title: true", "")
    assert titled("# Heading\n", config=config).body == "# Heading\n"
    assert titled("# Heading\n", "strip_title: true\n", config=config).body == ""


def test_only_markdown_has_headings() -> None:
    assert titled("# Html\n", path=POST.replace(".md", ".html")).head.title == "Third"


def test_the_first_line_of_the_text() -> None:
    """Problems name the right line."""
    post = titled("\n# Heading\n\n\nText\n", "tags: [a]\n")
    assert (post.body, post.body_line) == ("Text", 8)
    content = entry("# Heading\n\nText", config=f"{TITLES}title: T\n", path=POST)
    assert (content.title, content.content, content.summary) == ("Heading", "<p>Text</p>", "Text")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [" ", "\n", "#", "# ", "-", "=\n", "[^", "a\n-"])
def test_a_long_beginning_is_no_heading(unit: str) -> None:
    """The plugin's own pattern takes quadratic time for some of these."""
    assert read(unit * 200_000).post is not None


# ------------------------------------------------------------------------------------------ emoji

EMOJI = "url: https://e.org\ntitle: T\nplugins: [jemoji]\n"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (":rocket:", "🚀"),
        ("<p>a:tada:b :+1: :100:</p>", "<p>a🎉b 👍 💯</p>"),
        ("<code>:rocket:</code> :rocket:", "<code>:rocket:</code> 🚀"),
        ("<pre><code>:tada:</code>:tada:</pre>:tada:", "<pre><code>:tada:</code>:tada:</pre>🎉"),
        ('<a title=":tada:">:tada:</a>', '<a title=":tada:">🎉</a>'),
        (":octocat: :nope: 10:30:45 ::", ":octocat: :nope: 10:30:45 ::"),
        ("at 10:30:rocket:", "at 10:30🚀"),
        ("</code>:tada:", "</code>🎉"),
    ],
)
def test_names_of_emoji(html: str, expected: str) -> None:
    """Outside of code and tags. Where jemoji has a picture, this is the character."""
    assert html_with_emoji(html) == expected


def test_emoji_of_an_entry() -> None:
    """In the title, the content and the summary; the id and the digest of the text stay."""
    shown = entry("Go :rocket: `:rocket:`", "title: ':tada: x'", config=EMOJI, path=POST)
    assert (shown.title, shown.summary) == ("🎉 x", "Go 🚀 :rocket:")
    assert shown.content.startswith("<p>Go 🚀 <code")
    assert shown.content.endswith(">:rocket:</code></p>")
    assert entry("x", "description: ':rocket: Go'", config=EMOJI, path=POST).summary == "🚀 Go"
    plain = entry("Go :rocket:", "title: ':tada: x'", path=POST)
    assert (plain.title, plain.summary) == (":tada: x", "Go :rocket:")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [":", ":a", "<", "<a ", ":a:", "<a :"])
def test_emoji_take_linear_time(unit: str) -> None:
    assert len(html_with_emoji(unit * 300_000)) > 100_000


# -------------------------------------------------------------------------------------- languages

POLYGLOT = (
    "url: https://example.org\ntitle: T\nlanguages: [en, de, pt-BR]\ndefault_lang: en\n"
    "exclude_from_localization: [assets]\n"
)


@pytest.mark.parametrize(
    ("config", "languages"),
    [
        ("languages: [en, de]\ndefault_lang: de", ("de", "en")),
        ("languages: [en, de]\nplugins: [jekyll-polyglot]", ("en", "de")),
        ("languages: [en, de]", ()),
        ("languages: en\ndefault_lang: en", ()),
        ("languages: [../x, 5]\ndefault_lang: en", ("en", "5")),
        ("default_lang: en", ()),
    ],
)
def test_sites_with_languages(config: str, languages: tuple[str, ...]) -> None:
    assert site_of(f"url: https://e.org\n{config}\n").plugins.languages == languages


@pytest.mark.parametrize(
    ("front", "path", "address", "language"),
    [
        ("lang: de\n", POST, "/de/hello/", "de"),
        ("lang: en\n", POST, "/hello/", "en"),
        ("", POST, "/hello/", "en"),
        ("lang: pt-br\n", POST, "/pt-BR/hello/", "pt-BR"),
        ("lang: fr\n", POST, "/hello/", "en"),
        ("", "_posts/de/2026-01-09-third.md", "/hello/", "en"),
    ],
)
def test_pages_of_a_language(front: str, path: str, address: str, language: str) -> None:
    """They are in a folder of the language, except for the default one."""
    post = titled("x", f"{front}permalink: /hello/\n", path, POLYGLOT)
    assert post.head.url == f"https://example.org{address}"
    assert [term.label for term in post.head.terms if term.kind == "language"] == [language]


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("_posts/de/2026-01-09-third.md", "/de/hello/"),
        ("_posts/2026-01-09-third.de.md", "/de/hello/"),
        ("_posts/2026-01-09-third.md", "/hello/"),
    ],
)
def test_the_language_of_a_path(path: str, address: str) -> None:
    config = f"{POLYGLOT}lang_from_path: true\n"
    front = "title: x\nlayout: post\npermalink: /hello/\n"
    assert titled("x", front, path, config).head.url == f"https://example.org{address}"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("/about/", "/de/about/"),
        ("/", "/de/"),
        ("/about/?a=1&b=2#c", "/de/about/?a=1&amp;b=2#c"),
        ("https://example.org/about/", "/de/about/"),
        ("/en/x/", "/en/x/"),
        ("/pt-BR/x/", "/pt-BR/x/"),
        ("/assets/a.pdf", "/assets/a.pdf"),
        ("../x/", "/de/x/"),
    ],
)
def test_links_of_a_translation(link: str, address: str) -> None:
    content = entry(f"[x]({link})", "lang: de\npermalink: /y/", config=POLYGLOT, path=POST).content
    assert content == f'<p><a href="https://example.org{address}">x</a></p>'


def test_other_addresses_of_a_translation_stay() -> None:
    body = "![p](/a.png) [x](https://o.org/) [y](//o.org/z)"
    content = entry(body, "lang: de", config=POLYGLOT, path=POST).content
    assert "/de/" not in content
    assert 'href="https://example.org/x/"' in entry("[x](/x/)", config=POLYGLOT, path=POST).content


def test_other_posts_of_the_language() -> None:
    """A page lists the posts of its own language."""
    german, english = (Term(kind="language", label=name) for name in ("de", "en"))
    others = Posts(head("b", 8)._replace(terms=(english,)), head("a", 7)._replace(terms=(german,)))
    site = site_of(POLYGLOT)
    renderer = Renderer(site, Files(), others)
    for lang, expected in (("de", "A de"), ("en", "B en")):
        post = titled("x", f"lang: {lang}\n", config=POLYGLOT)
        body = "{{ site.posts | map: 'title' }} {{ site.active_lang }}"
        content = renderer.render(replace(post, body=body)).entry
        assert content is not None
        assert content.content == f"<p>{expected}</p>"


def test_lists_that_each_link_is_compared_with_are_limited() -> None:
    names = "[" + ", ".join(f"n{number}" for number in range(5_000)) + "]"
    plugins = site_of(
        f"url: https://e.org\nlanguages: {names}\ndefault_lang: n0\n"
        f"exclude_from_localization: {names}\nrelative_links: {{exclude: {names}}}\n"
    ).plugins
    assert len(plugins.languages) == 100
    assert len(plugins.not_localized) == len(plugins.relative_links_exclude) == 1_000


LANGUAGES = "languages: [en, de]\ndefault_lang: en\n"


@pytest.mark.parametrize(
    ("config", "key", "message"),
    [
        (
            f"languages: [{', '.join(f'l{number}' for number in range(200))}]\ndefault_lang: en\n",
            "languages",
            "the site has 201 languages; only the first 100 are used",
        ),
        (
            "languages: [en, ../x, 'a b']\ndefault_lang: en\n",
            "languages",
            'a language can\'t be the name of a folder: "../x"',
        ),
        (
            "languages: [en]\ndefault_lang: a/b\n",
            "default_lang",
            'a language can\'t be the name of a folder: "a/b"',
        ),
        (
            f"{LANGUAGES}exclude_from_localization: [{', '.join(['x'] * 1_001)}]\n",
            "exclude_from_localization",
            "exclude_from_localization has 1,001 paths; only the first 1,000 are used",
        ),
        (
            f"{LANGUAGES}exclude_from_localization: assets\n",
            "exclude_from_localization",
            "exclude_from_localization is not a list",
        ),
        (
            f"relative_links: {{collections: true, exclude: [{', '.join(['x'] * 1_001)}]}}\n",
            "relative_links",
            "relative_links.exclude has 1,001 paths; only the first 1,000 are used",
        ),
    ],
)
def test_settings_over_a_limit_are_problems(config: str, key: str, message: str) -> None:
    """At the line of the config's key."""
    text = f"title: T\nurl: https://e.org\n{config}"
    _, (problem,) = site_and_problems(text)
    assert problem.message == message
    assert (problem.path, problem.note, bool(problem.hint)) == ("_config.yml", False, True)
    assert text.splitlines()[(problem.line or 0) - 1].startswith(f"{key}:")


@pytest.mark.parametrize("config", [LANGUAGES, "exclude_from_localization: x\n", "languages: 5\n"])
def test_settings_of_languages_that_are_used_or_without_effect(config: str) -> None:
    assert site_and_problems(f"title: T\nurl: https://e.org\n{config}")[1] == ()
