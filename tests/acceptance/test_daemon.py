"""When things run: the daemon started for real, told by files, signals and a hub that listens."""

import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from command import AT_ONCE, PATIENCE, Command, Hub, free_port, until


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.post("2026-01-02-one", "First news")
    return command


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


def told(hub: Hub) -> str:
    return f'[push]\nhubs = ["{hub.url}"]\nretry = ["200ms", "500ms", "1s", "2s", "5s"]'


def events(lines: list[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines]


def test_ready_means_built_and_served(command: Command) -> None:
    """The last line of the start is the address of the index page; feeds stand on disk and are served."""
    with command.running() as daemon:
        assert daemon.out == [f"Serving {command.url}\n"]
        assert "First news" in command.feed("all.atom")
        assert "First news" in requests.get(f"{command.url}category/news.json", timeout=5).text
        assert (
            requests.get(command.url, timeout=5).headers["content-type"]
            == "text/html; charset=utf-8"
        )
        assert requests.get(f"{command.url}readyz", timeout=5).json()["ready"] is True
        assert "syndicator_posts 1.0" in requests.get(f"{command.admin}metrics", timeout=5).text
        assert daemon.end() == (0, pytest.approx(0, abs=5))
    assert [line["event"] for line in events(daemon.err)] == ["run", "stopped"]


def test_a_taken_operators_address_is_a_warning(command: Command) -> None:
    """Feeds are served all the same. A reload tries the address again."""
    with (
        socket.create_server(("127.0.0.1", command.admin_port)) as taken,
        command.running() as daemon,
    ):
        line = daemon.line(lambda line: "operator's address" in line)
        assert "web.admin" in str(json.loads(line)["hint"])
        assert requests.get(f"{command.url}livez", timeout=5).ok
        taken.close()
        daemon.send(signal.SIGHUP)
        until(lambda: is_served(f"{command.admin}metrics"))
        assert daemon.end()[0] == 0


def test_the_operators_address_follows_the_config(command: Command) -> None:
    """Another address is served from a reload on; an empty one is none. Numbers are never public."""
    with command.running() as daemon:
        assert is_served(f"{command.admin}metrics")
        assert requests.get(f"{command.url}metrics", timeout=5).status_code == 404
        before, command.admin_port = command.admin, free_port()
        command.configure()
        daemon.send(signal.SIGHUP)
        until(lambda: is_served(f"http://127.0.0.1:{command.admin_port}/metrics"))
        assert not is_served(f"{before}metrics")
        command.config.write_text(
            command.config.read_text().replace(
                f'admin = "127.0.0.1:{command.admin_port}"', 'admin = ""'
            )
        )
        daemon.send(signal.SIGHUP)
        until(lambda: not is_served(f"http://127.0.0.1:{command.admin_port}/metrics"))
        assert requests.get(f"{command.url}livez", timeout=5).ok


def is_served(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_a_saved_post_is_out_and_told_of_at_once(command: Command, hub: Hub) -> None:
    """Save a post: the feeds have it, the hub hears of them, and finds the post in what it fetches at that moment."""
    command.configure(told(hub))
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


def test_only_the_feeds_that_changed_are_told_of(command: Command, hub: Hub) -> None:
    """Editing a News post is told of for the site and for News; a change that alters no feed, for none."""
    command.configure(told(hub))
    path = command.post("2026-01-03-two", "Business as usual", categories="Business")
    with command.running():
        assert len(hub.topics(9)) == 9
        path.touch()
        command.post("2026-01-02-one", "First news, corrected")
        topics = hub.topics(6)
        assert not any("business" in topic for topic in topics)
        assert hub.pings.empty()


def test_a_hub_that_comes_back_gets_every_ping(command: Command, hub: Hub) -> None:
    """While a hub answers with errors, its pings stay owed; when it is well again, it gets each of them once."""
    well = threading.Event()
    hub.answer = lambda topic: 204 if well.is_set() else 500
    command.configure(told(hub))
    with command.running():
        owed = 'syndicator_owed{kind="ping"} 6.0'
        until(
            lambda: owed in requests.get(f"{command.admin}metrics", timeout=5).text,
            what="a failed pass",
        )
        well.set()
        assert len(hub.topics(6)) == 6
        done = f'syndicator_pings_total{{hub="{hub.url}",outcome="done"}} '
        until(lambda: _number(command, done) == 6)
        assert _number(command, done.replace("done", "retry")) >= 6


def test_a_hanging_hub_delays_nobody(command: Command, hub: Hub) -> None:
    """While one hub hangs, posts go out, another hub hears of them at once, and a stop still takes under 5 s."""
    with Hub() as stuck:
        release = threading.Event()
        stuck.answer = lambda topic: 204 if release.wait(60) else 500
        command.configure(f'[push]\nhubs = ["{stuck.url}", "{hub.url}"]\ntimeout = "30s"')
        with command.running() as daemon:
            hub.topics(6)
            saved = time.monotonic()
            command.post("2026-01-03-two", "Second news")
            assert b"Second news" in hub.next().body
            assert time.monotonic() - saved < AT_ONCE
            code, seconds = daemon.end()
            assert (code, seconds < 5) == (0, True)
        release.set()


def test_what_was_owed_is_paid_by_the_next_process(command: Command, hub: Hub) -> None:
    """kill -9 while the hub is down, start again when it is up: every owed ping arrives."""
    well = threading.Event()
    hub.answer = lambda topic: 204 if well.is_set() else 500
    command.configure(told(hub))
    with command.running() as daemon:
        assert daemon.end(signal.SIGKILL)[0] == -signal.SIGKILL
    well.set()
    with command.running():
        assert len(hub.topics(6)) == 6


def test_an_idle_restart_tells_nobody(command: Command, hub: Hub) -> None:
    """Nothing changed: no file is written, no ping sent, and what a reader has is still current."""
    command.configure(told(hub))
    with command.running() as daemon:
        hub.topics(6)
        etag = requests.get(f"{command.url}all.rss", timeout=5).headers["etag"]
        assert daemon.end()[0] == 0
    before = {path: path.stat().st_mtime_ns for path in command.feeds.rglob("*")}
    with command.running():
        again = requests.get(f"{command.url}all.rss", headers={"If-None-Match": etag}, timeout=5)
        assert again.status_code == 304
    assert {path: path.stat().st_mtime_ns for path in command.feeds.rglob("*")} == before
    assert hub.pings.empty()


def test_a_future_post_appears_by_itself(command: Command, hub: Hub) -> None:
    """Not before its time; then with its ping, without anything being touched or any poll being near."""
    command.configure(told(hub), poll="1h")
    with command.running():
        hub.topics(6)
        due = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
        command.post("2026-01-03-two", "Tomorrow's news", head=f"date: {due:%Y-%m-%d %H:%M:%S}\n")
        ping = hub.next()
        assert b"Tomorrow" in ping.body
        assert 0 <= (datetime.now(UTC) - due).total_seconds() < AT_ONCE


def test_a_poll_finds_what_watching_misses(command: Command) -> None:
    """Without watching, the poll alone brings a post out."""
    command.configure("", poll="200ms")
    with command.running(environ={"SYNDICATOR_SOURCE__WATCH": "false"}):
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in command.feed("all.atom"))


# ------------------------------------------------------------------------------------------------------ stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it(command: Command, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end it with 0, within 5 s, with no temp file left."""
    with command.running() as daemon:
        code, seconds = daemon.end(number)
        assert (code, seconds < 5) == (0, True)
    assert not [path for path in command.feeds.rglob("*") if path.name.startswith(".")]


def test_a_second_signal_stops_it_at_once(command: Command, hub: Hub) -> None:
    """Whoever asks twice doesn't want to wait."""
    asked, over = threading.Event(), threading.Event()

    def hang(_topic: str) -> int:
        asked.set()
        return 204 if over.wait(PATIENCE) else 500

    hub.answer = hang
    command.configure(told(hub))
    with command.running() as daemon:
        assert asked.wait(PATIENCE)
        begun = time.monotonic()
        while daemon.process.poll() is None:  # two that come together count as one
            daemon.send(signal.SIGTERM)
            assert time.monotonic() < begun + AT_ONCE
            time.sleep(0.01)
        assert daemon.process.returncode == 128 + signal.SIGTERM
    over.set()


def test_a_second_daemon_says_who_is_there(command: Command) -> None:
    """On the same state there is one daemon; the other ends with 1 and names it."""
    with command.running() as daemon:
        second = command("run")
        assert second.returncode == 1
        assert f"pid {daemon.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert f"pid {daemon.process.pid}" in command("status").stdout


def test_a_taken_address_is_one_message(command: Command) -> None:
    """Another program has the port: said in a line, with what to do."""
    with socket.create_server(("127.0.0.1", command.port)):
        done = command("run")
    assert done.returncode == 1
    assert f"127.0.0.1:{command.port}" in done.stderr
    assert "web.listen" in done.stderr


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "[fe80::1]"])
def test_an_address_that_is_not_ours_is_one_message(command: Command, host: str) -> None:
    """As it was written, with what to do."""
    command.environ["SYNDICATOR_WEB__LISTEN"] = f"{host}:{command.port}"
    done = command("run")
    assert (done.returncode, f"can't listen on {host}:{command.port}: " in done.stderr) == (1, True)
    assert "set web.listen" in done.stderr


# ---------------------------------------------------------------------------------------------------- reload


def test_a_good_config_takes_effect(command: Command) -> None:
    """SIGHUP reads the config again; connections that are open stay open."""
    with command.running() as daemon, requests.Session() as reader:
        assert reader.get(f"{command.url}all.atom", timeout=5).ok
        command.configure('[hub]\nenabled = false\n[site]\ntitle = "Another title"')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "read again" in line)
        until(lambda: "Another title" in reader.get(f"{command.url}all.atom", timeout=5).text)
        assert 'rel="hub"' not in reader.get(f"{command.url}all.atom", timeout=5).headers.get(
            "link", ""
        )
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in reader.get(f"{command.url}all.atom", timeout=5).text)
        assert list(command.root.rglob("*.db-wal"))
        assert daemon.end()[0] == 0
    assert not list(command.root.rglob("*.db-wal")), "the state was not closed"


def test_a_bad_config_changes_nothing(command: Command) -> None:
    """Every mistake is told of, and the old config goes on."""
    with command.running() as daemon:
        command.config.write_text('[source]\npath = "../site"\npoll = 3\n[feeds]\nformat = []\n')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "feeds.format" in line)
        assert any("source.poll" in line for line in daemon.err)
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in requests.get(f"{command.url}all.atom", timeout=5).text)


def test_another_address_takes_effect(command: Command) -> None:
    """A new web.listen is served, and the old one is given back."""
    with command.running() as daemon:
        old = command.port
        command.configure(port=(new := free_port()))
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: f":{new}/" in line, daemon.out)
        assert requests.get(f"http://127.0.0.1:{new}/all.atom", timeout=5).ok
        with pytest.raises(requests.ConnectionError):
            until(
                lambda: requests.get(f"http://127.0.0.1:{old}/all.atom", timeout=5) is None,
                seconds=5,
            )


def test_a_state_that_takes_nothing_just_then_stops_no_reload(command: Command) -> None:
    """What an earlier daemon had claimed is given back when the state takes it; posts go out meanwhile."""
    now = time.time_ns() // 1000
    claimed = (
        "INSERT INTO jobs (kind, target, topic, variant, host, state, claimer, expires, attempts, since, due,"
        " not_before, detail) VALUES ('ping', 'https://hub.example/', 'https://example.com/', '', 'hub.example',"
        f" 'claimed', 'daemon', {now + 120_000_000}, 0, {now}, {now + 3_600_000_000}, 0, '{{}}')"
    )
    refuse = "CREATE TRIGGER refuse BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    with (
        command.running() as daemon,
        closing(sqlite3.connect(command.root / "var/syndicator.db")) as state,
    ):
        with state:
            state.execute(claimed)
            state.execute(refuse)
        command.configure('[site]\ntitle = "Another title"')
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: "push failed" in line and "the disk is full" in line)
        until(lambda: "Another title" in requests.get(f"{command.url}all.atom", timeout=5).text)
        with state:
            state.execute("DROP TRIGGER refuse")
        until(lambda: state.execute("SELECT state FROM jobs").fetchall() == [("waiting",)])


def test_feeds_are_served_while_their_state_is_made_again(command: Command) -> None:
    """A state that was deleted under the daemon knows of no file; those that are out stay so until the run is over."""
    command.configure(poll="100ms")
    with command.running() as daemon, requests.Session() as reader:
        runs = sum('"run"' in line for line in daemon.err)
        for path in (command.root / "var").iterdir():
            path.unlink()
        answers = set()
        while sum('"run"' in line for line in daemon.err) == runs:
            answers.add(reader.get(f"{command.url}all.atom", timeout=5).status_code)
        assert answers == {200}


# ---------------------------------------------------------------------------------------------------- others


@pytest.mark.parametrize(("number", "missed"), [(signal.SIGTERM, 1), (signal.SIGINT, 0)])
def test_a_daemon_that_a_person_ended_is_not_missed(
    command: Command, number: signal.Signals, missed: int
) -> None:
    """By Ctrl-C: they build by hand from now on. Whatever else ends it, `status --check` says that it is gone."""
    with command.running() as daemon:
        assert daemon.end(number)[0] == 0
    done = command("status", "--check")
    assert (done.returncode, "the daemon is not running" in done.stdout) == (missed, bool(missed))


def test_what_is_owed_is_left_to_a_daemon(command: Command) -> None:
    """It knows what it serves: a hub that is told by somebody else may come too soon."""
    with command.running():
        done = command("push", "--all")
    assert (done.returncode, done.stdout) == (0, "left to the running daemon\n")


def test_an_address_in_other_letters_is_served(command: Command) -> None:
    """Below its path as a request names it, and with links that a header can hold."""
    command.config.write_text(
        command.config.read_text().replace(command.url, "http://ä.example/ö/")
    )
    with command.running() as daemon:
        daemon.line(lambda line: line.startswith("Serving"), daemon.out)
        for path in ("all.atom", "%C3%B6/all.atom"):
            answer = requests.get(f"{command.url}{path}", timeout=5)
            assert '<http://xn--4ca.example/%C3%B6/all.atom>; rel="self"' in answer.headers["link"]


def test_what_another_process_published_is_served(command: Command) -> None:
    """Before its pings are paid, and long before the next poll."""
    command.configure(poll="1h")
    command.config.write_text(command.config.read_text().replace("poll", "watch = false\npoll"))
    with command.running():
        command.post("2026-01-03-two", "Second news")
        assert command("build").returncode == 0
        until(
            lambda: "Second news" in requests.get(f"{command.url}all.atom", timeout=5).text,
            seconds=20,
        )


# ---------------------------------------------------------------------------------------------------- faults


def test_a_source_that_goes_away_is_told_of_once_and_heals(command: Command) -> None:
    """The feeds stay as they were, the error is one line however many polls fail, and it ends by itself."""
    command.configure("", poll="100ms")
    with command.running() as daemon:
        away = command.site.rename(command.root / "away")
        daemon.line(lambda line: "build failed" in line)
        until(lambda: requests.get(f"{command.url}readyz", timeout=5).status_code == 503)
        failed = 'syndicator_polls_total{result="failed"} '
        until(lambda: _number(command, failed) > 3)
        assert "First news" in requests.get(f"{command.url}all.atom", timeout=5).text
        assert sum("build failed" in line for line in daemon.err) == 1
        away.rename(command.site)
        daemon.line(lambda line: "build works again" in line)
        until(lambda: requests.get(f"{command.url}readyz", timeout=5).ok)
        command.post("2026-01-03-two", "Second news")
        until(lambda: "Second news" in command.feed("all.atom"))


def _number(command: Command, name: str) -> float:
    text = requests.get(f"{command.admin}metrics", timeout=5).text
    return next(
        (float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)), 0
    )


def test_a_problem_is_told_of_once_and_when_it_is_gone(command: Command) -> None:
    """A bad post is one warning, not one a poll; mending it is said too."""
    command.configure("", poll="100ms")
    with command.running() as daemon:
        command.post("2026-01-03-bad", head='date: "tomorow"\n')
        daemon.line(lambda line: "tomorow" in line)
        unchanged = 'syndicator_polls_total{result="unchanged"} '
        before = _number(command, unchanged)
        until(lambda: _number(command, unchanged) > before + 3)
        assert sum("tomorow" in line for line in daemon.err) == 1
        command.post("2026-01-03-bad", "Good now")
        daemon.line(lambda line: "problems are gone" in line)


def test_systemd_is_told(command: Command) -> None:
    """READY when it is, a pulse for the watchdog, RELOADING, STOPPING (sd_notify(3))."""
    path = str(command.root / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(30)
        environ = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}

        def hear(wanted: str) -> None:
            while wanted not in listening.recv(4096).decode():
                pass

        with command.running(environ=environ) as daemon:
            hear("READY=1\nSTATUS=Serving")
            hear("WATCHDOG=1")
            daemon.send(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            hear("READY=1")
            daemon.send(signal.SIGTERM)
            hear("STOPPING=1")
            assert daemon.process.wait(5) == 0


def test_killed_at_any_moment_nothing_is_lost(command: Command, hub: Hub) -> None:
    """A few rounds of saving a post and kill -9: each post is in the feed the hub fetches in the end."""
    command.configure(told(hub))
    for number in range(4):
        with command.running() as daemon:
            command.post(f"2026-02-0{number + 1}-round", f"Round {number}")
            time.sleep(0.05 * number)  # a different moment each round, not a wait for something
            daemon.end(signal.SIGKILL)
    with command.running():
        feed = f"{command.url}all.atom"
        wanted = [f"Round {number}".encode() for number in range(4)]
        last: Callable[[], bytes] = lambda: requests.get(feed, timeout=5).content  # noqa: E731
        until(lambda: all(title in last() for title in wanted))
        ping = hub.next()
        while ping.topic != feed or not all(title in ping.body for title in wanted):
            ping = hub.next()
    with sqlite3.connect(command.root / "var/syndicator.db") as state:
        assert state.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not [path for path in command.feeds.rglob("*") if path.name.startswith(".")]
