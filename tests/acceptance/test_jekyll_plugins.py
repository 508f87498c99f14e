"""What themes and plugins add to a site, from posts to feeds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import FEEDS, Site

from syndicator.inspection import check_site
from syndicator.model.content import Document, Problem
from syndicator.sources.folder import SourceFolder

CONFIG = "title: T\nurl: https://example.org\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, site_config=CONFIG)


def content(site: Site, name: str = "all") -> str:
    """The content of a feed's newest entry."""
    text: str = site.feed(f"{name}.atom").entries[0].content[0].value
    return text.strip()


def with_theme(site: Site, theme: str) -> None:
    text = site.config_path.read_text()
    site.config_path.write_text(text.replace("[source]\n", f'[source]\ntheme = "{theme}"\n'))


FIGURE = '{% include figure image_path="/assets/a.jpg" alt="A" caption="Cap" %}'


def test_the_includes_of_the_theme(site: Site) -> None:
    """They appear once the setting names the theme's folder, and follow its files."""
    theme = site.root.parent / "theme/_includes/figure"
    theme.parent.mkdir(parents=True)
    theme.write_text('<figure><img src="{{ include.image_path }}"></figure>')
    site.write("_config.yml", f"{CONFIG}remote_theme: jane/theme\n")
    site.post("2026-01-02-x", f"{FIGURE}\n\nText.")
    (problem,) = site.build().problems
    assert problem.hint == "if it is the theme's, set source.theme to the folder of jane/theme"
    assert content(site) == "<p>Text.</p>"
    with_theme(site, "theme")
    assert site.build().problems == ()
    picture = '<figure><img src="https://example.org/assets/a.jpg" /></figure>'
    assert content(site).startswith(picture)
    theme.write_text("<b>{{ include.caption }}</b>")
    site.build()
    assert content(site).startswith("<p><b>Cap</b></p>")
    assert check_site(site.service().config).problems == ()


def test_the_day_of_the_build(site: Site) -> None:
    """An entry that shows it changes at midnight in the site's zone; no other poll builds it."""
    site.write("_config.yml", f"{CONFIG}timezone: Asia/Tokyo\n")
    site.post("2026-01-02-x", "{{ 'now' | date: '%F' }} {{ site.time | date: '%F' }}")
    site.clock.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with site.service() as service:
        service.build()
        assert content(site) == "<p>2026-03-01 2026-03-01</p>"
        site.clock.now = datetime(2026, 3, 1, 14, 59, tzinfo=UTC)
        assert not service.build().has_changes
        site.clock.now = datetime(2026, 3, 1, 15, 1, tzinfo=UTC)
        assert service.build().feeds_changed
        assert content(site) == "<p>2026-03-02 2026-03-02</p>"
        assert not service.build().has_changes


def test_the_front_matter_of_other_posts(site: Site) -> None:
    """It is read from their files, by `build` and `check`, and followed."""
    site.post("2026-01-01-one", description="First", permalink="/u/")
    body = (
        '{% assign p = site.posts | where: "url", "/u/" | first %}{{ p.description }}'
        " {{ page.previous.title }} {{ page.next.title }}"
    )
    site.post("2026-01-02-two", body)
    site.post("2026-01-03-three")
    site.post("2026-06-01-future")
    site.build()
    two = site.feed("all.atom").entries[1].content[0].value
    assert two == "<p>First 2026-01-01-one 2026-01-03-three</p>"
    assert check_site(site.service().config).problems == ()
    site.post("2026-01-01-one", description="Changed", permalink="/u/")
    site.build()
    assert "Changed" in site.feed("all.atom").entries[1].content[0].value


def test_notes_change_no_exit_code(site: Site) -> None:
    """`build` and `check` list what a template could not know."""
    assert FEEDS in site.config_path.read_text()
    site.post("2026-01-02-x", "a{{ site.github.license.name }}b")
    report = site.build()
    (note,) = report.notes
    assert (str(note), report.problems) == (
        "_posts/2026-01-02-x.md:7: site.github.license is not known here: it is empty, and false in"
        " a condition",
        (),
    )
    assert check_site(site.service().config).notes == report.notes


@pytest.mark.parametrize(
    "body", ['Text.\n{:hidden="hidden"}', "x" * 600_000, "<svg></svg>", "* a\n" * 100_000]
)
def test_check_and_build_find_the_same(site: Site, body: str) -> None:
    """Also of a post without Liquid."""
    site.post("2026-01-02-x", body)
    built, checked = site.build(), check_site(site.service().config)
    assert built.problems or built.notes
    assert (checked.problems, checked.notes) == (built.problems, built.notes)


def test_posts_listed_by_all_others_are_read_once_in_a_check(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(10, 30):
        site.post(f"2026-01-{day}-x", "{% for p in site.posts %}{{ p.content }}{% endfor %}")
    read: list[str] = []
    original = SourceFolder.read

    def counted(folder: SourceFolder, path: str) -> Document | Problem | None:
        read.append(path)
        return original(folder, path)

    monkeypatch.setattr(SourceFolder, "read", counted)
    check_site(site.service().config)
    assert len(read) == 20 * 3  # its head, its entry, and for all the others


POLYGLOT = f"{CONFIG}languages: [en, de]\ndefault_lang: en\n"


def test_a_site_in_two_languages(site: Site) -> None:
    """Each language has a feed; the other ones have the posts of the default language."""
    site.write("_config.yml", POLYGLOT)
    head = {"permalink": "/hello/", "categories": ["News"], "author": "Ann"}
    site.post("2026-01-01-hello", "See [about](/about/).", title="Hello", lang="en", **head)
    site.post("2026-01-02-hello", "Siehe [über](/about/).", title="Hallo", lang="de", **head)
    site.post("2026-01-03-more", title="More")
    assert site.build().problems == ()
    assert site.titles("all") == ["More", "Hello"]
    assert site.titles("category/news") == ["Hello"]
    assert site.titles("language/en") == ["More", "Hello"]
    assert site.titles("language/de") == ["Hallo"]
    (entry,) = site.feed("language/de.atom").entries
    assert entry.link == "https://example.org/de/hello/"
    assert 'href="https://example.org/de/about/"' in entry.content[0].value
    assert site.feed("language/de.atom").feed.title == "T: de"
    assert site.feed("all.atom").entries[1].link == "https://example.org/hello/"
    assert check_site(site.service().config).problems == ()


def test_a_site_gets_languages(site: Site) -> None:
    """The feeds follow another config, and ids stay."""
    head = {"permalink": "/hello/", "title": "Hallo", "lang": "de"}
    site.post("2026-01-02-hallo", **head)
    site.post("2026-01-03-more", title="More")
    site.build()
    (_, before) = site.feed("all.atom").entries
    site.write("_config.yml", POLYGLOT)
    site.build()
    assert site.titles("all") == ["More"]
    (entry,) = site.feed("language/de.atom").entries
    assert (entry.id, entry.link) == (before.id, "https://example.org/de/hello/")
    site.write("_config.yml", CONFIG)
    site.build()
    assert site.titles("all") == ["More", "Hallo"]
    assert not (site.feeds / "language/de.atom").exists()


def test_feeds_by_other_terms_only(site: Site) -> None:
    """`feeds.by` does not hide translations, which are in no other feed."""
    site.configure(f'{FEEDS}by = ["tag"]\n')
    site.write("_config.yml", POLYGLOT)
    site.post("2026-01-02-hallo", title="Hallo", lang="de", tags=["x"])
    site.build()
    assert site.titles("language/de") == ["Hallo"]
    assert site.titles("all") == []
    assert not (site.feeds / "tag/x.atom").exists()


def test_a_site_with_everything(site: Site) -> None:
    """Themes, plugins, languages and other posts do not get into each other's way."""
    theme = site.root.parent / "theme/_includes/figure"
    theme.parent.mkdir(parents=True)
    theme.write_text('<img src="{{ include.path }}">')
    with_theme(site, "theme")
    site.write(
        "_config.yml",
        f"{POLYGLOT}baseurl: /blog\nrepository: jane/blog\nplugins: [jemoji, jekyll-polyglot]\n"
        "relative_links: {collections: true}\n"
        "titles_from_headings: {collections: true, strip_title: true}\n",
    )
    site.write("about.md", "---\n---\n")
    site.write("assets/a.png", b"png")
    site.write(
        "_posts/2024-01-05-a.md", "---\ndescription: First\n---\n# The :tada: title\n\nText\n"
    )
    links = "[a](2024-01-05-a.md) [b](../about.md) ![p](../assets/a.png)"
    parts = [
        "# Heading",
        f"{links} :rocket:",
        "{% capture /dev/null %}hidden{% endcapture %}{{ page.previous.description }}",
        '{% include figure path="/blog/assets/a.png" %} {{ site.github.url }} {{ site.time }}',
        "{% gist octocat/1 %} {% avatar hubot %}",
    ]
    site.write("_posts/2024-01-06-b.md", "---\n---\n" + "\n\n".join(parts) + "\n")
    site.write("_posts/2024-01-07-c.md", f"---\nlang: de\n---\n# Titel\n\n{links}\n")
    report = site.build()
    assert (report.problems, report.notes) == ((), ())
    assert check_site(site.service().config).problems == ()
    assert site.titles("all") == ["Heading", "The 🎉 title"]
    text = content(site)
    root = "https://example.org/blog"
    for shown in (f"{root}/2024/01/05/a.html", f"{root}/about.html", f"{root}/assets/a.png"):
        assert f'="{shown}"' in text
    for shown in (
        "🚀",
        "First",
        "https://gist.github.com/octocat/1",
        "/hubot?",
        "2026-03-01 00:00",
    ):
        assert shown in text
    assert "hidden" not in text
    assert "Heading" not in text
    german = content(site, "language/de")
    assert f'href="{root}/de/about.html"' in german
    assert f'src="{root}/assets/a.png"' in german
