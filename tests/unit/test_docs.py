"""The documentation is complete, and the config that is shipped works."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields, replace
from reading import CONFIG, Files, document, site_of
from rendering import Posts

from syndicator import config, observe
from syndicator.cli import init
from syndicator.cli.commands import app
from syndicator.cli.state import Backup
from syndicator.jekyll import linked_page, media, merged_front_matter, podcast, shows
from syndicator.jekyll.defaults import merge
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render import Renderer
from syndicator.model.content import Problem
from syndicator.model.report import Report
from syndicator.ops.feed_states import FeedState
from syndicator.ops.git_status import GitState
from syndicator.ops.preview import Place, PostPreview
from syndicator.ops.runs import Failure, Run
from syndicator.ops.status import FuturePost, Status
from syndicator.push.record import PushReport
from syndicator.store.audiences import Audience, Subscriber
from syndicator.store.hubs import HubState

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
SHIPPED = ROOT / "config/syndicator.toml"
TEMPLATE = (ROOT / "syndicator/cli/syndicator.toml").read_text(encoding="utf-8")


def commands(group: Any, before: str = "") -> dict[str, Any]:
    """Every command by its full name, such as `hub list`."""
    by_name: dict[str, Any] = {}
    for name, command in group.commands.items():
        below = commands(command, f"{name} ") if hasattr(command, "commands") else {name: command}
        by_name |= {f"{before}{words}": each for words, each in below.items()}
    return by_name


COMMANDS = commands(app)


def names_of(kind: type[Any]) -> list[str]:
    """The names of a class's fields."""
    return [field.name for field in fields(kind)]


@pytest.mark.parametrize("key", list(config.keys()))
def test_each_setting_is_in_the_reference(key: str) -> None:
    """Every setting has a row of its own."""
    assert re.search(rf"^\| `{re.escape(key)}` \|", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("key", list(config.keys()))
def test_each_setting_is_in_the_written_config(key: str) -> None:
    """What `init` writes shows every setting."""
    table, *names = key.split(".")
    text = TEMPLATE.partition(f"[{table}")[2] if key == "feeds.aliases" else _table(table)
    assert all(re.search(rf"\b{name}\b", text) for name in names)


def _table(name: str) -> str:
    return TEMPLATE.partition(f"\n[{name}]")[2].partition("\n[")[0]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_is_in_the_reference(name: str) -> None:
    """Every command has a row and a help text."""
    assert f"| `syndicator {name}" in REFERENCE
    assert COMMANDS[name].help


def test_each_option_is_in_the_reference() -> None:
    """Every option of every command is named."""
    options = {
        option
        for command in (app, *COMMANDS.values())
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("-")
    }
    assert options >= {"--config", "--json", "--all", "-v"}
    assert {option for option in options if f"`{option}" not in REFERENCE} == set()


def test_each_field_of_the_status_is_in_the_reference() -> None:
    """Every field of `status --json` has a row, with those of its feeds, hubs and problems."""
    section = REFERENCE.partition("### `syndicator status --json`")[2].partition("\n### ")[0]
    names = {
        each.name
        for kind in (
            *(Status, GitState, Run, Failure, FeedState, FuturePost, HubState, Problem, Audience),
        )
        for each in fields(kind)
    } | {"concerns"}
    assert {name for name in names if f"`{name}`" not in section} == set()


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("| `build`, `check` |", [*names_of(Report), "summary"]),
        ("| `push` |", [*names_of(PushReport), "summary"]),
        ("| `preview` |", [*(set(names_of(PostPreview)) - {"entry"}), *names_of(Place)]),
        ("| `feeds` |", ["feeds"]),
        ("| `doctor` |", ["problems", "notes"]),
        ("| `backup` |", list(Backup._fields)),
        ("| `hub list` |", ["subscriptions", *names_of(Subscriber)]),
    ],
)
def test_each_field_of_other_json_is_in_the_reference(command: str, names: list[str]) -> None:
    """Every field that a command prints with `--json` is in its row, and no other field."""
    section = REFERENCE.partition("### `--json` of the other commands")[2].partition("\n### ")[0]
    row = section.partition(command)[2].partition("\n")[0]
    assert set(re.findall(r"`(\w+)`", row)) == set(names)


def test_each_metric_is_in_the_reference() -> None:
    """Every metric of ours has a row, by its Prometheus name."""
    metrics = observe.Metrics()
    metrics.count_lost_lines(lambda: 0)
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
        if family.name.startswith("syndicator_")
    }
    assert len(names) > 10
    assert {name for name in names if f"| `{name}` |" not in REFERENCE} == set()


def test_each_key_of_a_podcast_is_in_the_reference() -> None:
    """Every key of an episode, of a show, of enclosures and of link posts is in the tables."""
    section = REFERENCE.partition("\n## Front matter")[2].partition("\n## HTTP")[0]
    keys = {*podcast.ACCEPTED, *media.ENCLOSURE_KEYS, *linked_page.KEYS}
    keys |= {f"podcast.{key}" for key in shows.ACCEPTED}
    assert {key for key in keys if f"`{key}`" not in section} == set()


def test_each_front_matter_key_is_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key that is asked for while a post is read and rendered, and no other."""
    read: set[str] = set()

    class Recorded(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            read.add(key)
            return super().get(key, default)

        def __contains__(self, key: object) -> bool:
            read.add(str(key))
            return super().__contains__(key)

    monkeypatch.setattr(
        merged_front_matter, "merge", lambda under, over: Recorded(merge(under, over))
    )
    site = site_of(
        f"{CONFIG}podcast: {{author: Ann}}\ntitles_from_headings: {{collections: true}}\n"
        "defaults: [{scope: {path: ''}, values: {layout: post}}]\n"
    )
    for head, body in (("audio: /a.mp3", "# Heading"), ("audio: /a.mp3\nduration: 1", "Text.")):
        text = f"---\n{head}\n---\n{body}\n\nMore.\n"
        post = read_post(document("_posts/2024-01-02-x.md", text), site).post
        assert post is not None
        assert Renderer(site, Files(), Posts()).render(post).problems == ()
    section = REFERENCE.partition("\n## Front matter\n")[2].partition("\n## ")[0]
    # The table of `podcast` in `_config.yml` is not about posts.
    rows = re.findall(r"^\| (`(?!podcast\.).*?) \|", section, re.MULTILINE)
    # Only the keys: not what their values are.
    cells = [re.split(r"; |(?<=`): ", row)[0] for row in rows]
    shown = {
        name
        for cell in cells
        for name in re.findall(r"`([\w-]+)(?::[^`]*)?`", cell.partition("(")[0])
    }
    assert read == shown


def test_the_reference_has_no_removed_setting() -> None:
    """A setting that was removed has no row left."""
    settings = REFERENCE.partition("\n## Settings")[2].partition("\n## Files")[0]
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", settings, re.MULTILINE)) == set(config.keys())


def test_the_shipped_config_works() -> None:
    """It loads, and equals what `init` writes for the example site."""
    loaded = config.load(SHIPPED, {})
    assert (loaded.source.path, loaded.output.path) == (ROOT / "examples/site", ROOT / "feeds")
    assert SHIPPED.read_text(encoding="utf-8") == init.render_config(
        init.detect_site(ROOT / "examples/site"), SHIPPED.parent
    )


def test_the_shipped_config_shows_the_defaults(tmp_path: Path) -> None:
    """Every setting that is not about the example site is the default, commented out or not."""
    text = re.sub(r"^# (\w+ += )", r"\1", SHIPPED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    settings = tomllib.loads(text)
    assert {"by", "limit", "content"} <= settings["feeds"].keys()
    bare = tmp_path / "config/syndicator.toml"
    bare.parent.mkdir()
    bare.write_text(
        '[source]\npath = "../examples/site"\n[feeds]\narchive = true\n'
        '[feeds.aliases]\n"feed.xml" = "all.atom"\n'
    )
    shown = tmp_path / "config/shown.toml"
    shown.write_text(re.sub(r"^(by|limit|content) .*$", "", text, flags=re.MULTILINE))
    default, loaded = config.load(bare, {}), config.load(shown, {})
    assert replace(loaded, hub=default.hub) == default
    assert loaded.hub.url == default.hub_url
    assert replace(loaded.hub, url=None) == default.hub
    assert (settings["feeds"]["by"], settings["feeds"]["limit"], settings["feeds"]["content"]) == (
        ["category"],
        50,
        "full",
    )


def test_the_pictures_of_the_example_are_served() -> None:
    """`make run` serves the example's files at the address that its feeds name."""
    site = ROOT / "examples/site"
    host, port = runpy.run_path(str(ROOT / "examples/run.py"))["ADDRESS"]
    assert f"\nurl: http://{host}:{port}\n" in (site / "_config.yml").read_text()
    posts = [path.read_text() for path in sorted((site / "_posts").iterdir())]
    images = re.findall(r"^(?:image|  path): (\S+)$", "".join(posts), re.MULTILINE)
    assert len(images) == len(posts)
    assert all((site / image).is_file() for image in images)


def test_the_architecture_page_lists_the_package() -> None:
    """Every package and module at the top has a line, and no other does."""
    text = (ROOT / "docs/architecture.md").read_text()
    listed = re.findall(r"^  ([a-z_]+/|[a-z_]+\.py) ", text, re.MULTILINE)
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "syndicator").iterdir()
        if not path.name.startswith(("__init__", "__pycache__"))
    }
    assert sorted(listed) == sorted(there)


def test_the_modules_that_hold_limits_exist() -> None:
    """Each fixed limit in the security page names the module where its constant is."""
    text = (ROOT / "docs/security.md").read_text()
    cells = "".join(re.findall(r"\| fixed: ([^|]+) \|", text))
    modules = set(re.findall(r"`([a-z_/]+)`", cells))
    assert "web/server" in modules
    package = ROOT / "syndicator"
    missing = {
        name
        for name in modules
        if not (package / f"{name}.py").exists() and not (package / name).is_dir()
    }
    assert missing == set()


def test_links_lead_somewhere() -> None:
    """Each link from a page of the documentation to another file finds the file."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
