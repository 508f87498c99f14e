"""Interfaces to the site of a post: settings, files and other posts. The caller provides them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Protocol

from syndicator.model.content import Post, PostHead, SiteInfo


def path_endings(name: str) -> tuple[str, ...]:
    """The possible ends of the path of the post `name`. The path may have a file suffix besides.

    As in Jekyll, a folder in the name may be the one above `_posts`: `en/2026-01-02-x`.
    """
    folder, slash, file = name.strip("/").rpartition("/")
    return (f"{folder}/{file}", f"{folder}/_posts/{file}") if slash else (file,)


def matches_name(path: str, name: str) -> bool:
    """Whether `post_url` and `link` mean the post at `path` by `name`."""
    endings = tuple(f"/{ending}" for ending in path_endings(name))
    return f"/{path}".endswith(endings) or f"/{path}".rpartition(".")[0].endswith(endings)


class SiteSettings(Protocol):
    """The settings of a site."""

    @property
    def info(self) -> SiteInfo: ...

    @property
    def url(self) -> str:
        """Scheme and host from the config; "" if it has none."""

    @property
    def baseurl(self) -> str:
        """A path with a leading slash, or ""."""

    @property
    def timezone(self) -> tzinfo: ...

    @property
    def config(self) -> Mapping[str, Any]:
        """The whole config, for Liquid's `site`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The content of `_data`, for Liquid's `site.data`."""

    @property
    def highlighter(self) -> str | None:
        """The highlighter for the `highlight` tag; None if the config has an empty one."""


class SiteFiles(Protocol):
    """The files of the site. Files outside of the site's folder are not accessible.

    Paths are relative to the site's root, with `/` between parts. A leading slash is allowed.
    Implementations record the requested paths, so that an entry is rendered again when one changes.
    """

    def text(self, path: str, max_bytes: int = 1024 * 1024) -> str | None:
        """The file's text without a byte order mark.

        None if the file does not exist, is not UTF-8, or has more than `max_bytes`.
        """

    @property
    def has_theme(self) -> bool:
        """Whether the folder of the site's theme is known."""

    def theme_text(self, path: str) -> str | None:
        """As `text`, of a file of the site's theme."""

    def size(self, path: str) -> int | None:
        """The file's length in bytes; None if it does not exist."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The paths of all files below a folder, sorted. Empty if the folder does not exist."""


class SitePosts(Protocol):
    """The published posts of the site. Jekyll reads no others (publisher.rb)."""

    @property
    def now(self) -> datetime:
        """The time of the build."""

    def find(self, name: str) -> PostHead | None:
        """The post that `post_url` and `link` mean by `name`; None: no such post."""

    def newest(self, limit: int) -> Iterable[PostHead]:
        """The newest posts, up to `limit`, newest first."""

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        """The next newer or older post of its collection and language; None: it is the last one."""

    def read(self, head: PostHead) -> Post | None:
        """The post with its front matter and text; None: its file can't be read now."""
