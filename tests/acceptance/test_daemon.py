"""The running daemon: saved files, signals, reloads, faults, and pings to a real hub."""

import json
import queue
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from command import AT_ONCE, PATIENCE, Command, Hub, free_port, until

from syndicator.outputs import owner

#: Names of temporary files in the output folder.
TEMPORARY = ".syndicator-[0-9]*"

#: The module that renders posts, and the packages that take long to import.
RENDERER = "syndicator.jekyll.trial"
SLOW = ("syndicator.", "liquid", "markdown_it", "feedgen", "lxml", "requests", "sqlalchemy")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.post("2026-01-02-one", "First news")
    return command


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


def push_settings(hub: Hub) -> str:
    """The settings that ping this hub, with short delays between retries."""
    return f'[push]\nhubs = ["{hub.url}"]\nretry = ["200ms", "500ms", "1s", "2s", "5s"]'


def events(lines: list[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines]


def metric(command: Command, name: str) -> float:
    """The value of a metric, named with its labels; 0 if it is not listed."""
    text = requests.get(f"{command.admin}metrics", timeout=10).text
    values = (line.removeprefix(f"{name} ") for line in text.splitlines() if line.startswith(name))
    return float(next(values, 0))


def is_served(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.RequestException:  # refused, closed, or slow on a busy machine
        return False


def count(word: str, lines: list[str]) -> int:
    """The number of lines that contain a word."""
    return sum(word in line for line in lines)


def test_ready_means_built_and_served(command: Command) -> None:
    """The start ends with the index page's address. The feeds are then on disk and served."""
    with command.running() as daemon:
        assert daemon.out == [f"Serving {command.url}\n"]
        assert "First news" in command.feed("all.atom")
        assert "First news" in requests.get(f"{command.url}category/news.json", timeout=10).text
        index = requests.get(command.url, timeout=10)
        assert index.headers["content-type"] == "text/html; charset=utf-8"
        assert requests.get(f"{command.url}readyz", timeout=10).json()["ready"] is True
        assert "syndicator_posts 1.0" in requests.get(f"{command.admin}metrics", timeout=10).text
        code, seconds = daemon.end()
        assert (code, seconds < AT_ONCE) == (0, True)
    # The thread that collects the lines may end after the process.
    until(lambda: count('"stopped"', daemon.err), what="the last line")
    assert [line["event"] for line in events(daemon.err)] == ["run", "stopped"]


def test_an_operators_address_in_use_is_a_warning(command: Command) -> None:
    """Feeds are served all the same. A reload tries the address again."""
    with (
        socket.create_server(("127.0.0.1", command.admin_port)) as other_program,
        command.running() as daemon,
    ):
        line = daemon.line(lambda line: "operator's address" in line)
        assert "web.admin" in str(json.loads(line)["hint"])
        assert requests.get(f"{command.url}livez", timeout=10).ok
        other_program.close()
        daemon.send(signal.SIGHUP)
        until(lambda: is_served(f"{command.admin}metrics"))
        assert daemon.end()[0] == 0


def test_the_operators_address_follows_the_config(command: Command) -> None:
    """A reload serves a new address, or none if it is empty. Metrics are never public."""
    with command.running() as daemon:
        assert is_served(f"{command.admin}metrics")
        assert requests.get(f"{command.url}metrics", timeout=10).status_code == 404
        old = command.admin
        command.admin_port = free_port()
        new = f"http://127.0.0.1:{command.admin_port}/"
        command.configure()
        daemon.send(signal.SIGHUP)
        until(lambda: is_served(f"{new}metrics"))
        assert not is_served(f"{old}metrics")
        settings = command.config.read_text()
        admin = f'admin = "127.0.0.1:{command.admin_port}"'
        command.config.write_text(settings.replace(admin, 'admin = ""'))
        daemon.send(signal.SIGHUP)
        until(lambda: not is_served(f"{new}metrics"))
        assert requests.get(f"{command.url}livez", timeout=10).ok


def test_a_reload_swaps_the_public_and_the_operators_address(command: Command) -> None:
    """Each is the other's then, and again after the next reload."""
    with command.running() as daemon:
        for number in range(1, 3):
            command.port, command.admin_port = command.admin_port, command.port
            command.url, command.admin = command.admin, command.url
            command.configure()
            daemon.send(signal.SIGHUP)
            until(lambda number=number: count("read again", daemon.err) == number)
            assert is_served(f"{command.admin}metrics")
            assert not is_served(f"{command.url}metrics")
            assert is_served(f"{command.url}all.atom")
            assert daemon.out[-1] == f"Serving {command.url}\n"
        # The public one moves to the operator's address, and the operator's elsewhere.
        command.port, command.admin_port = command.admin_port, free_port()
        command.url, command.admin = command.admin, f"http://127.0.0.1:{command.admin_port}/"
        command.configure()
        daemon.send(signal.SIGHUP)
        until(lambda: is_served(f"{command.admin}metrics"))
        assert is_served(f"{command.url}all.atom")


def test_a_reload_to_a_port_of_the_daemon_itself(command: Command) -> None:
    """It is refused with that reason, and the old config stays."""
    with command.running() as daemon:
        text = command.config.read_text()
        listen = f'listen = "127.0.0.1:{command.port}"'
        command.config.write_text(text.replace(listen, f'listen = "0.0.0.0:{command.port}"'))
        daemon.send(signal.SIGHUP)
        line = daemon.line(lambda line: "is not used" in line)
        assert "this daemon itself listens at that port" in json.loads(line)["hint"]
        assert is_served(f"{command.url}all.atom")


def test_the_daemon_is_asked_for_its_status(command: Command) -> None:
    """By a user who has no config and may not read the state."""
    options = ("status", "--url", command.admin)
    with command.running():
        written = command.config.rename(command.root / "hidden.toml")
        assert command(*options, "--check").stdout == "All is well.\n"
        asked = json.loads(command(*options, "--json").stdout)
        written.rename(command.config)
        read = json.loads(command("status", "--json").stdout)
        assert asked.keys() == read.keys()
        assert (asked["daemon"], asked["feeds"]) == (read["daemon"], read["feeds"])
        public = command("status", "--check", "--url", command.url)
        assert "is not the operator's address" in public.stderr
    stopped = command(*options, "--check")
    assert (stopped.returncode, "no daemon answers at" in stopped.stderr) == (1, True)
    assert command(*options).returncode == 2


def test_a_saved_post_is_published_and_pinged_at_once(command: Command, hub: Hub) -> None:
    """The feeds contain a saved post when the hub is pinged: it finds the post as it fetches."""
    command.configure(push_settings(hub))
    with command.running():
        hub.topics(6)
        saved = time.monotonic()
        command.post("2026-01-03-two", "Second news")
        pings = [hub.next() for _ in range(6)]
        assert max(ping.at for ping in pings) - saved < AT_ONCE
        assert all(b"Second news" in ping.body for ping in pings)
        names = ("all", "category/news")
        assert {ping.topic for ping in pings} == {
            f"{command.url}{name}.{suffix}" for name in names for suffix in ("rss", "atom", "json")
        }


def test_the_first_post_after_a_restart_waits_for_no_import(command: Command) -> None:
    """Liquid and Markdown are imported when the first run is over, also if it rendered nothing."""
    command.build()
    with command.running(environ={"PYTHONPROFILEIMPORTTIME": "1"}) as daemon:
        renderer = daemon.line(lambda line: line.split("|")[-1].strip() == RENDERER)
        imported = daemon.err.index(renderer) + 1
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in command.feed("all.atom"))
        late = [line.split("|")[-1].strip() for line in daemon.err[imported:] if "|" in line]
        assert not [name for name in late if name.startswith(SLOW)]


def test_only_changed_feeds_are_pinged(command: Command, hub: Hub) -> None:
    """Editing a News post pings the site's feeds and News; a change that alters no feed, none."""
    command.configure(push_settings(hub))
    path = command.post("2026-01-03-two", "Business as usual", categories="Business")
    with command.running():
        assert len(hub.topics(9)) == 9
        path.touch()
        command.post("2026-01-02-one", "First news, corrected")
        topics = hub.topics(6)
        assert not any("business" in topic for topic in topics)
        assert hub.pings.empty()


def test_a_hub_that_comes_back_gets_every_ping(command: Command, hub: Hub) -> None:
    """While a hub answers with errors, its pings stay queued. Later it gets each of them once."""
    recovered = threading.Event()
    hub.answer = lambda topic: 204 if recovered.is_set() else 500
    command.configure(push_settings(hub))
    done = f'syndicator_pings_total{{hub="{hub.url}",outcome="done"}}'
    retried = f'syndicator_pings_total{{hub="{hub.url}",outcome="retry"}}'
    queued = 'syndicator_queued_jobs{kind="ping"}'
    with command.running():
        until(lambda: metric(command, retried) >= 6, what="a failed pass")
        until(lambda: metric(command, queued) == 6, what="the count of queued pings")
        recovered.set()
        assert len(hub.topics(6)) == 6
        until(lambda: metric(command, done) == 6)


def test_a_hanging_hub_delays_nothing_else(command: Command, hub: Hub) -> None:
    """While one hub hangs, posts are published, another hub is pinged, and a stop is quick."""
    with Hub() as hanging:
        release = threading.Event()
        hanging.answer = lambda topic: 204 if release.wait(60) else 500
        command.configure(f'[push]\nhubs = ["{hanging.url}", "{hub.url}"]\ntimeout = "30s"')
        with command.running() as daemon:
            hub.topics(6)
            saved = time.monotonic()
            command.post("2026-01-03-two", "Second news")
            assert b"Second news" in hub.next().body
            assert time.monotonic() - saved < AT_ONCE
            code, seconds = daemon.end()
            assert (code, seconds < AT_ONCE) == (0, True)
        release.set()


def test_queued_pings_are_sent_by_the_next_process(command: Command, hub: Hub) -> None:
    """kill -9 while the hub is down, start again when it is up: every queued ping arrives."""
    recovered = threading.Event()
    hub.answer = lambda topic: 204 if recovered.is_set() else 500
    command.configure(push_settings(hub))
    with command.running() as daemon:
        assert daemon.end(signal.SIGKILL)[0] == -signal.SIGKILL
    recovered.set()
    with command.running():
        assert len(hub.topics(6)) == 6


def test_a_restart_without_changes_does_nothing(command: Command, hub: Hub) -> None:
    """No file is written, no ping queued or sent, and a reader's copy is still current."""
    command.configure(push_settings(hub))
    with command.running() as daemon:
        hub.topics(6)
        etag = requests.get(f"{command.url}all.rss", timeout=5).headers["etag"]
        assert daemon.end()[0] == 0
    before = {path: path.stat().st_mtime_ns for path in command.feeds.rglob("*")}
    with command.running() as daemon:
        headers = {"If-None-Match": etag}
        response = requests.get(f"{command.url}all.rss", headers=headers, timeout=5)
        assert response.status_code == 304
        assert daemon.end()[0] == 0
    assert {path: path.stat().st_mtime_ns for path in command.feeds.rglob("*")} == before
    with closing(sqlite3.connect(command.root / "var/syndicator.db")) as state:
        assert state.execute("SELECT * FROM jobs").fetchall() == []
    assert hub.pings.empty()


def test_a_future_post_appears_by_itself(command: Command, hub: Hub) -> None:
    """Not before its date; then with its ping, without a saved file and long before a poll."""
    command.configure(push_settings(hub), poll="1h")
    with command.running():
        hub.topics(6)
        due = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
        command.post("2026-01-03-two", "Tomorrow's news", head=f"date: {due:%Y-%m-%d %H:%M:%S}\n")
        ping = hub.next()
        assert b"Tomorrow" in ping.body
        assert 0 <= (datetime.now(UTC) - due).total_seconds() < AT_ONCE


def test_a_poll_finds_what_the_watcher_misses(command: Command) -> None:
    """Without the watcher, polls alone publish a post."""
    command.configure("", poll="200ms")
    with command.running(environ={"SYNDICATOR_SOURCE__WATCH": "false"}):
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in command.feed("all.atom"))


# --------------------------------------------------------------------------------------------- stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it(command: Command, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end it with 0, at once. No temporary file is left."""
    with command.running() as daemon:
        code, seconds = daemon.end(number)
        assert (code, seconds < AT_ONCE) == (0, True)
    assert not list(command.feeds.rglob(TEMPORARY))


def test_a_second_signal_stops_it_at_once(command: Command, hub: Hub) -> None:
    """Without waiting for the requests that are under way."""
    pinged = threading.Event()
    release = threading.Event()

    def hang(_topic: str) -> int:
        pinged.set()
        return 204 if release.wait(PATIENCE) else 500

    hub.answer = hang
    command.configure(push_settings(hub))
    with command.running() as daemon:
        assert pinged.wait(PATIENCE)

        def is_ended_by_a_signal() -> bool:
            daemon.send(signal.SIGTERM)  # several: two that arrive together count as one
            return daemon.process.poll() is not None

        until(is_ended_by_a_signal, seconds=AT_ONCE)
        assert daemon.process.returncode == 128 + signal.SIGTERM
    release.set()


def test_a_second_daemon_names_the_first(command: Command) -> None:
    """A state has one daemon. A second one ends with 1 and names the process of the first."""
    with command.running() as daemon:
        second = command("run")
        assert second.returncode == 1
        assert f"pid {daemon.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert f"pid {daemon.process.pid}" in command("status").stdout


def test_a_daemon_of_another_state_leaves_the_folder_alone(
    command: Command, tmp_path: Path
) -> None:
    """It exits with 1, and a reload keeps the old config. The file that says so is not served."""
    other = Command(tmp_path / "other")
    with command.running(), other.running() as daemon:
        assert (command.feeds / owner.NAME).exists()
        assert requests.get(command.url + owner.NAME, timeout=5).status_code == 404
        third = Command(tmp_path / "third", f'[output]\npath = "{command.feeds}"')
        refused = third("run")
        assert refused.returncode == 1
        whose = f"{command.feeds} belongs to another state: {command.root}/var/syndicator.db on "
        assert whose in refused.stderr
        other.configure(f'[output]\npath = "{command.feeds}"')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "the new config is not used" in line and whose in line)


def test_a_daemon_whose_folder_is_taken_over_stops_building(
    command: Command, tmp_path: Path
) -> None:
    """It goes on serving what it has published, and reports the fault until the folder is free."""
    other = Command(tmp_path / "other")
    other.build()
    command.configure(poll="200ms")
    with command.running() as daemon:
        until(lambda: requests.get(f"{command.url}readyz", timeout=5).status_code == 200)
        published = requests.get(f"{command.url}all.rss", timeout=5).content
        # In one step: the daemon marks a folder without a mark again if it has something to write.
        (other.feeds / owner.NAME).replace(command.feeds / owner.NAME)
        other.configure(f'[output]\npath = "{command.feeds}"')
        other.build()
        daemon.line(lambda line: f"belongs to another state: {other.root}" in line)
        # The fault is logged before it is recorded.
        until(
            lambda: requests.get(f"{command.url}readyz", timeout=5).json().get("error") == "output"
        )
        assert requests.get(f"{command.url}all.rss", timeout=5).content == published
        assert command.feed("all.rss").encode() != published
        (command.feeds / owner.NAME).unlink()
        until(lambda: command.feed("all.rss").encode() == published)


def test_an_address_in_use_is_one_message(command: Command) -> None:
    """It names the address and the setting to change."""
    with socket.create_server(("127.0.0.1", command.port)):
        result = command("run")
    assert result.returncode == 1
    assert f"127.0.0.1:{command.port}" in result.stderr
    assert "web.listen" in result.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "[fe80::1]"])
def test_an_address_of_another_machine_is_one_message(command: Command, host: str) -> None:
    """It names the address as the setting has it, and the setting to change."""
    address = f"{host}:{command.port}"
    command.environ["SYNDICATOR_WEB__LISTEN"] = address
    result = command("run")
    assert (result.returncode, f"can't listen on {address}: " in result.stderr) == (1, True)
    assert "set web.listen" in result.stderr


# ------------------------------------------------------------------------------------------- reload


def test_a_good_config_takes_effect(command: Command) -> None:
    """SIGHUP reads the config again. Open connections stay open."""
    with command.running() as daemon, requests.Session() as reader:
        assert reader.get(f"{command.url}all.atom", timeout=5).ok
        command.configure('[hub]\nenabled = false\n[site]\ntitle = "Another title"')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "read again" in line)
        until(lambda: "Another title" in reader.get(f"{command.url}all.atom", timeout=5).text)
        headers = reader.get(f"{command.url}all.atom", timeout=5).headers
        assert 'rel="hub"' not in headers.get("link", "")
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in reader.get(f"{command.url}all.atom", timeout=5).text)
        assert list(command.root.rglob("*.db-wal"))
        assert daemon.end()[0] == 0
    assert not list(command.root.rglob("*.db-wal")), "the state was not closed"


def test_a_release_is_published_by_swapping_a_link(command: Command, tmp_path: Path) -> None:
    """The posts at once; the config with SIGHUP, also if it was replaced by another file.

    The daemon was started in the folder that the link leads to, as a shell names it.
    """
    releases = [tmp_path / name for name in ("1", "2")]
    current = tmp_path / "current"
    shared = f'path = "{tmp_path}/feeds"\n[state]\nurl = "sqlite:///{tmp_path}/state.db"'
    for number, release in enumerate(releases, 1):
        command.post("2026-01-02-one", f"Of release {number}")
        command.configure(f'[site]\ntitle = "Config {number}"\n[output]\n{shared}', poll="60s")
        for name in ("site", "config"):
            shutil.copytree(tmp_path / name, release / name)
    current.symlink_to("1")
    command.root = current
    with command.running(environ={"PWD": str(current)}) as daemon:

        def published() -> str:
            return requests.get(f"{command.url}all.atom", timeout=5).text

        def swap(link: Path, target: str) -> None:
            new = link.with_name("new")
            new.symlink_to(target)
            new.replace(link)

        assert "Of release 1" in published()
        swap(current, "2")
        until(lambda: "Of release 2" in published())
        assert "Config 2" not in published()
        daemon.send(signal.SIGHUP)
        until(lambda: "Config 2" in published())
        config = releases[1] / "config/syndicator.toml"
        config.with_name("new").write_text(config.read_text().replace("Config 2", "Config 3"))
        config.with_name("new").replace(config)
        daemon.send(signal.SIGHUP)
        until(lambda: "Config 3" in published())
        (releases[1] / "site/_posts").rename(releases[1] / "site/posts")
        shutil.copytree(releases[1] / "site/posts", releases[1] / "site/newer")
        (releases[1] / "site/newer/2026-01-03-two.md").write_text("---\ntitle: Newer\n---\nText.\n")
        (releases[1] / "site/_posts").symlink_to("posts")
        swap(releases[1] / "site/_posts", "newer")
        until(lambda: "Newer" in published())


def test_a_bad_config_changes_nothing(command: Command) -> None:
    """Every mistake is logged, and the old config stays in use."""
    with command.running() as daemon:
        command.config.write_text('[source]\npath = "../site"\npoll = 3\n[feeds]\nformat = []\n')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "feeds.format" in line)
        daemon.line(lambda line: "source.poll" in line)
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in requests.get(f"{command.url}all.atom", timeout=5).text)


def test_an_output_that_is_not_a_folder_changes_nothing(command: Command) -> None:
    """Of a new config. The feeds stay where they are, and are served."""
    wrong = command.root / "file"
    wrong.write_text("")
    with command.running() as daemon:
        for output in (wrong, wrong / "feeds"):
            command.configure(f'[output]\npath = "{output}"')
            daemon.send(signal.SIGHUP)
            daemon.line(lambda line: f"{wrong} is not a folder" in line and "not used" in line)
            assert requests.get(f"{command.url}all.atom", timeout=5).ok
        command.configure(f'[output]\npath = "{command.root}/new/feeds"')
        daemon.send(signal.SIGHUP)
        until((command.root / "new/feeds/all.atom").exists)


def test_another_address_takes_effect(command: Command) -> None:
    """A new web.listen is served, and the old one is closed."""
    with command.running() as daemon:
        old = command.port
        new = free_port()
        command.configure(port=new)
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: f":{new}/" in line, daemon.out)
        assert requests.get(f"http://127.0.0.1:{new}/all.atom", timeout=5).ok
        until(lambda: not is_served(f"http://127.0.0.1:{old}/all.atom"))


def test_a_reload_works_while_the_state_refuses_writes(command: Command) -> None:
    """Claims of an earlier daemon are released once the state accepts it; posts are published."""
    now = time.time_ns() // 1000
    claimed_job = (
        "INSERT INTO jobs (kind, target, topic, variant, host, state, claimer, expires, attempts,"
        " since, due, not_before, detail) VALUES ('ping', 'https://hub.example/',"
        " 'https://example.com/', '', 'hub.example', 'claimed', 'daemon',"
        f" {now + 120_000_000}, 0, {now}, {now + 3_600_000_000}, 0, '{{}}')"
    )
    refusal = (
        "CREATE TRIGGER refusal BEFORE DELETE ON jobs"
        " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    with (
        command.running() as daemon,
        closing(sqlite3.connect(command.root / "var/syndicator.db")) as state,
    ):
        with state:
            state.execute(claimed_job)
            state.execute(refusal)
        command.configure('[site]\ntitle = "Another title"')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "push failed" in line and "the disk is full" in line)
        until(lambda: "Another title" in requests.get(f"{command.url}all.atom", timeout=5).text)
        with state:
            state.execute("DROP TRIGGER refusal")
        until(lambda: state.execute("SELECT state FROM jobs").fetchall() == [("waiting",)])


def test_feeds_are_served_while_the_state_is_rebuilt(command: Command) -> None:
    """A deleted state has forgotten every file. Published ones are served until it is rebuilt."""
    command.configure(poll="100ms")
    with command.running() as daemon, requests.Session() as reader:
        statuses = set()

        def is_rebuilt() -> bool:
            statuses.add(reader.get(f"{command.url}all.atom", timeout=5).status_code)
            return count('"run"', daemon.err) > 1

        daemon.line(lambda line: '"run"' in line)
        for path in (command.root / "var").iterdir():
            path.unlink(missing_ok=True)  # the daemon may remove files of the old state
        until(is_rebuilt)
        assert statuses == {200}


# ------------------------------------------------------------------------------------------- others


@pytest.mark.parametrize(("number", "missing"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_a_daemon_stopped_with_ctrl_c_is_not_missing(
    command: Command, number: signal.Signals, missing: bool
) -> None:
    """Its operator builds by hand from now on. After another end, `status --check` reports it."""
    with command.running() as daemon:
        assert daemon.end(number)[0] == 0
    result = command("status", "--check")
    reported = "the daemon is not running" in result.stdout
    assert (result.returncode, reported) == (int(missing), missing)


def test_push_leaves_jobs_to_a_running_daemon(command: Command) -> None:
    """The daemon pings once it serves the new feed. Another process might ping too early."""
    with command.running():
        done = command("push", "--all")
    assert (done.returncode, done.stdout) == (0, "left to the running daemon\n")


def test_an_address_outside_ascii_is_served(command: Command) -> None:
    """Its path is served percent-encoded, and links in headers are ASCII."""
    settings = command.config.read_text()
    command.config.write_text(settings.replace(command.url, "http://ä.example/ö/"))
    with command.running() as daemon:
        daemon.line(lambda line: line.startswith("Serving"), daemon.out)
        for path in ("all.atom", "%C3%B6/all.atom"):
            response = requests.get(f"{command.url}{path}", timeout=5)
            link = '<http://xn--4ca.example/%C3%B6/all.atom>; rel="self"'
            assert link in response.headers["link"]


def test_what_another_process_published_is_served(command: Command) -> None:
    """Before its pings are sent, and long before the next poll."""
    command.configure(poll="1h")
    command.config.write_text(command.config.read_text().replace("poll", "watch = false\npoll"))
    with command.running():
        command.post("2026-01-03-two", "Second news")
        assert command("build").returncode == 0
        until(lambda: "Second news" in requests.get(f"{command.url}all.atom", timeout=5).text)


# ------------------------------------------------------------------------------------------- faults


def test_a_missing_source_is_logged_once_and_recovers(command: Command) -> None:
    """The feeds stay. The error is one line, however many polls fail, and recovery another."""
    command.configure("", poll="100ms")
    with command.running() as daemon:
        away = command.site.rename(command.root / "away")
        daemon.line(lambda line: "build failed" in line)
        until(lambda: requests.get(f"{command.url}readyz", timeout=5).status_code == 503)
        failed = 'syndicator_runs_total{result="failed"}'
        until(lambda: metric(command, failed) > 3)
        assert "First news" in requests.get(f"{command.url}all.atom", timeout=5).text
        assert count("build failed", daemon.err) == 1
        away.rename(command.site)
        daemon.line(lambda line: "build works again" in line)
        until(lambda: requests.get(f"{command.url}readyz", timeout=5).ok)
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in command.feed("all.atom"))


def test_a_problem_is_logged_once_and_when_it_is_gone(command: Command) -> None:
    """A bad post is one warning, not one each poll. Fixing it is logged too."""
    command.configure("", poll="100ms")
    with command.running() as daemon:
        command.post("2026-01-03-bad", head='date: "tomorow"\n')
        daemon.line(lambda line: "tomorow" in line)
        unchanged = 'syndicator_runs_total{result="unchanged"}'
        before = metric(command, unchanged)
        until(lambda: metric(command, unchanged) > before + 3)
        assert count("tomorow", daemon.err) == 1
        command.post("2026-01-03-bad", "Good now")
        daemon.line(lambda line: '"solved"' in line)


def test_systemd_is_notified(command: Command) -> None:
    """READY, WATCHDOG at the interval systemd asks for, RELOADING and STOPPING (sd_notify(3))."""
    path = str(command.root / "notify")
    messages: queue.SimpleQueue[str] = queue.SimpleQueue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)

        def collect() -> None:
            """Read on permanently: a socket keeps about ten messages, later ones are dropped."""
            while message := systemd.recv(4096):
                messages.put(message.decode())

        def receive(wanted: str) -> None:
            """Wait for a message. Others come before it, such as WATCHDOG every 200 ms."""
            until(lambda: wanted in messages.get(timeout=PATIENCE), what=wanted)

        collector = threading.Thread(target=collect, daemon=True)
        collector.start()
        environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}
        with command.running(environ=environ) as daemon:
            receive("READY=1\nSTATUS=Serving")
            receive("WATCHDOG=1")
            daemon.send(signal.SIGHUP)
            receive("RELOADING=1\nMONOTONIC_USEC=")
            receive("READY=1")
            daemon.send(signal.SIGTERM)
            receive("STOPPING=1")
            assert daemon.process.wait(PATIENCE) == 0
        systemd.shutdown(socket.SHUT_RDWR)
        collector.join(PATIENCE)


def test_nothing_is_lost_when_it_is_killed(command: Command, hub: Hub) -> None:
    """After rounds of saving a post and kill -9, the hub fetches a feed with every post."""
    command.configure(push_settings(hub))
    for number in range(4):
        with command.running() as daemon:
            command.post(f"2026-02-0{number + 1}-round", f"Round {number}")
            time.sleep(0.05 * number)  # varies when it is killed; nothing is awaited
            daemon.end(signal.SIGKILL)
    topic = f"{command.url}all.atom"
    titles = [f"Round {number}".encode() for number in range(4)]

    def has_all_titles(feed: bytes) -> bool:
        return all(title in feed for title in titles)

    def is_pinged_with_all_titles() -> bool:
        ping = hub.next()
        return ping.topic == topic and has_all_titles(ping.body)

    with command.running():
        until(lambda: has_all_titles(requests.get(topic, timeout=5).content))
        until(is_pinged_with_all_titles)
    with closing(sqlite3.connect(command.root / "var/syndicator.db")) as state:
        assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(command.feeds.rglob(TEMPORARY))
