"""A poll without changes, against a bare scandir and stat of the same folder.

    python -m benchmarks.polling [NUMBER …] [--rounds 15]

Both in one process, by turns. A daemon polls every thirty seconds.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import sites
from benchmarks.cold import CONFIG


def bare(folder: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            entry.stat()


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(site: Path, rounds: int) -> list[tuple[float, float]]:
    """Seconds of a poll and of the bare loop after it, for each round."""
    from syndicator import config
    from syndicator.service import Service

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "syndicator.toml").write_text(CONFIG.format(site=site))
        with Service(config.load(Path(place) / "syndicator.toml", {})) as service:
            service.build()
            time.sleep(2.1)  # until no file is younger than the file system's time resolution
            service.build()
            return [
                (seconds_of(service.build), seconds_of(lambda: bare(site / "_posts")))
                for _ in range(rounds)
            ]


def lines(number: int, rounds: list[tuple[float, float]]) -> list[str]:
    poll, scan = (median(each) for each in zip(*rounds, strict=True))
    ratio = median(poll / scan for poll, scan in rounds)
    return [
        f"{number:>9,} poll        {poll * 1000:9.1f} ms",
        f"{number:>9,} scandir+stat{scan * 1000:9.1f} ms",
        f"{number:>9,} poll/scandir+stat {ratio:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, default=[20_000])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for number in options.numbers:
        with sites.temporary(number) as root:
            print("\n".join(lines(number, measure(root, options.rounds))))


if __name__ == "__main__":
    main()
