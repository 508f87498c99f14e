"""Validate feeds and OPML with the W3C's own validator, without a network.

    python benchmarks/validate_feeds.py CHECKOUT FILE...

CHECKOUT is a checkout of https://github.com/w3c/feedvalidator; it needs html5lib and rdflib. Its
errors and warnings are printed, one a line; the exit code is 1 if there are any.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

SUFFIXES = {".rss", ".atom", ".xml", ".opml"}


def main(checkout: Path, files: list[Path]) -> int:
    sys.path.insert(0, str(checkout / "src"))
    import feedvalidator
    from feedvalidator import logging

    worst = 0
    for file in files:
        logged = events(feedvalidator, logging, file)
        worst = max(
            [worst, *(1 for event in logged if isinstance(event, (logging.Error, logging.Warning)))]
        )
        for event in logged:
            line = event.params.get("line", "?")
            name = type(event).__name__
            kind = "error" if isinstance(event, logging.Error) else "warning"
            details = {
                key: value
                for key, value in event.params.items()
                if key in {"element", "parent", "value", "attr"}
            }
            print(f"{file}:{line}: {kind}: {name} {details}")
        if not logged:
            print(f"{file}: valid")
    return worst


def events(feedvalidator: ModuleType, logging: ModuleType, file: Path) -> list:
    """Errors and warnings about one feed, without mere information."""
    data = file.read_bytes()
    itself = re.search(rb'<(?:atom:)?link[^>]* rel="self"[^>]*>', data)
    # The validator treats the feed as fetched from its own address.
    address = re.search(rb' href="([^"]+)"', itself[0])[1].decode() if itself else ""
    logged = feedvalidator.validateString(data, firstOccurrenceOnly=0, base=address)["loggedEvents"]
    return [event for event in logged if isinstance(event, (logging.Error, logging.Warning))]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
