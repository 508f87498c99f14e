"""The operator's page of the real daemon: what it shows, to whom, and after a restart."""

import re
from pathlib import Path

import requests
from command import Command, until


def page(command: Command, host: str | None = None) -> requests.Response:
    return requests.get(command.admin, headers={"Host": host} if host else {}, timeout=10)


def test_a_save_is_on_the_page(tmp_path: Path) -> None:
    """With its problem. The public address has none of it, and other host names get no answer."""
    command = Command(tmp_path)
    command.post("2026-01-01-one", "The river came back")
    command.post("2026-01-02-two", head='date: "tomorrow"\n')
    command.post("2099-01-01-later", "Not yet")
    with command.running():
        until(lambda: "The river" in command.feed("all.rss"))
        until(lambda: "2 posts (" in page(command).text, what="the run")
        text = page(command).text
        assert page(command, "evil.example").status_code == 400
        public = [requests.get(command.url + path, timeout=10) for path in ("", "status", "x")]
    assert "_posts/2026-01-02-two.md" in text
    assert re.search("Not yet</h3>\n<p>appears <time", text)
    assert str(tmp_path) in text
    for answer in public:
        assert str(tmp_path) not in answer.text
        assert "Not yet" not in answer.text


def busiest_minute(text: str) -> float:
    """Requests a minute in the busiest five minutes, as the plot's label has them."""
    found = re.search(r"Requests in the last day: at most ([\d.,]+) a minute", text)
    assert found, text
    return float(found[1].replace(",", ""))


def test_the_last_day_survives_a_restart(tmp_path: Path) -> None:
    """What was served before the daemon stopped is in the plot of the next one."""
    command = Command(tmp_path)
    command.post("2026-01-01-one")
    with command.running() as daemon:
        until(lambda: requests.get(f"{command.url}all.rss", timeout=10).ok)
        for _ in range(400):
            requests.get(f"{command.url}all.rss", timeout=10)
        until(lambda: busiest_minute(page(command).text) >= 40, what="the requests")
        daemon.end()
    # The 400 may stand in two intervals of five minutes. The start alone makes only a few.
    with command.running():
        assert busiest_minute(page(command).text) >= 40
