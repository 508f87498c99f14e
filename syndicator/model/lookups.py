"""What the Liquid of a post may look up: its site's settings, files and other posts. The caller provides them."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Any, Protocol

from syndicator.model.content import PostHead, SiteInfo


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


class SiteSettings(Protocol):
    """What a site's config says."""

    @property
    def info(self) -> SiteInfo: ...

    @property
    def url(self) -> str:
        """Scheme and host, as the config has it; "": it has none."""

    @property
    def baseurl(self) -> str:
        """A path with a leading slash; "": none."""

    @property
    def timezone(self) -> tzinfo: ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The whole config: Liquid's `site`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The files of `_data`: Liquid's `site.data`."""

    @property
    def highlighter(self) -> str | None:
        """The name of the highlighter of the `highlight` tag; None: an empty one."""


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
