"""All costs of syndicator, beside the cost of the same work done otherwise: `make bench`.

Creates its own sites below a temporary folder, and prints one table as it goes. Each line is a
median; ratios compare neighbouring runs. It takes some minutes; `--full` takes five rounds of
everything, `--million` adds a site of 1,000,000 posts (8 GB of disk, most of an hour).
"""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks import cold, polling, saving, sites

OTHERS = {"serving.py": ["--rounds", "3", "--seconds", "1"], "crowd.py": [], "fanout.py": []}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five rounds, and more saves")
    parser.add_argument(
        "--million", action="store_true", help="also the peak memory of 1,000,000 posts"
    )
    options = parser.parse_args()
    for number, rounds in ((1000, 3), (20_000, 3), (100_000, 1)):
        with sites.temporary(number) as root:
            show(cold.lines(number, cold.measure(root, 5 if options.full else rounds)))
            # In a process of its own: a child's peak includes its parent's memory at its start.
            with ProcessPoolExecutor(1) as apart:
                show(polling.lines(number, apart.submit(polling.measure, root, 15).result()))
    with sites.temporary(1000) as few, sites.temporary(100_000) as many:
        small, large = saving.measure([few, many], 100 if options.full else 20)
        show(saving.lines(1000, small) + saving.lines(100_000, large) + _growth(small, large))
    if options.million:
        with sites.temporary(1_000_000) as root, tempfile.TemporaryDirectory() as place:
            cost = cold.ours(root, Path(place) / "ours")
            mebibytes = cost.peak / 2**20
            line = f"1,000,000 cold ours {cost.wall:8.0f} s {cost.cpu:8.0f} s CPU"
            show([f"{line} {mebibytes:7.0f} MiB"])
    for name, arguments in OTHERS.items():
        script = Path(__file__).with_name(name)
        if script.exists():
            print(f"\n{name}", flush=True)
            subprocess.run([sys.executable, str(script), *arguments], check=False)


Saves = list[tuple[saving.Save, float]]


def _growth(small: Saves, large: Saves) -> list[str]:
    """The ratio of one change's cost at a hundred times the size."""
    ratios = []
    for event in saving.EVENTS:
        more, less = (median(getattr(one, event) for one, _ in saves) for saves in (large, small))
        ratios.append(f"  100,000/1,000 save to {event:5} {more / less:.2f}")
    return ratios


def show(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
