"""Notes on values of a post's front matter that its entry can't use."""

from collections.abc import Iterator, Mapping
from typing import Any

from syndicator.jekyll import media
from syndicator.jekyll.as_text import quoted
from syndicator.jekyll.direction import is_direction
from syndicator.jekyll.linked_page import without_page
from syndicator.jekyll.site import Site
from syndicator.model.content import Entry, Post, Problem
from syndicator.model.lookups import SiteFiles


def front_note(post: Post, keys: tuple[str, ...], message: str, hint: str) -> Problem:
    """A note at the line of the first of the keys that the post's own front matter has.

    It has no line if a default of the site set the value.
    """
    line = post.front_lines.line_of(*keys)
    return Problem(path=post.head.path, line=line, message=message, hint=hint, note=True)


def front_notes(post: Post, entry: Entry, site: Site, files: SiteFiles) -> list[Problem]:
    """The notes on all values but those of a podcast. `entry`: the post's."""
    found = [
        *_of_image(post.front, entry),
        *_of_pages(post.front),
        *_of_direction(post.front),
        *_of_enclosures(post.front, site, files),
    ]
    return [front_note(post, (key,), message, hint) for key, message, hint in found]


_Found = Iterator[tuple[str, str, str]]  #: key, message, hint


def _of_image(front: Mapping[str, Any], entry: Entry) -> _Found:
    address = media.image_address(front)
    if entry.image is None and address is not None:
        message = f"image is not the address of a file: {quoted(address)}"
        yield "image", message, "save the image as a file of the site, and write its address"


def _of_pages(front: Mapping[str, Any]) -> _Found:
    for key, value in without_page(front):
        message = f"{key} is not the address of a page: {quoted(value)}"
        yield key, message, "write the whole address, as in https://example.com/page"


def _of_direction(front: Mapping[str, Any]) -> _Found:
    value = front.get("dir")
    if not is_direction(value):
        hint = "write rtl or ltr; without it the language decides"
        yield "dir", f"dir is not a direction of text: {quoted(value)}", hint


def _of_enclosures(front: Mapping[str, Any], site: Site, files: SiteFiles) -> _Found:
    for key, values in media.without_enclosure(front, site, files).items():
        others = f", nor are {len(values) - 1:,} more" if len(values) > 1 else ""
        yield (
            key,
            f"{key} is not an audio or video file: {quoted(values[0])}{others}",
            "name a file such as .mp3 or .mp4, or add its type: {url: …, type: audio/mpeg}",
        )
    for key, value in media.unusable_lengths(front):
        message = f"length of {key} is not a number of bytes: {quoted(value)}"
        yield key, message, "write its size in bytes, as in length: 48211000"
