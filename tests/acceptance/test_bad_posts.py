"""Bad posts beside good ones: the good ones are published, each bad one is a problem."""

import json
import os
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from support import Site

DEEP = 50_000

#: Files that are not posts, by name; each is left out, with a problem.
LEFT_OUT: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\n",
    "nul": b"\0" * 100,
    "latin1": "---\ntitle: Caf\u00e9\n---\n".encode("latin-1"),
    "utf16": "---\ntitle: x\n---\n".encode("utf-16"),
    "unclosed": b"---\ntitle: x\n",
    "only-dashes": b"---\n",
    "toml-bad": b"+++\ntitle = \n+++\n",
    "toml-deep": b"+++\na = " + b"[" * DEEP + b"\n+++\n",
    "json-bad": b'{\n"title": \n}\n',
    "json-deep": b'{\n"a": ' + b"[" * DEEP + b"\n}\n",
    "huge-head": b'---\ntitle: "' + b"x" * 100_000 + b'"\n---\n',
}

#: Heads that can't be read or have no date; each is left out, with a problem and its line.
BAD_HEADS = {
    "deep-flow": "a: " + "[" * DEEP,
    "deep-map": "a: " + "{a: " * 10_000,
    "deep-seq": "- " * 30_000,
    "deep-key": "? " * 30_000,
    "self": "a: &a [*a]",
    "bomb": "\n".join(
        f"{a}: &{a} [{','.join([b] * 9)}]"
        for a, b in zip("abcdefg", ["x", *(f"*{c}" for c in "abcdef")], strict=True)
    ),
    "colon": "title: a: b",
    "quote": 'title: "x',
    "at": "title: @x",
    "backtick": "title: `x`",
    "percent": "title: %x",
    "apostrophe": "title: 'it's'",
    "tab": "\ttitle: x",
    "bracket": "title: [a",
    "indent": "title: x\n  bad: y",
    "second": "a: 1\n--- x: y",
    "version": "%YAML 9.9",
    "alias": "a: *nope",
    "unhashable": "? [a, b]\n: c",
    "merge": "<<: x",
    "surrogate": 'title: "\\ud800"',
    "python": 'title: !!python/object/apply:os.system ["touch pwned"]',
    "control": "title: a\x07b",
    "text": "just text",
    "list": "- a\n- b",
    "number": "42",
    "tomorow": "date: tomorow",
    "zero": "date: 0000-00-00",
    "far": "date: 99999-01-01",
    "edge": "date: 9999-12-31 23:59:59 -0500",
    "mapping-date": "date: {a: b}",
    "bool-date": "date: yes",
    "blank-date": 'date: ""',
    "long-date": f'date: "{"1" * 5000}"',
}

#: File names with an impossible date.
BAD_NAMES = ("no-date", "2024-13-45-x", "0000-01-01-x")

#: Odd but readable heads: the post is published, repaired, with a problem.
MENDED = {
    "february": "date: 2024-02-30",
    "twice": "title: One\ntitle: Two",
    "list-title": "title: [a, b]",
    "map-title": "title: {a: b}",
    "empty-title": 'title: "  "',
    "id": "id: [a]",
    "permalink": "permalink: [a]",
    "author": "author: {email: x}",
    "categories": "categories: {a: b}",
    "liquid": "title: x",
}


def test_sixty_bad_posts_beside_five_good_ones(tmp_path: Path) -> None:
    """Each bad post affects only itself, and takes seconds at most."""
    site = Site(tmp_path)
    for day in range(1, 6):
        site.post(f"2026-01-0{day}-good", f"Good text {day}.", categories=["News"])
    bad = _write_bad(site)
    assert len(bad) >= 60
    begun = time.monotonic()
    report = site.build()
    assert time.monotonic() - begun < 20
    named = {problem.path for problem in report.problems}
    assert sorted(bad - named) == []
    assert [
        p.path for p in report.problems if p.path.startswith("_posts/2026-02") and p.line is None
    ] == [
        "_posts/2026-02-01-blank.md",
        "_posts/2026-02-01-empty.md",
        "_posts/2026-02-03-fifo.md",
        "_posts/2026-02-03-link.md",
        "_posts/2026-02-03-sparse.md",
    ]
    titles = site.titles("all")
    assert [title for title in titles if "good" in title] == [
        f"2026-01-0{day}-good" for day in (5, 4, 3, 2, 1)
    ]
    assert len(titles) == 5 + len(MENDED)
    for path in site.tree():
        if path.endswith((".rss", ".atom")):
            ET.fromstring((site.feeds / path).read_bytes())
        elif path.endswith(".json"):
            json.loads((site.feeds / path).read_bytes())
    assert sorted(os.listdir(tmp_path)) == [
        "feeds",
        "secret",
        "site",
        "state.db",
        "state.db.run.lock",
        "syndicator.toml",
    ]
    assert "secret" not in str(site.tree())
    assert site.build().problems == report.problems


def _write_bad(site: Site) -> set[str]:
    (site.root.parent / "secret").write_text("---\ntitle: secret\n---\nsecret\n")
    files: dict[str, bytes] = {f"2026-02-01-{name}.md": data for name, data in LEFT_OUT.items()}
    files |= {
        f"2026-02-02-{name}.md": f"---\n{head}\n---\nText.\n".encode()
        for name, head in BAD_HEADS.items()
    }
    files |= {f"{name}.md": b"---\ntitle: x\n---\nText.\n" for name in BAD_NAMES}
    files |= {
        f"2026-02-04-{name}.md": f"---\n{head}\n---\nText {{% nope %}}.\n".encode()
        for name, head in MENDED.items()
    }
    for name, data in files.items():
        site.write(f"_posts/{name}", data)
    posts = site.root / "_posts"
    os.mkfifo(posts / "2026-02-03-fifo.md")
    (posts / "2026-02-03-link.md").symlink_to(site.root.parent / "secret")
    with open(posts / "2026-02-03-sparse.md", "wb") as sparse:
        sparse.truncate(3 << 30)
    return {f"_posts/{name}" for name in files} | {
        f"_posts/2026-02-03-{name}.md" for name in ("fifo", "link", "sparse")
    }


def test_problems_persist(tmp_path: Path) -> None:
    """At each poll and start, while the bad file is there: no file, no name, a dangling link."""
    site = Site(tmp_path)
    site.post("2026-01-01-good")
    posts = site.root / "_posts"
    os.mkfifo(posts / "2026-02-03-fifo.md")
    (posts / "2026-02-03-circle.md").symlink_to("2026-02-03-circle.md")
    (posts / "2026-02-03-dangling.md").symlink_to("nowhere.md")
    (posts / "2026-02-03-out.md").symlink_to(site.root.parent / "syndicator.toml")
    Path(os.fsdecode(os.fsencode(posts) + b"/2026-02-03-\xff.md")).write_text("x")
    with site.service() as service:
        first = service.build().problems
        assert len(first) == 5
        for _ in range(3):
            site.clock.forward(minutes=1)
            assert service.build().problems == first
    assert site.build().problems == first
    for path in posts.glob("2026-02-03*"):
        path.unlink()
    assert site.build().problems == ()


def test_a_repaired_link_is_a_post(tmp_path: Path) -> None:
    """While it dangles, its last good version stays."""
    site = Site(tmp_path)
    target = site.root / "text.md"
    (site.root / "_posts").mkdir(parents=True, exist_ok=True)
    (site.root / "_posts/2026-01-01-link.md").symlink_to("../text.md")
    with site.service() as service:
        assert [str(problem) for problem in service.build().problems] == [
            "_posts/2026-01-01-link.md: is a broken link"
        ]
        target.write_text("---\ntitle: Linked\n---\nText.\n")
        site.clock.forward(minutes=1)
        assert (service.build().new, site.titles("all")) == (1, ["Linked"])
        target.unlink()
        site.clock.forward(minutes=1)
        report = service.build()
    assert (len(report.problems), report.gone, site.titles("all")) == (1, 0, ["Linked"])


def test_hostile_text_breaks_no_feed(tmp_path: Path) -> None:
    """Markup, control characters, entities and paths in every field: the feeds parse."""
    site = Site(tmp_path)
    nasty = [
        "]]>",
        "<script>alert(1)</script>",
        "&#7;&amp;#7;",
        "a\u2028b\ufffe",
        "</title></rss>",
        "\\u0000",
        "\"'&<>",
    ]
    for day, text in enumerate(nasty, 10):
        site.post(
            f"2026-01-{day}-x",
            f"{text}\n\n<p onclick='x'>{text}</p>",
            title=f"T {text}",
            author=text,
            categories=[text],
            tags=[text],
            excerpt=text,
            image=f"a/{text}.png",
        )
    site.build()
    for path in site.tree():
        if path.endswith((".rss", ".atom")):
            root = ET.fromstring((site.feeds / path).read_bytes())
            assert "alert" not in (
                root.findtext(".//{http://purl.org/rss/1.0/modules/content/}encoded") or ""
            )
    titles = [item["title"] for item in json.loads((site.feeds / "all.json").read_text())["items"]]
    assert titles == [
        "T “‘&<>",
        "T \\u0000",
        "T </title></rss>",
        "T a\u2028b",
        "T &#7;",
        "T",
        "T ]]>",
    ]
    assert sorted(os.listdir(tmp_path)) == [
        "feeds",
        "site",
        "state.db",
        "state.db.run.lock",
        "syndicator.toml",
    ]
