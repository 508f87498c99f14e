"""Liquid's variables for the site, other posts and the post itself (jekyll/lib/jekyll/drops/)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import basename, splitext
from typing import Any, overload

from syndicator.liquid.context import RenderState
from syndicator.liquid.github import GitHubDrop
from syndicator.model.content import Post, PostHead
from syndicator.ruby.uris import path_below

#: Posts in `site.posts`: more than any page lists.
_MAX_POSTS = 10_000
#: Steps to read another post's file.
_STEPS_PER_POST = 5
#: Jekyll's names of the newer and the older post. Front matter does not replace them.
_NEIGHBOURS = frozenset({"next", "previous"})


class SiteDrop(Mapping[str, object]):
    """`site`: the config and Jekyll's additions, each made on first use."""

    def __init__(self, run: RenderState) -> None:
        self._run = run
        self._made: dict[str, object] = {}

    def __getitem__(self, key: str) -> object:
        addition = _ADDITIONS.get(key)
        if addition is None:
            return self._run.site.config[key]
        if key not in self._made:  # a template may ask for it in each round of a loop
            self._made[key] = addition(self._run)
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.site.config)

    def __len__(self) -> int:
        return len(self._run.site.config)


def _github(run: RenderState) -> object:
    own = run.site.config.get("github")
    return GitHubDrop(run) if own is None or isinstance(own, Mapping) else own


def _posts_by_term(run: RenderState, kind: str) -> dict[str, list[Mapping[str, object]]]:
    posts: dict[str, list[Mapping[str, object]]] = {}
    for head in PostsDrop(run).heads:
        for term in head.terms:
            if term.kind == kind:
                posts.setdefault(term.label, []).append(_other_post(head, run))
    return posts


def _related_posts(run: RenderState) -> list[Mapping[str, object]]:
    newest = PostsDrop(run)[:11]
    return [post for post in newest if post["path"] != run.post.head.path][:10]


def _static_files(run: RenderState) -> list[dict[str, object]]:
    return [_file_properties(path) for path in run.files.names("") if not _is_hidden(path)]


_ADDITIONS: dict[str, Callable[[RenderState], object]] = {
    "data": lambda run: run.site.data,
    "url": lambda run: run.site.config.get("url", run.site.url),
    "baseurl": lambda run: run.site.config.get("baseurl", run.site.baseurl),
    "github": _github,
    "active_lang": lambda run: _language(run.post.head) or run.site.config.get("active_lang"),
    "time": lambda run: run.today(),
    "posts": lambda run: PostsDrop(run),
    "documents": lambda run: PostsDrop(run, only_posts=False),
    "categories": lambda run: _posts_by_term(run, "category"),
    "tags": lambda run: _posts_by_term(run, "tag"),
    "related_posts": _related_posts,
    "static_files": _static_files,
    "pages": lambda run: [],
    "html_pages": lambda run: [],
    "collections": lambda run: [],
    "config": lambda run: None,
}


class PostsDrop(Sequence[Mapping[str, object]]):
    """`site.posts` and `site.documents`, newest first."""

    def __init__(self, run: RenderState, *, only_posts: bool = True) -> None:
        self._run = run
        self._only_posts = only_posts

    @cached_property
    def heads(self) -> list[PostHead]:
        """The posts, of the language of the page if the site has several."""
        language = _language(self._run.post.head)
        return [
            head
            for head in self._run.posts.newest(_MAX_POSTS)
            if (not self._only_posts or _collection(head) == "posts")
            and _language(head) in (None, language)
        ]

    @overload
    def __getitem__(self, at: int) -> Mapping[str, object]: ...

    @overload
    def __getitem__(self, at: slice) -> list[Mapping[str, object]]: ...

    def __getitem__(self, at: int | slice) -> Mapping[str, object] | list[Mapping[str, object]]:
        if isinstance(at, slice):
            return [_other_post(head, self._run) for head in self.heads[at]]
        return _other_post(self.heads[at], self._run)

    def __len__(self) -> int:
        return len(self.heads)


class _Page(dict[str, object]):
    """`page`: the front matter and Jekyll's additions. Its neighbours are found on first use."""

    def __init__(self, properties: Mapping[str, object], head: PostHead, run: RenderState) -> None:
        super().__init__(properties)
        self._head = head
        self._run = run

    def __missing__(self, key: object) -> object:
        if key in _NEIGHBOURS:
            return _neighbour(self._head, key, self._run)
        raise KeyError(key)


def page(post: Post, run: RenderState) -> dict[str, object]:
    """`page`: the front matter and Jekyll's additions."""
    excerpt = post.front.get("excerpt")
    properties = _properties(post, run)
    return _Page(
        {**properties, "excerpt": excerpt if isinstance(excerpt, str) else ""}, post.head, run
    )


class OtherPost(Mapping[str, object]):
    """Another post. Its front matter and text are read on first use of one of their properties.

    Its text is the Markdown. Jekyll has the HTML of posts that it rendered before this one.
    """

    def __init__(self, head: PostHead, run: RenderState) -> None:
        self._head = head
        self._run = run
        self._known = {
            **_common_properties(head, run),
            "title": head.title,
            "slug": _slug(head.path),
            "categories": [term.label for term in head.terms if term.kind == "category"],
            "tags": [term.label for term in head.terms if term.kind == "tag"],
        }

    def __getitem__(self, key: str) -> object:
        if key in self._known:
            return self._known[key]
        if key in _NEIGHBOURS:
            return _neighbour(self._head, key, self._run)
        if key == "excerpt":
            return self._excerpt()
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._read})

    def __len__(self) -> int:
        return len({**self._known, **self._read})

    @property
    def _read(self) -> Mapping[str, object]:
        """What its file has besides; nothing if it can't be read now. Raises LiquidLimitError."""
        run, path = self._run, self._head.path
        if path not in run.read_posts:
            run.meter.spend(_STEPS_PER_POST)
            post = run.posts.read(self._head)
            run.read_posts[path] = _properties(post, run) if post else {}
        return run.read_posts[path]

    def _excerpt(self) -> object:
        excerpt = self._read.get("excerpt")
        if isinstance(excerpt, str):
            return excerpt
        post = self._run.posts.read(self._head)
        if post is None:
            return ""
        self._run.meter.spend(_STEPS_PER_POST + len(post.body) // 2)
        return self._run.markup.excerpt(post)


def _other_post(head: PostHead, run: RenderState) -> Mapping[str, object]:
    return OtherPost(head, run)


def _neighbour(head: PostHead, name: object, run: RenderState) -> Mapping[str, object] | None:
    """`next`, which is newer, or `previous` (jekyll/lib/jekyll/document.rb, next_doc)."""
    found = run.posts.neighbour(head, newer=name == "next")
    return _other_post(found, run) if found else None


def _properties(post: Post, run: RenderState) -> dict[str, object]:
    """A post's front matter, and Jekyll's additions but its excerpt and neighbours."""
    front: dict[str, Any] = dict(post.front)
    properties = {
        "slug": _slug(post.head.path),
        **front,
        **_common_properties(post.head, run),
        "title": front.get("title", post.head.title),
        "categories": list(post.categories),
        "tags": list(post.tags),
        "content": post.body,
        "ext": splitext(post.head.path)[1],
        "draft": bool(front.get("draft")),
    }
    return {key: value for key, value in properties.items() if key not in _NEIGHBOURS}


def _language(head: PostHead) -> str | None:
    """The language of a site that is built in several; None: another site, or not a post."""
    return next((term.label for term in head.terms if term.kind == "language"), None)


def _collection(head: PostHead) -> str:
    return next((term.label for term in head.terms if term.kind == "collection"), "posts")


def _common_properties(head: PostHead, run: RenderState) -> dict[str, object]:
    home = run.site.info.url
    return {
        "url": path_below(head.url, home),
        "id": path_below(head.id, home) if "://" in head.id else head.id,
        "date": head.published.astimezone(run.zone),
        "path": head.path,
        "relative_path": head.path,
        "name": basename(head.path),
        "collection": _collection(head),
    }


def _slug(path: str) -> str:
    stem = splitext(basename(path))[0]
    year, *rest = stem.split("-", 3)
    return rest[-1] if len(rest) == 3 and year.isdigit() else stem


def _file_properties(path: str) -> dict[str, object]:
    stem, suffix = splitext(basename(path))
    return {"path": f"/{path}", "name": basename(path), "basename": stem, "extname": suffix}


def _is_hidden(path: str) -> bool:
    return any(part[:1] in "_." for part in path.split("/"))
