"""Keeps the id of a renamed or moved post, and decides when a post was last updated.

It decides only: `store.identities` stores the identities.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from syndicator.model.content import Identity, PostHead, Problem


def identify(head: PostHead, known: Identity | None, now: datetime) -> Identity:
    """The identity of a post as it was read, given the stored one.

    The front matter's own id wins, then the id the post was first given, then the id that
    jekyll-feed would make. A text other than the stored one was changed `now`, or at its last
    change if the clock was set back.
    """
    if known is None:
        return Identity(path=head.path, id=head.id, text_digest=head.text_digest, updated=None)
    changed = known.text_digest != head.text_digest
    at = now.replace(microsecond=0)
    return Identity(
        path=head.path,
        id=head.id if head.own_id and not _is_suffixed(known.id, head.id) else known.id,
        text_digest=head.text_digest,
        updated=max(at, known.updated or at) if changed else known.updated,
    )


def rename_candidates(heads: Iterable[PostHead], known: Mapping[str, Identity]) -> list[PostHead]:
    """The posts that may be renamed ones: the text stored for their path is another, or none."""
    return [
        head
        for head in heads
        if (before := known.get(head.path)) is None or before.text_digest != head.text_digest
    ]


def renamed(
    rename_candidates: Iterable[PostHead], left: Collection[Identity]
) -> dict[str, Identity]:
    """Which path continues which identity: the post with its text, now under another path.

    Each identity is continued at most once, the last removed first: a second file with the same
    text is a new post. A post whose file still exists was edited, not renamed, unless its text
    moved to another path and another post took its place.
    """
    existing = {identity.path for identity in left if identity.gone is None}
    of_text: dict[str, list[Identity]] = {}
    by_path = sorted(left, key=lambda identity: identity.path, reverse=True)
    for identity in sorted(
        by_path, key=lambda identity: (identity.gone is not None, identity.gone)
    ):
        of_text.setdefault(identity.text_digest, []).append(identity)
    continued = {
        head.path: of_text[head.text_digest].pop()
        for head in sorted(rename_candidates, key=lambda head: (head.path in existing, head.path))
        if of_text.get(head.text_digest)
    }
    while edited := existing & (
        continued.keys() ^ {identity.path for identity in continued.values()}
    ):
        continued = {
            path: identity
            for path, identity in continued.items()
            if path not in edited and identity.path not in edited
        }
    return continued


def conflict(head: PostHead, identity: Identity, holders: Mapping[str, str]) -> Problem | None:
    """A Problem if another post has the id that this one has, or would have; else None.

    `holders`: the path of the post that has an id. A reader takes two posts with one id for one
    entry, and never shows the second.
    """
    wanted = head.id if _is_suffixed(identity.id, head.id) else identity.id
    holder = holders.get(wanted, identity.path)
    if holder == identity.path:
        return None
    return Problem(
        path=identity.path,
        message=f"has the same id as {holder}: {wanted}",
        hint="give it its own id, permalink or file name; "
        "until then its id in the feeds ends in its file's name",
    )


def suffixed_ids(identity: Identity) -> list[str]:
    """Candidates for the lasting id of a post whose id is taken, in order of preference."""
    name = identity.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    numbered = (f"{identity.path}~{number}" for number in range(2, 100))
    return [f"{identity.id}#{end}" for end in (name, identity.path, *numbered)]


def _is_suffixed(id: str, wanted: str) -> bool:
    return id.startswith(f"{wanted}#")


def with_identity(head: PostHead, identity: Identity) -> PostHead:
    """The head as feeds show it: with its lasting id and its `updated`.

    The front matter's `updated` wins. A change before publication is not an update.
    """
    seen = identity.updated if identity.updated and identity.updated > head.published else None
    updated = head.updated or seen
    if (head.id, head.updated) == (identity.id, updated):
        return head
    return head._replace(id=identity.id, updated=updated)
