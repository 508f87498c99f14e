"""What a post may ask its site for. Who answers is given: nothing in `jekyll` opens a file or a database."""

from collections.abc import Iterable
from typing import Protocol

from syndicator.model import PostHead


class SiteFiles(Protocol):
    """The files of the site a post may name. Nothing outside the site's folder is ever seen through it.

    Paths are relative to the site's root with `/` between parts; a leading slash is the same root.
    What was asked for is remembered by the maker, so that an entry is rendered again when it changes.
    """

    def text(self, path: str) -> str | None:
        """The file's text; None when there is no such file, or it is not UTF-8, or it is over 1 MiB."""

    def size(self, path: str) -> int | None:
        """The file's length in octets; None when there is no such file."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The paths of all files below a folder, sorted; none when there is no such folder."""


class SitePosts(Protocol):
    """The site's other posts, as far as a post may ask for them."""

    def find(self, name: str) -> PostHead | None:
        """The post whose path ends in `name` (with or without suffix), as Jekyll's `post_url` and `link` ask."""

    def newest(self, limit: int) -> Iterable[PostHead]:
        """Posts that are out, newest first."""
