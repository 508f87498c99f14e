"""What the operator types, and what comes back: the real command in a folder of its own."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Command


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_help_explains_itself(command: Command) -> None:
    """Every command has a line of its own, and the help says how to begin."""
    done = command("--help")
    assert done.returncode == 0
    for word in ("init", "check", "build", "push", "run", "status", "Begin with"):
        assert word in done.stdout


@pytest.mark.parametrize("words", [["bild"], ["push", "now", "--al"]])
def test_wrong_use_is_2(command: Command, words: list[str]) -> None:
    """A command, an option or an argument that is none is told of, with exit code 2."""
    done = command(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_help_answers_at_once(command: Command) -> None:
    """Nothing heavy is imported before a command needs it."""
    heavy = [
        "sqlalchemy",
        "pydantic",
        "starlette",
        "lxml",
        "feedgen",
        "requests",
        "apscheduler",
        "structlog",
        "nh3",
    ]
    code = f"import sys, syndicator.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_build_writes_feeds_and_sums_up(command: Command) -> None:
    """One run writes the feeds and says in words what it did; the next finds nothing to do."""
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
    """check lists each problem where it is, with a hint below it, and ends with 1; the rest is counted."""
    command.post("2026-01-02-good")
    command.post("2026-01-03-bad", head='date: "tomorow"\n')
    done = command("check")
    assert done.returncode == 1
    first, hint, *_, last = done.stdout.splitlines()
    assert first.startswith("_posts/2026-01-03-bad.md:4: ")
    assert "tomorow" in first
    assert hint.startswith("    ")
    assert "1 problem" in last


def test_check_writes_nothing(command: Command) -> None:
    """After a check there is neither a feed nor a state."""
    command.post("2026-01-02-one")
    before = sorted(command.root.rglob("*"))
    assert command("check").returncode == 0
    assert sorted(command.root.rglob("*")) == before


def test_a_problem_does_not_stop_the_rest(command: Command) -> None:
    """build ends with 1 when there is a problem, and the good posts are out."""
    command.post("2026-01-02-good", "Good news")
    (command.site / "_posts/2026-01-03-bad.md").write_bytes(b"---\ntitle: \xff\xfe\n---\n")
    done = command("build")
    assert done.returncode == 1
    assert "Good news" in command.feed("all.atom")


def test_facts_are_json_when_asked_for(command: Command) -> None:
    """--json prints one object with the same facts, and nothing else on stdout."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]')
    command.post("2026-01-02-one")
    command.post("2026-01-03-bad", head='date: "tomorow"\n')
    built = json.loads(command("build", "--json").stdout)
    assert (built["feeds"], built["problems"][0]["path"]) == (2, "_posts/2026-01-03-bad.md")
    assert built["summary"].endswith("pings queued")
    status = json.loads(command("status", "--json").stdout)
    assert {feed["name"] for feed in status["feeds"]} == {"all", "category/news"}
    assert status["owed"]["ping"] == 6
    assert json.loads(command("check", "--json").stdout)["problems"]
    pushed = command("push", "--json")
    assert (json.loads(pushed.stdout)["owed"], pushed.returncode) == (6, 1)


def test_status_is_a_page(command: Command) -> None:
    """status says what there is, what is owed to whom and what went wrong."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]')
    command.post("2026-01-02-one")
    command("build")
    command("push")
    page = command("status").stdout
    for word in (
        "not running",
        "2 feeds, 1 post",
        "category/news     1 entry, changed",
        "6 ping",
        "http://127.0.0.1:9/",
        "failed",
        "next try",
    ):
        assert word in page


@pytest.mark.parametrize(
    "words", ["status", "status --check", "push --all", "hub list", "hub remove x"]
)
def test_where_no_state_is_none_is_made(command: Command, words: str) -> None:
    """Only build and run make one: an empty state would hide that this is the wrong folder, or the wrong config."""
    before = sorted(command.root.rglob("*"))
    done = command(*words.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no state yet at {command.root}/var/syndicator.db" in done.stderr
    assert sorted(command.root.rglob("*")) == before


def test_push_all_owes_every_feed(command: Command) -> None:
    """--all owes a ping for every feed file although nothing changed; 1: something is still owed."""
    command.configure('[push]\nhubs = ["http://127.0.0.1:9/"]\nretry = []')
    command.post("2026-01-02-one")
    command("build")
    command("push")
    done = command("push", "--all", "--json")
    failed = json.loads(done.stdout)
    assert failed["gave_up"] == {"ping": 6}


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
def test_every_mistake_in_the_config_is_named(command: Command, name: str) -> None:
    """A wrong config with four mistakes names all four with their keys, and is exit code 2."""
    command.config.write_text(MISTAKES)
    done = command(name)
    assert (done.returncode, done.stdout) == (2, "")
    for key in ("source.poll", "feeds.url", "feeds.formats[0]", "pusg"):
        assert f"  {key}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_which_config_is_read(command: Command) -> None:
    """--config, else $SYNDICATOR_CONFIG, else config/syndicator.toml, and the environment over it."""
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


def test_a_source_that_is_not_there_is_one_message(command: Command) -> None:
    """What the operator can mend is said in a line with a hint, without a traceback, as exit code 1."""
    (command.site / "_config.yml").unlink()
    (command.site / "_posts").rmdir()
    command.site.rmdir()
    done = command("build")
    assert done.returncode == 1
    assert str(command.site) in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_without_posts_is_a_problem(command: Command) -> None:
    """check says so: it is more often a wrong path than a new site. build makes the empty feeds of a new site."""
    done = command("check")
    assert done.returncode == 1
    assert f"source.path: {command.site} holds no posts" in done.stdout
    assert command("build").returncode == 0


@pytest.mark.parametrize("name", ["check", "init", "build"])
def test_a_current_folder_that_is_gone_is_one_message(
    command: Command, tmp_path: Path, name: str
) -> None:
    """Whatever is asked for: what paths are relative to isn't there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"cd {gone} && rmdir {gone} && exec {sys.executable} -P -m syndicator {name}"
    named = {**os.environ, "SYNDICATOR_SOURCE__PATH": str(command.site)}
    done = subprocess.run(
        ["sh", "-c", code], env=named, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1 if name == "init" else 2, "")
    assert done.stderr.startswith("syndicator: the folder that this was called in is gone\n")


def test_an_environment_that_is_not_utf_8_is_one_message(command: Command) -> None:
    """As a config file that isn't."""
    done = command("build", environ={"SYNDICATOR_STATE__URL": "sqlite:///\udcff.db"})
    assert done.returncode == 2
    assert "SYNDICATOR_STATE__URL is not UTF-8" in done.stderr


def test_a_state_that_is_none_is_one_message(command: Command) -> None:
    """A file that is no database is said to be none."""
    (command.root / "var").mkdir()
    (command.root / "var/syndicator.db").write_bytes(b"not a database" * 100)
    done = command("build")
    assert done.returncode == 1
    assert "syndicator.db is no database, or it is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_the_locale_can_not_spell(command: Command) -> None:
    """Is a problem of that post; the others go out."""
    command.post("2026-01-09-漢")
    command.post("2026-01-10-plain")
    done = command(
        "build", environ={"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "2026-01-10T00:00:00" in command.feed("all.json")


def test_a_lock_that_is_a_pipe(command: Command) -> None:
    """Nobody waits for who writes to it."""
    command("build")
    lock = command.root / "var/syndicator.db.daemon.lock"
    lock.unlink(missing_ok=True)
    os.mkfifo(lock)
    assert "Traceback" not in command("status").stderr


def test_a_folder_that_leads_to_the_posts(command: Command) -> None:
    """Is no place for feeds, whatever it is called."""
    (command.root / "feeds").symlink_to(command.site / "_posts")
    done = command("build")
    assert done.returncode == 2
    assert "among the posts" in done.stderr


def test_whoever_reads_us_may_stop(command: Command) -> None:
    """A reader that goes away early, as `head` does, causes no noise."""
    for number in range(300):
        command.post(f"2026-01-02-{number}", head='date: "tomorow"\n')
    done = subprocess.run(
        f"{sys.executable} -m syndicator check | head -1", shell=True, cwd=command.root, env=command.environ,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_an_error_that_can_not_be_written_is_an_exit_code(command: Command) -> None:
    """stderr leads to a full disk: a wrong config is 2 all the same."""
    with open("/dev/full", "wb") as full:
        words = command.arguments("run", "--config", "nowhere.toml")
        ended = subprocess.run(
            words, cwd=command.root, env=command.environ, stderr=full, timeout=60, check=False
        )
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("where", "code", "said"), [(">&-", 0, ""), (">&- 2>&-", 0, ""), (">/dev/full", 1, "no room")]
)
def test_what_we_say_may_have_no_place(command: Command, where: str, code: int, said: str) -> None:
    """A closed stdout or stderr is as good as none; a full one is a message."""
    done = subprocess.run(
        f"{sys.executable} -m syndicator build {where}", shell=True, cwd=command.root, env=command.environ,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr, said in done.stderr) == (code, False, True)


def test_too_little_memory_is_a_message(command: Command) -> None:
    """A daemon that may not have what its threads need says so, and what to raise."""
    done = subprocess.run(
        f"ulimit -s 65536; ulimit -v 500000; exec {sys.executable} -m syndicator run", shell=True, cwd=command.root,
        env=command.environ, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr, "ulimit -v" in done.stderr) == (
        1,
        False,
        True,
    )


def test_too_few_files_are_a_message(command: Command) -> None:
    """A daemon that may open next to nothing says so at its start: later it would fail here and there."""
    done = subprocess.run(
        f"ulimit -n 63; exec {sys.executable} -m syndicator run", shell=True, cwd=command.root,
        env=command.environ, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "only 63 files may be open" in done.stderr) == (1, True)
    assert "LimitNOFILE" in done.stderr


def test_a_progress_bar_on_a_terminal(command: Command) -> None:
    """On a terminal what takes more than about a second shows a bar, which is gone at the end."""
    code = (
        "import time\nfrom syndicator.cli import output\n"
        "with output.progress() as tell:\n"
        "    for done in range(14):\n        tell(done, 14, 'reading posts'); time.sleep(0.1)\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    seen = b""
    begun = time.monotonic()
    while time.monotonic() < begun + 30:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait(10) == 0
    assert b"reading posts" in seen


@pytest.mark.parametrize("kind", ["fifo", "device", "deep", "folder"])
def test_init_takes_a_strange_site_as_it_is(tmp_path: Path, kind: str) -> None:
    """What stands where `_config.yml` should be is neither waited for nor read to its end."""
    said = tmp_path / "site" / "_config.yml"
    said.parent.mkdir()
    match kind:
        case "fifo":
            os.mkfifo(said)
        case "device":
            said.symlink_to("/dev/zero")
        case "deep":
            said.write_text("a: " + "[" * 20_000)
        case "folder":
            said.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "syndicator", "init", "site", "--config", "c.toml"],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "c.toml").is_file()


def test_init_writes_a_config_that_works(tmp_path: Path) -> None:
    """init in a site's neighbourhood, then check and build: nothing else is needed."""
    command = Command(tmp_path)
    command.config.unlink()
    command.post("2026-01-02-one")
    (command.site / "_config.yml").write_text(
        "title: Example\nurl: https://example.com\nplugins: [jekyll-feed]\nfeed:\n  categories: [Local News]\n"
    )
    done = command("init", "site")
    assert done.returncode == 0
    assert "1 post in " in done.stdout
    assert "Next: syndicator check" in done.stdout
    text = command.config.read_text()
    assert '"feed.xml" = "all.atom"' in text
    assert '"feed/Local News.xml" = "category/local-news.atom"' in text
    assert 'path  = "../site"' in text
    checked = command("check")
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "1 post")
    assert (
        '"feed/Local News.xml" leads to "category/local-news.atom", which is not a feed'
        in checked.stdout
    )
    command("build")
    assert (command.feeds / "feed.xml").read_bytes() == (command.feeds / "all.atom").read_bytes()


def test_init_never_overwrites(command: Command) -> None:
    """A config that is there stays as it is, and the message says what to do."""
    before = command.config.read_text()
    done = command("init", "site")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert "hint: " in done.stderr
    assert command.config.read_text() == before


def test_init_in_the_site_itself_keeps_out_of_what_jekyll_publishes(tmp_path: Path) -> None:
    """Feeds and state go where Jekyll doesn't look; the config can't, so it says to exclude it."""
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
def test_init_counts_what_check_will_read(tmp_path: Path, files: list[str], posts: int) -> None:
    """In a plain folder as in a Jekyll site, whose own output is no source."""
    for file in files:
        path = tmp_path / "it" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\ntitle: One\n---\n")
    command = Command(tmp_path)
    command.config.unlink()
    assert f" {posts} post{'s' if posts > 1 else ''} in " in command("init", "it").stdout


def test_init_of_the_posts_alone(command: Command) -> None:
    """Their folder is no site: said, with the folder that is one, and nothing is written."""
    command.config.unlink()
    done = command("init", "site/_posts")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"name the folder that it stands in: {command.site}\n" in done.stderr
    assert not command.config.exists()


def test_init_of_nothing_is_told(command: Command) -> None:
    """A folder that is not there is a mistake."""
    command.config.unlink()
    done = command("init", "nowhere")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "syndicator: nowhere: is not a folder",
    )
