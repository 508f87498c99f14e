"""Every command that README, tutorial and how-to show is run as it is on the page.

The commands are read from the pages: each block of `sh`, and each command of ours within a sentence
(`syndicator …` in backquotes), which may also exit with 1. README and tutorial are stories: all
their commands run in one shell, in their order. Each section of the how-to runs by itself, in a
folder with a config and the feeds of a small site. `syndicator run` and `make run` go on until the
page ends or another is started.

Who adds a command to a page does nothing here, unless

- it needs what tests don't have: add a piece of it to NOT_RUN, with the reason;
- it has a placeholder, such as FILE: that is its value here, or add one to PLACEHOLDERS;
- it needs something first, such as a folder: add that to BEFORE, by its section's heading.

AFTER has what must be true after a section.

pip installs this checkout by its own build backend, and takes the other packages from the tests'
environment: the pages are tested here, not the package indexes.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import free_port
from pages import PRELUDE, Shown, commands_of, script_of

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / name).read_text() for name in ("README.md", "docs/tutorial.md")}
HOW_TO = (ROOT / "docs/how-to.md").read_text()

#: Commands with these words are not run.
NOT_RUN = {
    "pipx install": "needs pipx or uv; the wheel that both install is compared in test_wheel.py",
    "systemctl": "needs root and systemd",
    "journalctl": "needs systemd",
    "docker run": "needs a container engine",
    "db.example": "needs PostgreSQL",
    "git.example": "needs a repository on another host, and another user",
    "syndicator backup\n": "the how-to mentions it without its argument",
    "--require-hashes": "downloads every package from the index, to compare its hash",
    "syndicator init": "the how-to mentions it beside the config that it wrote",
}

PLACEHOLDERS = {
    "path/to/syndicator": str(ROOT),
    "path/to/site": str(ROOT / "examples/site"),
    "first-electric-ferry": "one",
}

#: What a section needs first.
BEFORE = {
    "Your own site": 'mkdir "$HOME/own" && cd "$HOME/own"\n',
    "Restore a backup": "syndicator backup syndicator-backup.db\n",
}

#: What is true after a section.
AFTER = {
    "Restore a backup": "syndicator status | grep -q '1 post'\n",
    "Try it": "grep -q 'Walking football' feeds/all.rss\n",
    "Your own site": "test -e feeds/all.rss\n",
    "3. Write a config": "syndicator check | grep -q '^1 post'\n",
    "4. Run": 'test -e "$HOME/feeds-of-the-paper/feeds/category/news.rss"\n',
    "5. Save a post": 'appears "$HOME/feeds-of-the-paper/feeds/category/sports.rss"\n'
    'cd "$HOME/feeds-of-the-paper"\n',
    "6. Monitor it": "syndicator status | grep -q '^3 feeds, 2 posts'\n"
    "syndicator doctor | grep -q 'All is well'\n",
}


def run(script: str, home: Path, programs: Path, *, seconds: float) -> None:
    """Run a script in a shell of its own. Fails with what it printed."""
    home.mkdir(exist_ok=True)
    own = {key: value for key, value in os.environ.items() if not key.startswith("SYNDICATOR_")}
    environ = (
        own
        | {
            "HOME": str(home),
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if "site-packages" in path),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads 0 as: none (https://github.com/pypa/pip/issues/5735)
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "SYNDICATOR_WEB__LISTEN": f"127.0.0.1:{free_port()}",
            "SYNDICATOR_WEB__ADMIN": f"127.0.0.1:{free_port()}",
        }
    )
    file = home / "script"
    file.write_text(PRELUDE + script)
    with subprocess.Popen(
        ["bash", file],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, _ = shell.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            output, _ = shell.communicate()
    assert shell.returncode == 0, f"{script}\n{output[-6000:]}"


def is_run(shown: Shown) -> bool:
    return not any(words in shown.text for words in NOT_RUN)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """This checkout as it is, committed to a repository of its own."""
    copy = tmp_path / "repository"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-C"]
    listed = subprocess.run(
        [*git, ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, copy, *arguments], check=True, timeout=60)
    return copy


@pytest.mark.timeout(600)  # they set up virtual environments
@pytest.mark.parametrize("name", list(PAGES))
def test_the_commands_of_a_story(name: str, repository: Path, tmp_path: Path) -> None:
    """README and tutorial, from the clone on: all commands in one shell, as a reader types them."""
    programs = tmp_path / "bin"
    programs.mkdir()
    # This Python, whatever its version, without the tests' own environment.
    (programs / "python3.11").symlink_to(Path(sys.base_prefix, "bin/python3").resolve())
    shown = list(commands_of(PAGES[name]))
    placeholders = PLACEHOLDERS | {"<this repository>": str(repository)}
    script = ""
    for command, following in zip(shown, [*shown[1:], None], strict=True):
        script += BEFORE.get(command.section, "") + script_of(command, placeholders)
        if following is None or following.section != command.section:
            script += AFTER.get(command.section, "")
    assert "git clone" in script
    run(script, tmp_path / "home", programs, seconds=560)


SECTIONS = sorted({shown.section for shown in commands_of(HOW_TO) if is_run(shown)})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site of one post and a home with its config, state and feeds."""
    folder = tmp_path_factory.mktemp("built")
    posts = folder / "site/_posts"
    posts.mkdir(parents=True)
    (posts / "2026-01-02-one.md").write_text("---\ntitle: One\n---\nText.\n")
    script = f"syndicator init {folder / 'site'} && syndicator build\n"
    run(script, folder / "home", Path(sys.executable).parent, seconds=100)
    return folder


@pytest.mark.parametrize("section", SECTIONS)
def test_the_commands_of_the_how_to(section: str, built: Path, tmp_path: Path) -> None:
    """Each section on a copy of the site."""
    shutil.copytree(built, tmp_path, symlinks=True, dirs_exist_ok=True)
    script = BEFORE.get(section, "") + "".join(
        script_of(shown, PLACEHOLDERS)
        for shown in commands_of(HOW_TO)
        if shown.section == section and is_run(shown)
    )
    programs = Path(sys.executable).parent
    run(script + AFTER.get(section, ""), tmp_path / "home", programs, seconds=100)


def test_what_is_not_run_is_on_the_page() -> None:
    """The list has no command that is not shown any more."""
    texts = [shown.text for shown in commands_of(HOW_TO)]
    assert {words for words in NOT_RUN if not any(words in text for text in texts)} == set()
