"""Builds sites and posts from text, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from syndicator.jekyll.posts import ReadPost, read_post
from syndicator.jekyll.site import Site
from syndicator.jekyll.site_config import read_site
from syndicator.model.content import Document, Post, Problem, Stat

CONFIG = "url: https://example.com\ntitle: Example\n"


@dataclass(frozen=True)
class Files:
    """A site's files, by path."""

    texts: Mapping[str, str] = field(default_factory=dict)
    theme: Mapping[str, str] | None = None  #: the files of the theme; None: it is not known

    @property
    def has_theme(self) -> bool:
        return self.theme is not None

    def theme_text(self, path: str) -> str | None:
        return (self.theme or {}).get(path)

    def text(self, path: str, max_bytes: int = 1024 * 1024) -> str | None:
        return self.texts.get(path.removeprefix("/"))

    def size(self, path: str) -> int | None:
        text = self.text(path)
        return None if text is None else len(text.encode())

    def names(self, folder: str) -> tuple[str, ...]:
        return tuple(
            sorted(path for path in self.texts if not folder or path.startswith(f"{folder}/"))
        )


def site_and_problems(
    config: str | None = CONFIG, files: Mapping[str, str] | None = None, **overrides: str
) -> tuple[Site, tuple[Problem, ...]]:
    return read_site(config, Files(files or {}), overrides)


def site_of(
    config: str | None = CONFIG, files: Mapping[str, str] | None = None, **overrides: str
) -> Site:
    return site_and_problems(config, files, **overrides)[0]


def document(path: str, text: str | bytes) -> Document:
    data = text.encode() if isinstance(text, str) else text
    return Document(stat=Stat(path, len(data), 0, 0, 0), data=data, digest=sha256(data).hexdigest())


def reading(
    head: str, *, path: str = "_posts/2024-01-02-hello.md", site: Site | None = None
) -> ReadPost:
    """The result of reading a document with this YAML head and a line of text."""
    return read_post(document(path, f"---\n{head}\n---\nText.\n"), site or site_of())


def post_of(
    head: str, *, path: str = "_posts/2024-01-02-hello.md", site: Site | None = None
) -> Post:
    post = reading(head, path=path, site=site).post
    assert post is not None
    return post
