"""A site on a static host: built by a workflow, pushed once the host shows it."""

import gzip
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml

from syndicator.config import load

CONFIG = Path(__file__).parents[2] / "config"
WORKFLOWS = {".github": CONFIG / "github-pages.yml", ".gitlab": CONFIG / "gitlab-pages.yml"}
FEEDS = {f"/feeds/all.{suffix}" for suffix in ("rss", "atom", "json")}


class Host:
    """A static host that shows a folder once it is deployed, and a hub at `/hub`."""

    def __init__(self) -> None:
        host = self
        self.folder: Path | None = None  #: None: not deployed
        self.change: Callable[[bytes], bytes] = lambda body: body
        self.encoding: str | None = None
        self.asked = 0
        self.pings: queue.SimpleQueue[str] = queue.SimpleQueue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked += 1
                file = host.folder and host.folder / self.path.lstrip("/")
                found = file is not None and file.is_file()
                self.answer(200 if found else 404, host.change(file.read_bytes()) if found else b"")

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                host.pings.put(form["hub.url"][0].removeprefix(host.url.rstrip("/")))
                self.answer(204)

            def answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("ETag", 'W/"of-the-host"')
                self.send_header("Content-Length", str(len(body)))
                if host.encoding and body:
                    self.send_header("Content-Encoding", host.encoding)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def pinged(self) -> set[str]:
        """The paths of the feeds that were pinged since the last call."""
        return {self.pings.get() for _ in range(self.pings.qsize())}


class Repository:
    """A site's repository as its workflow checks it out, with the config beside the workflow."""

    def __init__(self, root: Path, folder: str, host: Host) -> None:
        self.root = root
        settings = (CONFIG / "pages.toml").read_text()
        settings = settings.replace("https://example.github.io/blog/", host.url)
        settings = settings.replace("https://pubsubhubbub.appspot.com/", f"{host.url}hub")
        self.config = root / folder / "syndicator.toml"
        self.config.parent.mkdir()
        self.config.write_text(settings)
        (root / "_posts").mkdir()
        (root / "_config.yml").write_text("title: Example\nurl: https://example.com\n")
        self.post("2026-01-02-one")
        self.environ = os.environ | {"SYNDICATOR_CONFIG": f"{folder}/syndicator.toml"}

    def post(self, name: str, head: str = "") -> None:
        (self.root / "_posts" / f"{name}.md").write_text(f"---\ntitle: {name}\n{head}---\nText.\n")

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        """A line of the workflow, in its shell."""
        program = f"{sys.executable} -m syndicator"
        return subprocess.run(
            ["bash", "-e", "-c", re.sub(r"^syndicator\b", program, line)],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def check_out(self) -> None:
        """What the next run begins with: new files, and the folders of its cache."""
        shutil.rmtree(self.root / "_site", ignore_errors=True)
        shutil.rmtree(self.root / "public", ignore_errors=True)
        for post in (self.root / "_posts").iterdir():
            text = post.read_text()
            post.unlink()
            post.write_text(text)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.server.shutdown()
    host.server.server_close()


def lines_of(workflow: Path) -> list[str]:
    """The lines of shell of a workflow that are about feeds, in their order."""
    parsed: dict[str, Any] = yaml.safe_load(workflow.read_text())
    if "jobs" in parsed:
        steps = [step for job in parsed["jobs"].values() for step in job["steps"]]
        lines = [step.get("run", "") for step in steps]
    else:
        jobs = [job for job in parsed.values() if isinstance(job, dict)]
        lines = [line for job in jobs for line in job.get("script", ())]
    return [line for line in lines if line.startswith(("syndicator ", "mv ", "test "))]


@pytest.mark.parametrize("folder", WORKFLOWS)
def test_a_workflow_publishes_and_pushes(folder: str, host: Host, tmp_path: Path) -> None:
    """With one config and one file. The next run knows from the state that nothing changed."""
    site = Repository(tmp_path, folder, host)
    site.post("2026-01-03-two", "last_modified_at: soon\n")  # a problem, which stops nothing
    *build, push = lines_of(WORKFLOWS[folder])
    assert push == "syndicator push --when-live 10m"

    def run() -> set[str]:
        """The feeds that were pinged by one run of the workflow."""
        host.folder = None
        for line in build:
            done = site.run(line)
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        built = site.root / ("public" if folder == ".gitlab" else "_site")
        deployment = threading.Timer(0.5, setattr, (host, "folder", built))
        deployment.start()
        done = site.run(push)
        deployment.join()
        assert done.returncode == 0, done.stderr
        return host.pinged()

    assert run() == FEEDS
    site.check_out()
    assert run() == set()
    names = {str(path.relative_to(site.root)) for path in site.root.rglob("*") if path.is_file()}
    assert f"{'public' if folder == '.gitlab' else '_site'}/feeds/all.rss" in names
    assert ".syndicator/state.db" in names


def test_pings_wait_until_their_feed_is_live(host: Host, tmp_path: Path) -> None:
    """What is not served, or with other bytes, stays queued; a host may compress as it likes."""
    site = Repository(tmp_path, ".github", host)
    site.run("syndicator build")
    began = time.monotonic()
    never = site.run("syndicator push --when-live 2s")
    assert time.monotonic() - began >= 2
    assert never.returncode == 1
    *problems, summary = never.stdout.splitlines()
    assert f"{host.url}feeds/all.rss: was not pinged: its address returns status 404" in problems
    assert summary == "nothing sent; 3 still queued"
    assert host.asked <= 3 * 3
    host.folder, host.change = site.root / "_site", lambda body: body.replace(b"Example", b"Old")
    other = site.run("syndicator push --when-live 1s --json")
    report = json.loads(other.stdout)
    assert (other.returncode, report["queued"]) == (1, 3)
    assert all("has other bytes than were built" in one["message"] for one in report["problems"])
    assert host.pinged() == set()
    host.change, host.encoding = gzip.compress, "gzip"
    assert site.run("syndicator push --when-live 1m").stdout == "3 pings sent\n"
    assert host.pinged() == FEEDS


def test_the_config_of_pages_needs_no_server(tmp_path: Path) -> None:
    """No hub of our own, at least one outside hub, and no files that the host makes itself."""
    file = tmp_path / ".github" / "syndicator.toml"
    file.parent.mkdir()
    shutil.copy(CONFIG / "pages.toml", file)
    settings = load(file, {})
    assert (settings.hub.enabled, settings.output.compress) == (False, ())
    assert settings.push.hubs
    assert settings.output.path == tmp_path / "_site" / "feeds"


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("actionlint", ["-shellcheck=", "-pyflakes=", str(WORKFLOWS[".github"])]),
        (
            "check-jsonschema",
            ["--builtin-schema", "vendor.github-workflows", str(WORKFLOWS[".github"])],
        ),
        (
            "check-jsonschema",
            ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci",
             str(WORKFLOWS[".gitlab"])],
        ),
    ],
)  # fmt: skip
def test_the_workflows_are_valid(program: str, arguments: list[str]) -> None:
    """By the linter for GitHub's workflows, and by the schemas of both hosts."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [found, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
