"""The commands and their output: the real command in its own folder."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import PATIENCE, Command

from syndicator.config import load


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def shell(command: Command, line: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell in the folder of a command."""
    return subprocess.run(
        line,
        shell=True,
        cwd=command.root,
        env=command.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_the_commands(command: Command) -> None:
    """Every command has a line, and the help says how to start."""
    done = command("--help")
    assert done.returncode == 0
    for word in ("init", "check", "build", "push", "run", "status", "Start with"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "arguments", [["bild"], ["push", "now", "--al"], ["push", "--when-live", "10"]]
)
def test_wrong_usage_exits_with_2(command: Command, arguments: list[str]) -> None:
    """An unknown command, option or argument is reported, with exit code 2."""
    done = command(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-v --config other.toml check", True),
        ("check -v --config other.toml", True),
        ("--config missing.toml check --config other.toml", True),
        ("--config other.toml check --config missing.toml", False),
        ("--config other.toml hub -v list", True),
        ("--config missing.toml hub --config other.toml list", True),
        ("hub --config other.toml list --config missing.toml", False),
    ],
)
def test_common_options_stand_before_or_after_the_command(
    command: Command, line: str, found: bool
) -> None:
    """`--config` and `-v` mean the same there; the last one wins."""
    command.post("2026-01-02-one")
    settings = command.config.read_text().replace('"../site"', '"site"')
    command.config.unlink()
    command.config = command.root / "other.toml"
    command.config.write_text(settings)
    command.build()
    done = command(*line.split())
    assert ("missing.toml: can't be read" in done.stderr) == (not found)
    assert done.returncode == (0 if found else 2), done.stderr


def test_help_imports_nothing_heavy(command: Command) -> None:
    """Nothing heavy is imported before a command needs it."""
    heavy = [
        "sqlalchemy",
        "starlette",
        "lxml",
        "feedgen",
        "requests",
        "apscheduler",
        "structlog",
        "nh3",
    ]
    code = (
        "import sys, syndicator.cli.main\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_build_writes_feeds_and_prints_a_summary(command: Command) -> None:
    """One run writes the feeds and prints a summary; the next has nothing to do."""
    command.post("2026-01-02-one")
    command.post("2026-01-03-two", categories="Business")
    done = command("build")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 posts (2 new); 3 of 3 feeds changed\n"
    assert {"all.rss", "all.atom", "all.json", "all.html", "index.html", "feeds.opml"} <= set(
        os.listdir(command.feeds)
    )
    assert {"news.rss", "business.json"} <= set(os.listdir(command.feeds / "category"))
    again = command("build")
    assert (again.stdout, again.stderr) == ("2 posts; 0 of 3 feeds changed\n", "")


def test_a_problem_is_path_line_message_and_hint(command: Command) -> None:
    """check lists each problem and its hint, counts them, and exits with 1."""
    command.post("2026-01-02-good")
    command.post("2026-01-03-bad", head='date: "tomorow"\n')
    done = command("check")
    assert done.returncode == 1
    first, hint, *_, last = done.stdout.splitlines()
    assert first.startswith("_posts/2026-01-03-bad.md:4: ")
    assert "tomorow" in first
    assert hint.startswith("    ")
    assert "1 problem" in last


def test_check_and_build_list_what_feeds_can_not_show(command: Command) -> None:
    """As notes with a line and a hint. The exit code stays 0."""
    text = 'text\n\n<iframe src="https://codepen.io/u/embed/x"></iframe>\n<svg></svg>'
    path = command.post("2026-01-02-one", text=text)
    lines = path.read_text().splitlines()
    check, build = command("check"), command("build")
    assert (check.returncode, build.returncode) == (0, 0)
    for done in (check, build):
        notes = [line for line in done.stdout.splitlines() if line.startswith("_posts/")]
        assert [note.split(": ")[0].rpartition(":")[2] for note in notes] == [
            str(lines.index(line) + 1) for line in (lines[-2], lines[-1])
        ]
        assert "feeds.players" in done.stdout


def test_check_writes_nothing(command: Command) -> None:
    """A check makes neither feeds nor a state."""
    command.post("2026-01-02-one")
    before = sorted(command.root.rglob("*"))
    assert command("check").returncode == 0
    assert sorted(command.root.rglob("*")) == before


def test_a_problem_does_not_stop_the_rest(command: Command) -> None:
    """build exits with 1 if there is a problem, and publishes the good posts."""
    command.post("2026-01-02-good", "Good news")
    (command.site / "_posts/2026-01-03-bad.md").write_bytes(b"---\ntitle: \xff\xfe\n---\n")
    done = command("build")
    assert done.returncode == 1
    assert "Good news" in command.feed("all.atom")


def test_json_output(command: Command) -> None:
    """--json prints one object with the same data, and nothing else on stdout."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]')
    command.post("2026-01-02-one")
    command.post("2026-01-03-bad", head='date: "tomorow"\n')
    built = json.loads(command("build", "--json").stdout)
    assert (built["feeds"], built["problems"][0]["path"]) == (2, "_posts/2026-01-03-bad.md")
    assert built["summary"].endswith("pings queued")
    status = json.loads(command("status", "--json").stdout)
    assert {feed["name"] for feed in status["feeds"]} == {"all", "category/news"}
    assert status["queued"]["ping"] == 6
    assert json.loads(command("check", "--json").stdout)["problems"]
    pushed = command("push", "--json")
    assert (json.loads(pushed.stdout)["queued"], pushed.returncode) == (6, 1)


def test_status_is_a_page(command: Command) -> None:
    """status shows the feeds, the queued jobs by hub, and failures."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]')
    command.post("2026-01-02-one")
    command.build()
    command("push")
    page = command("status").stdout
    for text in (
        "not running",
        "2 feeds, 1 post",
        "category/news     1 entry, changed",
        "Queued: 6 pings; next attempt",
        "http://127.0.0.1:9/",
        "failed",
        "next attempt",
    ):
        assert text in page


@pytest.mark.parametrize(
    "line", ["status", "status --check", "push --all", "hub list", "hub remove x"]
)
def test_a_missing_state_is_not_created(command: Command, line: str) -> None:
    """Only build and run create it: an empty state would hide a wrong folder or config."""
    before = sorted(command.root.rglob("*"))
    done = command(*line.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no state yet at {command.root}/var/syndicator.db" in done.stderr
    assert sorted(command.root.rglob("*")) == before


def test_push_all_queues_a_ping_for_every_feed(command: Command) -> None:
    """--all queues a ping for every feed file although nothing changed."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]\nretry = []')
    command.post("2026-01-02-one")
    command.build()
    command("push")
    done = command("push", "--all", "--json")
    failed = json.loads(done.stdout)
    assert failed["given_up"] == {"ping": 6}


MISTAKES = """
[source]
path = "../site"
poll = 30
[feeds]
url = "example.org"
formats = ["rdf"]
[pusg]
hubs = []
"""


@pytest.mark.parametrize("name", ["check", "run"])
def test_all_mistakes_in_the_config_are_listed(command: Command, name: str) -> None:
    """Four mistakes in a config are listed with their keys, and exit with 2."""
    command.config.write_text(MISTAKES)
    done = command(name)
    assert (done.returncode, done.stdout) == (2, "")
    for key in ("source.poll", "feeds.url", "feeds.formats[0]", "pusg"):
        assert f"  {key}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_where_the_config_is_read(command: Command) -> None:
    """--config, else $SYNDICATOR_CONFIG, else config/syndicator.toml; environment overrides."""
    command.post("2026-01-02-one")
    command.config.rename(command.root / "mine.toml")
    (command.root / "mine.toml").write_text(
        (command.root / "mine.toml").read_text().replace("../", "")
    )
    elsewhere = {
        "SYNDICATOR_OUTPUT__PATH": str(command.feeds),
        "SYNDICATOR_STATE__URL": f"sqlite:///{command.root}/s.db",
    }
    assert command("build").returncode == 2
    assert command("build", "--config", "mine.toml", environ=elsewhere).returncode == 0
    assert command("build", environ={"SYNDICATOR_CONFIG": "mine.toml", **elsewhere}).returncode == 0
    done = command("build", "--config", "mine.toml", environ={"SYNDICATOR_FEEDS__LIMIT": "many"})
    assert "feeds.limit (SYNDICATOR_FEEDS__LIMIT): must be a whole number" in done.stderr


def test_a_missing_source_is_one_message(command: Command) -> None:
    """One line and a hint, without a traceback, with exit code 1."""
    (command.site / "_config.yml").unlink()
    (command.site / "_posts").rmdir()
    command.site.rmdir()
    done = command("build")
    assert done.returncode == 1
    assert str(command.site) in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_without_posts_is_noted(command: Command) -> None:
    """As a likely wrong path, or a new site, of which build writes empty feeds."""
    for name in ("check", "build"):
        done = command(name)
        assert done.returncode == 0
        assert f"source.path: {command.site} contains no posts" in done.stdout
        assert "links that lead out of it are not followed" in done.stdout


@pytest.mark.parametrize("name", ["check", "init", "build"])
def test_a_deleted_current_directory_is_one_message(
    command: Command, tmp_path: Path, name: str
) -> None:
    """Relative paths have no base then, in any command."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"cd {gone} && rmdir {gone} && exec {sys.executable} -P -m syndicator {name}"
    named = {**os.environ, "SYNDICATOR_SOURCE__PATH": str(command.site)}
    done = subprocess.run(
        ["sh", "-c", code], env=named, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout) == (1 if name == "init" else 2, "")
    assert done.stderr.startswith("syndicator: the current directory no longer exists\n")


def test_an_environment_that_is_not_utf_8_is_one_message(command: Command) -> None:
    """One line, with exit code 2."""
    done = command("build", environ={"SYNDICATOR_STATE__URL": "sqlite:///\udcff.db"})
    assert done.returncode == 2
    assert "SYNDICATOR_STATE__URL is not UTF-8" in done.stderr


def test_output_that_the_locale_has_no_letters_for(command: Command) -> None:
    """It is escaped: a title in the terminal of a legacy locale, a path that is not UTF-8."""
    command.post("2026-01-02-one", title="Snow 😀")
    command.build()
    shown = command("preview", "one", environ={"PYTHONIOENCODING": "latin-1:strict"})
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\\U0001f600" in shown.stdout
    done = command("backup", "\udcff.db", environ={"PYTHONIOENCODING": "utf-8:strict"})
    assert done.returncode == 0, done.stderr
    assert "\\udcff.db" in done.stdout


def test_arguments_that_no_post_and_no_state_can_have(command: Command) -> None:
    """The error is about the argument, not about the state."""
    command.build()
    done = command("preview", "x/" * 50_000)
    assert done.returncode == 1
    assert "there is no such post" in done.stderr
    done = command("move-state", "sqlite:///\udcff")
    assert done.returncode == 2
    assert "it is not UTF-8" in done.stderr


def test_a_damaged_state_is_one_message(command: Command) -> None:
    """A file that is not a database is reported."""
    (command.root / "var").mkdir()
    (command.root / "var/syndicator.db").write_bytes(b"not a database" * 100)
    done = command("build")
    assert done.returncode == 1
    assert "syndicator.db is not a database, or it is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_name_that_the_locale_can_not_decode(command: Command) -> None:
    """It is a problem of that post; the others are published."""
    command.post("2026-01-09-漢")
    command.post("2026-01-10-plain")
    done = command(
        "build", environ={"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "2026-01-10T00:00:00" in command.feed("all.json")


def test_a_lock_that_is_a_fifo(command: Command) -> None:
    """status does not wait for a writer."""
    command.build()
    lock = command.root / "var/syndicator.db.daemon.lock"
    lock.unlink(missing_ok=True)
    os.mkfifo(lock)
    assert "Traceback" not in command("status").stderr


def test_an_output_folder_that_links_to_the_posts(command: Command) -> None:
    """It is refused: generated files would be picked up as posts."""
    (command.root / "feeds").symlink_to(command.site / "_posts")
    done = command("build")
    assert done.returncode == 2
    assert "picked up as posts" in done.stderr


def test_a_reader_of_stdout_may_stop(command: Command) -> None:
    """A reader that closes the pipe early, such as `head`, causes no error message."""
    for number in range(300):
        command.post(f"2026-01-02-{number}", head='date: "tomorow"\n')
    done = shell(command, f"{sys.executable} -m syndicator check | head -1")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_an_error_that_can_not_be_printed_keeps_its_exit_code(command: Command) -> None:
    """stderr is on a full disk; a wrong config still exits with 2."""
    with open("/dev/full", "wb") as full:
        arguments = command.arguments("run", "--config", "nowhere.toml")
        ended = subprocess.run(
            arguments, cwd=command.root, env=command.environ, stderr=full, timeout=60, check=False
        )
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("redirect", "code", "message"),
    [(">&-", 0, ""), (">&- 2>&-", 0, ""), (">/dev/full", 1, "no space left on device")],
)
def test_closed_or_full_output(command: Command, redirect: str, code: int, message: str) -> None:
    """A closed stdout or stderr is ignored; a full one is an error."""
    done = shell(command, f"{sys.executable} -m syndicator build {redirect}")
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert message in done.stderr


def test_too_little_memory_is_one_message(command: Command) -> None:
    """A daemon that can't start its threads names the limits to raise."""
    limits = "ulimit -s 65536; ulimit -v 500000"
    done = shell(command, f"{limits}; exec {sys.executable} -m syndicator run")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "ulimit -v" in done.stderr


def test_too_few_open_files_are_one_message(command: Command) -> None:
    """A daemon that may open few files stops at its start: it would fail later."""
    limits = "ulimit -n 63"
    done = shell(command, f"{limits}; exec {sys.executable} -m syndicator run")
    assert (done.returncode, "only 63 files may be open" in done.stderr) == (1, True)
    assert "LimitNOFILE" in done.stderr


def test_a_progress_bar_on_a_terminal(command: Command) -> None:
    """On a terminal, work that takes over a second shows a bar."""
    code = (
        "import time\nfrom syndicator.cli import output\n"
        "with output.progress() as report:\n"
        "    for done in range(14):\n        report(done, 14, 'reading posts'); time.sleep(0.1)\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    end = time.monotonic() + 2 * PATIENCE
    try:
        while select.select([ours], [], [], max(end - time.monotonic(), 0))[0]:
            if not (part := os.read(ours, 4096)):
                break
            shown += part
    except OSError:  # the other end is closed
        pass
    try:
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        os.close(ours)
    assert b"reading posts" in shown


@pytest.mark.parametrize("kind", ["fifo", "device", "deep", "folder"])
def test_init_ignores_an_unusable_site_config(tmp_path: Path, kind: str) -> None:
    """A FIFO, an endless file or a folder as `_config.yml` neither blocks nor fails."""
    site_config = tmp_path / "site" / "_config.yml"
    site_config.parent.mkdir()
    match kind:
        case "fifo":
            os.mkfifo(site_config)
        case "device":
            site_config.symlink_to("/dev/zero")
        case "deep":
            site_config.write_text("a: " + "[" * 20_000)
        case "folder":
            site_config.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "syndicator", "init", "site", "--config", "c.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "c.toml").is_file()


def test_init_writes_a_config_that_works(tmp_path: Path) -> None:
    """init beside a site, then check and build: nothing else is needed."""
    command = Command(tmp_path)
    command.config.unlink()
    command.post("2026-01-02-one")
    (command.site / "_config.yml").write_text(
        "title: Example\nurl: https://example.com\nplugins: [jekyll-feed]\n"
        "feed:\n  categories: [Local News]\n"
    )
    done = command("init", "site")
    assert done.returncode == 0
    assert "1 post in " in done.stdout
    assert "Next: syndicator check" in done.stdout
    text = command.config.read_text()
    assert '"feed.xml" = "all.atom"' in text
    assert '"feed/Local News.xml" = "category/local-news.atom"' in text
    assert 'path  = "../site"' in text
    assert "\narchive   = true " in text
    checked = command("check")
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "1 post")
    assert (
        '"feed/Local News.xml" leads to "category/local-news.atom", which is not a feed'
        in checked.stdout
    )
    command.build()
    assert (command.feeds / "feed.xml").read_bytes() == (command.feeds / "all.atom").read_bytes()


@pytest.mark.parametrize(
    ("config", "cname", "url"),
    [
        ("title: T\n", "Blog.Example.org\n", 'url   = "https://blog.example.org/"'),
        ("title: T\nurl: https://e.com\n", "blog.example.org\n", None),
        ("title: T\n", "https://blog.example.org/\n", 'url   = "https://blog.example.org/"'),
        ("title: T\n", "blog.bücher.org\n", 'url   = "https://blog.xn--bcher-kva.org/"'),
        ("title: T\n", '"blog\n', 'url   = "https://example.org/"'),
        ("title: T\n", "", 'url   = "https://example.org/"'),
    ],
)
def test_init_takes_the_address_of_a_cname(
    tmp_path: Path, config: str, cname: str, url: str | None
) -> None:
    """GitHub Pages serves a site at the host in its CNAME. A `url` of the site comes first."""
    command = Command(tmp_path)
    command.config.unlink()
    command.post("2026-01-02-one")
    (command.site / "_config.yml").write_text(config)
    (command.site / "CNAME").write_text(cname, "utf-8")
    done = command("init", "site")
    assert done.returncode == 0
    text = command.config.read_text()
    assert ("\nurl   = " in text) is (url is not None)
    assert url is None or url in text
    assert ("CNAME" in done.stdout) is (url is not None and bool(cname))
    is_other_form = '"' in cname or "/" in cname or not cname.isascii()
    assert any(word in done.stdout for word in ("is read as", "is not a dom")) is is_other_form
    load(command.config, {})


def test_init_never_overwrites(command: Command) -> None:
    """An existing config is not changed, and the hint says what to do."""
    before = command.config.read_text()
    done = command("init", "site")
    assert done.returncode == 2
    assert "already exists" in done.stderr
    assert "hint: " in done.stderr
    assert command.config.read_text() == before


def test_init_in_the_site_itself(tmp_path: Path) -> None:
    """Feeds and state go to a folder that Jekyll ignores; the config has to be excluded."""
    (tmp_path / "_posts").mkdir()
    (tmp_path / "_posts/2026-01-02-one.md").write_text("---\ntitle: One\n---\nText.\n")
    command = Command(tmp_path / "elsewhere")
    command.root = tmp_path
    done = command("init")
    assert done.returncode == 0
    assert "add `config` to `exclude`" in done.stdout
    assert "set site.url" in done.stdout
    text = (tmp_path / "config/syndicator.toml").read_text()
    assert 'path  = ".."' in text
    assert '"../_syndicator/feeds"' in text
    assert "sqlite:///../_syndicator/state.db" in text
    assert "title = " in text


@pytest.mark.parametrize(
    ("files", "posts"),
    [
        (["one.md", "more/two.md"], 2),
        (["_posts/2026-01-02-one.md", "_site/_posts/two.md", "_posts/three.txt", "about.md"], 1),
    ],
)
def test_init_counts_the_posts(tmp_path: Path, files: list[str], posts: int) -> None:
    """In a plain folder and in a Jekyll site, without Jekyll's output."""
    for file in files:
        path = tmp_path / "it" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\ntitle: One\n---\n")
    command = Command(tmp_path)
    command.config.unlink()
    assert f" {posts} post{'s' if posts > 1 else ''} in " in command("init", "it").stdout


def test_init_of_a_posts_folder(command: Command) -> None:
    """The hint names the site's folder, and nothing is written."""
    command.config.unlink()
    done = command("init", "site/_posts")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"name the site's folder: {command.site}\n" in done.stderr
    assert not command.config.exists()


def test_init_of_a_missing_folder(command: Command) -> None:
    """It is an error with exit code 2."""
    command.config.unlink()
    done = command("init", "nowhere")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "syndicator: nowhere: not a directory",
    )
