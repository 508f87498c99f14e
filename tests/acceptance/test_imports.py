"""What a command does not import: most of the time of a short command is imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import PATIENCE, free_port

#: What only the daemon needs.
SERVER = {"apscheduler", "starlette", "structlog", "uvicorn", "uvloop", "inotify_simple"}
#: What only requests to other machines need.
CLIENT = {"requests", "ssrfguard", "urllib3"}
#: What only rendered posts need, and feeds that are written.
RENDERER = {"babel", "feedgen", "jinja2", "liquid", "lxml", "markdown_it", "nh3", "pygments"}
MIGRATIONS = {"alembic", "mako"}
#: What libraries import, and seldom use: their parts.
LATE = {
    *("asyncio.events", "importlib.metadata._meta", "ssl"),
    *("sqlalchemy.connectors.asyncio", "liquid.extra.filters", "pytz", "urllib.request"),
}
OTHERS = {"emoji", "obstore", "prometheus_client", "psycopg", "rich"}
UNUSED = SERVER | CLIENT | MIGRATIONS | LATE | OTHERS

#: Runs the command of its arguments, and writes the names of the modules that it imported.
RECORD = """
import os, sys
from syndicator.__main__ import main
end = os._exit
def record(code):
    with open(os.environ["IMPORTED"], "w") as file:
        file.write(" ".join(sys.modules))
    end(code)
os._exit = record
main()
"""


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command imports."""
    record = folder / "imported"
    record.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", RECORD, *arguments],
        cwd=folder,
        env={**os.environ, "IMPORTED": str(record)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return set(record.read_text().split())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, a site of one post, its state and its feeds."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "site/_posts").mkdir(parents=True)
    (folder / "site/_config.yml").write_text("title: Example\nurl: https://example.com\n")
    post = "---\ntitle: News\n---\nText of {{ page.title }}.\n"
    (folder / "site/_posts/2026-03-01-news.md").write_text(post)
    (folder / "syndicator.toml").write_text(
        f'[source]\npath = "site"\n[output]\npath = "feeds"\n[state]\nurl = "sqlite:///state.db"\n'
        f'[web]\nlisten = "127.0.0.1:{free_port()}"\nadmin = ""\n'
    )
    first = imported(folder, "build")
    assert first >= {"lxml", "syndicator.build.pipeline"}
    assert first & UNUSED == set()
    return folder


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (["--help"], {"sqlalchemy", "syndicator.config"}),
        (["status"], RENDERER | {"yaml", "syndicator.build.entries", "syndicator.service"}),
        (["status", "--json"], RENDERER | {"yaml", "syndicator.build.entries"}),
        (["hub", "list"], RENDERER | {"yaml", "syndicator.build.pipeline"}),
        (["build"], RENDERER | {"syndicator.push.worker", "syndicator.store.waves"}),
        (["push"], RENDERER | {"syndicator.jekyll.posts"}),
        (["check"], {"babel", "jinja2", "syndicator.push.worker", "syndicator.web"}),
    ],
    # Workers must agree on the names, and sets have another order in each process.
    ids=lambda value: " ".join(sorted(value)),
)
def test_a_command_imports_what_it_needs(
    built: Path, arguments: list[str], unused: set[str]
) -> None:
    """Nothing is built, sent or migrated: the state and the feeds are there, and unchanged."""
    assert imported(built, *arguments) & (unused | UNUSED) == set()


def test_published_files_are_served_before_the_rest_is_imported(built: Path) -> None:
    """The first step of a start: no build, push, schedule, log, page or client."""
    program = (
        "import os, sys; from pathlib import Path; from syndicator.daemon.start import start;"
        "started = start(Path('syndicator.toml'), os.environ);"
        "import urllib.request;"
        "feed = urllib.request.urlopen(started.server.url + 'all.rss', timeout=30);"
        "assert feed.status == 200;"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=built,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    late = RENDERER | CLIENT | MIGRATIONS
    late |= {"apscheduler", "structlog", "prometheus_client", "yaml", "rich"}
    late |= {"syndicator.build.pipeline", "syndicator.push.worker", "syndicator.daemon.parts"}
    assert set(done.stdout.split()) & late == set()
