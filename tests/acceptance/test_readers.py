"""Real feed readers show the feeds as they were written."""

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import PATIENCE
from support import Site


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """A built site, and the address that its feeds are served at."""
    site = Site(tmp_path)
    site.post(
        "2026-01-01-one",
        "It cost £40, the café’s owner said.",
        title="One & <only>",
        categories=["Åäö"],
    )
    site.post("2026-01-02-two", "A [link](/about/) & *more*.", title="Two", categories=["Åäö"])
    site.build()
    handler = partial(SimpleHTTPRequestHandler, directory=site.feeds)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield site, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.skipif(shutil.which("newsboat") is None, reason="newsboat is not installed")
@pytest.mark.parametrize(
    "path",
    ["all.rss", "all.atom", "category/%C3%A5%C3%A4%C3%B6.rss", "category/%C3%A5%C3%A4%C3%B6.atom"],
)
def test_newsboat_shows_titles_and_text(
    served: tuple[Site, str], tmp_path: Path, path: str
) -> None:
    """The real program, over HTTP; a second fetch gets nothing new."""
    _, base = served
    (tmp_path / "urls").write_text(f"{base}{path}\n")
    (tmp_path / "config").write_text("")
    files = ["-u", tmp_path / "urls", "-c", tmp_path / "cache.db", "-C", tmp_path / "config"]
    for _ in range(2):
        environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        subprocess.run(
            ["newsboat", *files, "-x", "reload"],
            check=True,
            timeout=PATIENCE,
            capture_output=True,
            env=environ,
        )
    with sqlite3.connect(tmp_path / "cache.db") as cache:
        items = cache.execute(
            "SELECT title, url, author, content FROM rss_item ORDER BY pubDate DESC"
        ).fetchall()
        (title,) = cache.execute("SELECT title FROM rss_feed").fetchone()
    assert title == ("The Daily" if path.startswith("all") else "The Daily: Åäö")
    assert [item[:3] for item in items] == [
        ("Two", "https://news.example.com/two/", "sal"),
        ("One & <only>", "https://news.example.com/one/", "sal"),
    ]
    assert '<a href="https://news.example.com/about/">link</a>' in items[0][3]
    assert "It cost £40, the café’s owner said." in items[1][3]
