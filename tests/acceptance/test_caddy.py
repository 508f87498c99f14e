"""The Caddy example: Caddy serves the same folder with the same headers as we do."""

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from answering import OK, serving
from command import PATIENCE, free_port, until

CADDY = shutil.which("caddy")
EXAMPLE = Path(__file__).parents[2] / "config" / "Caddyfile"
ARCHIVED = "all/20260102-030405-42.atom"
FEEDS = {"all.atom": "application/atom+xml", "category/größe.rss": "application/rss+xml"}

pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. The hub behind it answers "ok" to everything."""
    place = tmp_path_factory.mktemp("caddy")
    for path in (*FEEDS, "feed.xml", ARCHIVED):
        file = place / "feeds" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"a feed " * 200)
        Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    base = f"http://127.0.0.1:{free_port()}"
    with serving(OK) as hub:
        example = EXAMPLE.read_text()
        for written, replacement in (
            ("\nfeeds.example.com {", f"\n{base} {{"),
            ("/srv/syndicator/feeds", str(place / "feeds")),
            ("127.0.0.1:8080 ", f"127.0.0.1:{hub.port} "),
            ("# rewrite /feed.xml", "rewrite /feed.xml"),
            ("# redir /category/old.rss", "redir /category/old.rss"),
        ):
            assert written in example
            example = example.replace(written, replacement)
        config = place / "Caddyfile"
        config.write_text("{\nadmin off\nauto_https off\n}\n" + example)
        command = [str(CADDY), "run", "--config", str(config), "--adapter", "caddyfile"]
        with subprocess.Popen(
            command, stderr=subprocess.DEVNULL, env={"HOME": str(place)}
        ) as process:
            try:
                until(
                    lambda: process.poll() is not None or answers(base), what="the start of Caddy"
                )
                assert process.poll() is None, "Caddy refuses the example"
                yield base
                process.terminate()
                process.wait(PATIENCE)
            finally:
                process.kill()


def answers(base: str) -> bool:
    try:
        return requests.get(base, timeout=5).status_code > 0
    except requests.ConnectionError:
        return False


def get(url: str, **headers: str) -> requests.Response:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(url, headers=lines, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("path", FEEDS)
def test_the_headers_of_a_feed(caddy: str, path: str, coding: str) -> None:
    """Each once: type with charset, coding, Link, Cache-Control, Vary and nosniff."""
    response = get(f"{caddy}/{path}", Accept_Encoding=coding)
    assert response.content == b"a feed " * 200
    assert response.headers["content-type"] == f"{FEEDS[path]}; charset=utf-8"
    assert response.headers.get("content-encoding", "identity") == coding
    for name, value in (
        ("vary", "Accept-Encoding"),
        ("cache-control", "max-age=300"),
        ("x-content-type-options", "nosniff"),
    ):
        assert response.raw.headers.getlist(name) == [value]
    address = f"https://feeds.example.com/{path.replace('größe', 'gr%C3%B6%C3%9Fe')}"
    assert response.headers["link"].endswith(f'<{address}>; rel="self"')
    again = get(f"{caddy}/{path}", Accept_Encoding=coding, If_None_Match=response.headers["etag"])
    assert again.status_code == 304
    assert again.raw.headers.getlist("vary") == ["Accept-Encoding"]


def test_an_alias_has_the_bytes_and_headers_of_its_feed(caddy: str) -> None:
    """It is not redirected, except for people."""
    alias, feed = get(f"{caddy}/feed.xml"), get(f"{caddy}/all.atom")
    for each in (alias, feed):
        del each.headers["date"]
    assert (alias.status_code, alias.headers, alias.content) == (200, feed.headers, feed.content)
    page = get(f"{caddy}/feed.xml", Sec_Fetch_Dest="document")
    assert (page.status_code, page.headers["location"]) == (303, "/all.html#atom")
    assert page.raw.headers.getlist("vary") == ["Sec-Fetch-Dest"]


def test_an_archived_page_is_cached_for_long(caddy: str) -> None:
    """It names no hub. People get the page of the same entries."""
    response = get(f"{caddy}/{ARCHIVED}")
    assert response.raw.headers.getlist("cache-control") == ["max-age=3600"]
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert "link" not in response.headers
    page = get(f"{caddy}/{ARCHIVED}", Sec_Fetch_Dest="document")
    assert page.headers["location"] == f"/{ARCHIVED.replace('.atom', '.html#atom')}"


def test_a_moved_feed_is_redirected(caddy: str) -> None:
    moved = get(f"{caddy}/category/old.rss")
    assert (moved.status_code, moved.headers["location"]) == (301, "/category/new.rss")


@pytest.mark.parametrize("path", ["/hub", "/hub/"])
def test_the_hub_is_proxied(caddy: str, path: str) -> None:
    assert requests.post(caddy + path, data={"hub.mode": "publish"}, timeout=10).text == "ok"


@pytest.mark.parametrize("path", ["/nothing.rss", "/all.atom.gz", "/readyz", "/metrics"])
def test_404_without_links(caddy: str, path: str) -> None:
    response = get(caddy + path)
    assert (response.status_code, "link" in response.headers) == (404, False)
    assert response.text == "404 Not Found"
