"""Compare the feeds of two checkouts of syndicator, byte for byte.

python benchmarks/compare_versions.py OLD NEW [FOLDER ...]

OLD and NEW are checkouts. Both build `tests/sites`, the example site, and each FOLDER that is a
site or holds one in `site/`. Each is built with its own settings, and with every post in every kind
of feed and an outside hub. Then NEW builds on the state and the feeds that OLD left, which must
change no file and queue no ping. Ends with 1 if anything differs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Settings that a site is built with, besides its own.
VARIANTS = {
    "as it is": {},
    "every post in every kind of feed": {
        "SYNDICATOR_FEEDS__BY": "category,tag,author,collection",
        "SYNDICATOR_FEEDS__LIMIT": "10000",
        "SYNDICATOR_FEEDS__MAX_BYTES": "100MiB",
        "SYNDICATOR_PUSH__HUBS": "http://127.0.0.1:9/hub",
    },
}


def configs(folders: list[str], scratch: Path) -> dict[str, Path]:
    """A config for each site, by the site's name."""
    by_name = {path.parent.name: path for path in ROOT.glob("tests/sites/*/syndicator.toml")}
    sites = {"example": ROOT / "examples/site"}
    for folder in map(Path, folders):
        sites[folder.name] = folder / "site" if (folder / "site").is_dir() else folder
    for name, site in sites.items():
        by_name[name] = scratch / f"{name}.toml"
        by_name[name].write_text(f"[source]\npath = {json.dumps(str(site.resolve()))}\n")
    return by_name


def build(checkout: str, config: Path, target: Path, settings: dict[str, str]) -> dict[str, object]:
    """Build into `target/feeds`, with the state beside it. Returns the report of `build --json`."""
    environ = {name: value for name, value in os.environ.items() if "SYNDICATOR_" not in name}
    environ |= settings | {
        "PYTHONPATH": str(Path(checkout).resolve()),
        "SYNDICATOR_CONFIG": str(config),
        "SYNDICATOR_OUTPUT__PATH": str(target / "feeds"),
        "SYNDICATOR_STATE__URL": f"sqlite:///{target / 'state.db'}",
    }
    command = [sys.executable, "-m", "syndicator", "build", "--json"]
    done = subprocess.run(
        command, env=environ, cwd=checkout, stdout=subprocess.PIPE, text=True, check=False
    )
    report: dict[str, object] = json.loads(done.stdout)  # problems end it with 1, which is fine
    return report


def files(target: Path) -> dict[str, bytes]:
    """The bytes of every file below `target/feeds` by path. Their owner is left out."""
    folder = target / "feeds"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """The paths that only one has, or whose bytes differ."""
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def main(old: str, new: str, *folders: str) -> int:
    failed = False
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for site, config in configs(list(folders), scratch).items():
            for variant, settings in VARIANTS.items():
                by_old, by_new = scratch / "old", scratch / "new"
                build(old, config, by_old, settings)
                build(new, config, by_new, settings)
                before = files(by_old)
                changed = differences(before, files(by_new))
                upgrade = build(new, config, by_old, settings)
                rewritten = differences(before, files(by_old))
                queued = upgrade["pings"]
                print(f"{site}, {variant}: {len(before)} files, {len(changed)} differ;", end=" ")
                print(f"after an upgrade {len(rewritten)} differ, {queued} pings queued")
                print("".join(f"  {path}\n" for path in sorted({*changed, *rewritten})), end="")
                failed = failed or not before or bool(changed or rewritten or queued)
                shutil.rmtree(by_old)
                shutil.rmtree(by_new)
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
