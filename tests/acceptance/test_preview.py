"""`syndicator preview` and `syndicator feeds`, as an operator uses them."""

import json
import os
import re
import stat
from html import unescape
from pathlib import Path
from urllib.request import url2pathname

import pytest
from command import Command


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.post("2026-01-02-one", "One", text="Some *text*.\n\n<script>alert(1)</script>")
    return command


def test_a_post_is_shown_as_text(command: Command) -> None:
    """Its id, its feeds, its problems with their hints, and its entry in each format."""
    bad = command.post("2026-01-03-two", "Two", head="last_modified_at: soon\n")
    done = command("preview", str(bad))
    assert (done.returncode, done.stderr) == (1, "")
    head, _, entries = done.stdout.partition("\n\nRSS:\n")
    assert head.splitlines() == [
        "_posts/2026-01-03-two.md: Two",
        "  id         https://example.com/news/2026/01/03/two",
        "             as jekyll-feed makes it",
        "  page       https://example.com/news/2026/01/03/two.html",
        "  published  2026-01-03 00:00:00 UTC",
        "",
        "Feeds:",
        "  all            entry 1 of 2",
        "  category/news  entry 1 of 2",
        "",
        "1 problem:",
        '  _posts/2026-01-03-two.md:4: last_modified_at is not a date: "soon"',
        "      write it like 2026-01-31 or 2026-01-31 18:00:00 +0100",
    ]
    assert re.search(r"<item>.*\n\nAtom:\n<entry>.*\n\nJSON:\n\{.*\}\n\Z", entries, re.DOTALL)


def test_the_json_has_the_same(command: Command) -> None:
    """Programs get one object, without the terminal's rules."""
    done = command("preview", "one", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["path"], found["id_from"]) == ("_posts/2026-01-02-one.md", "jekyll-feed")
    assert found["formats"].keys() == {"rss", "atom", "json"}
    assert found["feeds"][0] == {"name": "all", "position": 1, "entries": 1, "reason": None}


def test_a_name_can_not_command_the_terminal(command: Command) -> None:
    """Control characters of a path, a title or a text are left out."""
    command.post("2026-01-04-x\x1b[31mx", '"\\e[31mRed"', text="\x1b[31mRed, \x9b31m.")
    for name, shown in (("x\x1b[31mx", "x[31mx.md: [31mRed"), ("no\x1b[31m", "no[31m: there is")):
        done = command("preview", name)
        assert shown in done.stdout + done.stderr
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr)


def test_open_shows_a_page(command: Command) -> None:
    """The browser gets a page that only this user can read, and that loads and runs nothing."""
    browser = command.root / "browser"
    browser.write_text('#!/bin/sh\nprintf %s "$1" > "$0.opened"\n')
    browser.chmod(0o755)
    environ = {"BROWSER": str(browser), "TMPDIR": str(command.root)}
    done = command("preview", "one", "--open", environ=environ)
    address = (command.root / "browser.opened").read_text()
    assert (done.returncode, done.stdout) == (0, f"opened {address}\n")
    page = Path(url2pathname(address.removeprefix("file://")))
    assert stat.S_IMODE(os.stat(page).st_mode) == 0o600
    text = unescape(page.read_text())
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in text
    assert "<p>Some <em>text</em>.</p>" in page.read_text()
    assert "<script" not in page.read_text()
    missing = command("preview", "one", "--open", environ=environ | {"BROWSER": "", "PATH": ""})
    assert missing.stdout.startswith("found no browser: open file:///")


def test_feeds_are_listed_with_their_addresses(command: Command) -> None:
    """A table for people; for programs the `feeds` of the status."""
    missing = command("feeds")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "there is no state yet" in missing.stderr
    command.build()
    lines = command("feeds").stdout.splitlines()
    assert lines[:3] == [
        "feed           entries  subscribers  address",
        f"all                  1            0  {command.url}all.rss",
        f"                                     {command.url}all.atom",
    ]
    assert len(lines) == 1 + 2 * 4
    status = json.loads(command("status", "--json").stdout)
    assert json.loads(command("feeds", "--json").stdout) == {"feeds": status["feeds"]}
