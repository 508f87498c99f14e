"""`site.github`: what follows from the config (jekyll-github-metadata/lib/…/metadata_drop.rb).

The plugin asks GitHub for the rest, which a feed's build does not.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import urlsplit

from syndicator.liquid.context import RenderState

_REPOSITORY = re.compile(r"([\w.-]{1,100})/([\w.-]{1,100})", re.ASCII)


class GitHubDrop(Mapping[str, object]):
    """`site.github`. A key that is not known is noted, once for each key.

    Also one that a condition only tests: the site shows a branch that its feeds lack.
    """

    def __init__(self, run: RenderState) -> None:
        self._run = run

    @cached_property
    def _values(self) -> dict[str, object]:
        config = self._run.site.config
        own = config.get("github")
        home = self._run.site.info.url.rstrip("/")
        return {
            **_CONSTANTS,
            "url": home,
            "baseurl": urlsplit(home).path,
            **repository_values(config.get("repository")),
            **(own if isinstance(own, Mapping) else {}),
        }

    def __getitem__(self, key: str) -> object:
        if not isinstance(key, str):
            raise KeyError(key)
        if key not in self._values:
            self._run.report(
                f"site.github.{key} is not known here: it is empty, and false in a condition",
                None,
                f"set github: {{{key}: …}} in _config.yml; repository: owner/name sets most values",
                note=True,
            )
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


_CONSTANTS: dict[str, object] = {
    "hostname": "github.com",
    "pages_hostname": "github.io",
    "api_url": "https://api.github.com",
    "help_url": "https://docs.github.com",
}


def repository_values(repository: object) -> dict[str, object]:
    """The values that follow from `repository`, if it is `owner/name`.

    Issues and a wiki are assumed to exist, as every new repository has them.
    """
    match = _REPOSITORY.fullmatch(repository) if isinstance(repository, str) else None
    if match is None:
        return {}
    owner, name = match.groups()
    owner_url = f"https://github.com/{owner}"
    url = f"{owner_url}/{name}"
    is_user_page = name.lower() in (f"{owner}.github.io".lower(), f"{owner}.github.com".lower())
    return {
        "owner_name": owner,
        "owner_url": owner_url,
        "owner_gravatar_url": f"{owner_url}.png",
        "repository_name": name,
        "repository_nwo": repository,
        "repository_url": url,
        "project_title": name,
        "clone_url": f"{url}.git",
        "releases_url": f"{url}/releases",
        "issues_url": f"{url}/issues",
        "wiki_url": f"{url}/wiki",
        "is_user_page": is_user_page,
        "is_project_page": not is_user_page,
    }
