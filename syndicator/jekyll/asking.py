"""What a post may ask its site for. Who answers is given: nothing in `jekyll` opens a file or a database."""

from collections.abc import Iterable
from typing import Protocol

from syndicator.model.content import PostHead


def places(name: str) -> tuple[str, ...]:
    """What the path of a post that is asked for by `name` is or ends in, with or without its suffix.

    A folder in the name may be the one above `_posts`, as Jekyll has it: `en/2026-01-02-x`.
    """
    folder, slash, file = name.strip("/").rpartition("/")
    return (f"{folder}/{file}", f"{folder}/_posts/{file}") if slash else (file,)


def is_named(path: str, name: str) -> bool:
    """Whether a post is asked for by `name`."""
    ends = tuple(f"/{place}" for place in places(name))
    return f"/{path}".endswith(ends) or f"/{path}".rpartition(".")[0].endswith(ends)


class SiteFiles(Protocol):
    """The files of the site a post may name. Nothing outside the site's folder is ever seen through it.

    Paths are relative to the site's root with `/` between parts; a leading slash is the same root.
    What was asked for is remembered by the maker, so that an entry is rendered again when it changes.
    """

    def text(self, path: str) -> str | None:
        """The file's text without a byte order mark; None when there is no such file, or it isn't UTF-8 below 1 MiB."""

    def size(self, path: str) -> int | None:
        """The file's length in octets; None when there is no such file."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The paths of all files below a folder, sorted; none when there is no such folder."""


class SitePosts(Protocol):
    """The site's other posts that are out, as far as a post may ask for them: Jekyll reads no others (publisher.rb)."""

    def find(self, name: str) -> PostHead | None:
        """The post whose path ends in `name` (with or without suffix), as Jekyll's `post_url` and `link` ask."""

    def newest(self, limit: int) -> Iterable[PostHead]:
        """Posts, newest first."""
