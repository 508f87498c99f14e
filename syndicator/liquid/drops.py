"""Liquid's variables for the site, other posts and the post itself (jekyll/lib/jekyll/drops/)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import basename, splitext
from typing import Any, overload

from syndicator.liquid.context import RenderState
from syndicator.model.content import Post, PostHead
from syndicator.ruby.uris import path_below

#: Posts in `site.posts`: more than any page lists.
_MAX_POSTS = 10_000


class SiteDrop(Mapping[str, object]):
    """`site`: the config and Jekyll's additions. Posts are loaded on first use."""

    def __init__(self, run: RenderState) -> None:
        self._run = run

    def __getitem__(self, key: str) -> object:
        site = self._run.site
        match key:
            case "data":
                return site.data
            case "url" | "baseurl":
                return site.config.get(key, site.url if key == "url" else site.baseurl)
            case "time":
                return self._run.newest_date()
            case "posts" | "documents":
                return PostsDrop(self._run)
            case "categories" | "tags":
                return self._by_term("category" if key == "categories" else "tag")
            case "related_posts":
                return [
                    post
                    for post in list(PostsDrop(self._run))[:11]
                    if post["path"] != self._run.post.head.path
                ][:10]
            case "static_files":
                return [
                    _file_properties(path)
                    for path in self._run.files.names("")
                    if not _is_hidden(path)
                ]
            case "pages" | "html_pages" | "collections":
                return []
            case "config":
                return None
        return site.config[key]

    def _by_term(self, kind: str) -> dict[str, list[Mapping[str, object]]]:
        posts: dict[str, list[Mapping[str, object]]] = {}
        for head in self._run.posts.newest(_MAX_POSTS):
            for term in head.terms:
                if term.kind == kind:
                    posts.setdefault(term.label, []).append(_other_post(head, self._run))
        return posts

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.site.config)

    def __len__(self) -> int:
        return len(self._run.site.config)


class PostsDrop(Sequence[Mapping[str, object]]):
    """`site.posts`: newest first, without their content."""

    def __init__(self, run: RenderState) -> None:
        self._run = run

    @cached_property
    def _heads(self) -> list[PostHead]:
        return list(self._run.posts.newest(_MAX_POSTS))

    @overload
    def __getitem__(self, at: int) -> Mapping[str, object]: ...

    @overload
    def __getitem__(self, at: slice) -> list[Mapping[str, object]]: ...

    def __getitem__(self, at: int | slice) -> Mapping[str, object] | list[Mapping[str, object]]:
        if isinstance(at, slice):
            return [_other_post(head, self._run) for head in self._heads[at]]
        return _other_post(self._heads[at], self._run)

    def __len__(self) -> int:
        return len(self._heads)


def page(post: Post, run: RenderState) -> dict[str, object]:
    """`page`: the front matter and Jekyll's additions."""
    front: dict[str, Any] = dict(post.front)
    excerpt = front.get("excerpt")
    return {
        "slug": _slug(post.head.path),
        **front,
        **_common_properties(post.head, run),
        "title": front.get("title", post.head.title),
        "categories": list(post.categories),
        "tags": list(post.tags),
        "content": post.body,
        "excerpt": excerpt if isinstance(excerpt, str) else "",
        "ext": splitext(post.head.path)[1],
        "draft": bool(front.get("draft")),
    }


def _other_post(head: PostHead, run: RenderState) -> dict[str, object]:
    return {
        **_common_properties(head, run),
        "title": head.title,
        "slug": _slug(head.path),
        "categories": [term.label for term in head.terms if term.kind == "category"],
        "tags": [term.label for term in head.terms if term.kind == "tag"],
    }


def _common_properties(head: PostHead, run: RenderState) -> dict[str, object]:
    collection = next((term.label for term in head.terms if term.kind == "collection"), "posts")
    home = run.site.info.url
    return {
        "url": path_below(head.url, home),
        "id": path_below(head.id, home) if "://" in head.id else head.id,
        "date": head.published.astimezone(run.zone),
        "path": head.path,
        "relative_path": head.path,
        "name": basename(head.path),
        "collection": collection,
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
