"""Finds the folder of a site's theme among the gems of this machine, for `init`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: Below the site (Bundler), the user's home (RubyGems, rbenv) and `/` (Debian, Docker's image).
_OF_SITE = ("vendor/bundle/ruby/*/gems",)
_OF_HOME = (
    ".gem/ruby/*/gems",
    ".local/share/gem/ruby/*/gems",
    ".rbenv/versions/*/lib/ruby/gems/*/gems",
)
_OF_MACHINE = (
    "var/lib/gems/*/gems",
    "usr/local/bundle/gems",
    "usr/local/lib/ruby/gems/*/gems",
    "usr/lib/ruby/gems/*/gems",
    "usr/share/rubygems-integration/*/gems",
)
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_VERSION = re.compile(r"\d+(?:\.\w+)*", re.ASCII)


def find_theme(config: Mapping[str, Any], root: Path, environ: Mapping[str, str]) -> Path | None:
    """The folder of the gem in `theme`, in its newest version. None: none here has includes."""
    name = config.get("theme")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    found = [
        gem
        for folder in _gem_folders(root, environ)
        for gem in folder.glob(f"{name}-[0-9]*")
        if _VERSION.fullmatch(gem.name.removeprefix(f"{name}-")) and (gem / "_includes").is_dir()
    ]
    return max(found, key=_version, default=None)


def _gem_folders(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    homes = [environ.get("GEM_HOME", ""), *environ.get("GEM_PATH", "").split(":")]
    yield from (Path(home) / "gems" for home in homes if home)
    places = [(root, _OF_SITE), (Path("/"), _OF_MACHINE)]
    if home := environ.get("HOME"):
        places.append((Path(home), _OF_HOME))
    for base, patterns in places:
        for pattern in patterns:
            yield from base.glob(pattern)


def _version(gem: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", gem.name.rpartition("-")[2])]
