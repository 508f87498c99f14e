"""The collection, folders, date and slug in a document's path.

Rules from jekyll/lib/jekyll: document.rb, reader.rb, entry_filter.rb.
"""

import re
from typing import NamedTuple

from syndicator.jekyll.site import Site

#: document.rb DATE_FILENAME_MATCHER
_DATED = re.compile(r"(\d{2,4}-\d{1,2}-\d{1,2})-([^/]*)(\.[^.]+)", re.ASCII)
_SPECIAL = (".", "_", "#", "~")  # a file or folder that begins so is not part of a site


class DocumentPath(NamedTuple):
    """A document's place in its source."""

    source_path: str  #: relative to the source, as in `Document.path`
    collection: str
    folders: tuple[str, ...]  #: above `_posts`
    relative: str  #: relative to `collections_dir`
    path: str  #: the same without the suffix and without the collection's own folder
    basename: str  #: the file name without the suffix
    date: str | None  #: of the file name; None: it has none
    slug: str  #: of the file name
    suffix: str


def locate(path: str, site: Site) -> DocumentPath | None:
    """The parts of a path; None where Jekyll does not look for documents."""
    above: tuple[str, ...] = ()
    base = f"{site.collections_dir}/" if site.collections_dir else ""
    relative = path.removeprefix(base)
    *folders, name = relative.split("/")
    stem, dot, suffix = name.rpartition(".")
    if not stem or name.endswith("~") or name.startswith(_SPECIAL):
        return None
    if "" in site.scope.roots:
        collection, special = "posts", ""
        if any(folder.startswith(_SPECIAL) for folder in folders):
            return None
    elif "_posts" in folders and path.startswith(base):
        at = folders.index("_posts")
        above = tuple(folders[:at])
        collection, special = "posts", "_posts"
        if any(folder.startswith(_SPECIAL) for folder in above):
            return None
    else:
        collection_ = next(
            (each for each in site.collections.values() if path.startswith(f"{each.folder}/")), None
        )
        if collection_ is None:
            return None
        collection, special = collection_.label, f"_{collection_.label}"
    dated = _DATED.fullmatch(name)
    return DocumentPath(
        source_path=path,
        collection=collection,
        folders=above,
        relative=relative,
        path=relative.removesuffix(f"{dot}{suffix}").replace(special, "", 1).rstrip("."),
        basename=stem,
        date=dated[1] if dated else None,
        slug=(dated[2] if dated else stem).rstrip("."),
        suffix=f"{dot}{suffix}",
    )
