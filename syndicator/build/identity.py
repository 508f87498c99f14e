"""Who a post is, for ever, and when it last changed. Decides; the ledger (`store.ledger`) remembers."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from syndicator.model.content import Identity, PostHead, Problem


def identify(head: PostHead, known: Identity | None, now: datetime) -> Identity:
    """The identity of a post that was read, given what the ledger knows of it.

    Front matter's own id wins, then the id the post was first given, then what jekyll-feed would have said.
    A text that differs from the known one was changed `now`, or at its last change when the clock was set back.
    """
    if known is None:
        return Identity(path=head.path, id=head.id, text_digest=head.text_digest, updated=None)
    changed = known.text_digest != head.text_digest
    at = now.replace(microsecond=0)
    return Identity(
        path=head.path,
        id=head.id if head.own_id and not _is_apart(known.id, head.id) else known.id,
        text_digest=head.text_digest,
        updated=max(at, known.updated or at) if changed else known.updated,
    )


def rename_candidates(heads: Iterable[PostHead], known: Mapping[str, Identity]) -> list[PostHead]:
    """The posts that may be others under a new name: their text isn't the one that is known of their path."""
    return [
        head
        for head in heads
        if (before := known.get(head.path)) is None or before.text_digest != head.text_digest
    ]


def renamed(
    rename_candidates: Iterable[PostHead], left: Collection[Identity]
) -> dict[str, Identity]:
    """Which path continues which identity: a text that left one and came to another.

    A second file with the same text is a new post, so each identity that left is continued at most once, the one that
    left last first. One whose file is still there was edited, unless it is found elsewhere and another in its place.
    """
    there = {identity.path for identity in left if identity.gone is None}
    of_text: dict[str, list[Identity]] = {}
    by_path = sorted(left, key=lambda identity: identity.path, reverse=True)
    for identity in sorted(
        by_path, key=lambda identity: (identity.gone is not None, identity.gone)
    ):
        of_text.setdefault(identity.text_digest, []).append(identity)
    found = {
        head.path: of_text[head.text_digest].pop()
        for head in sorted(rename_candidates, key=lambda head: (head.path in there, head.path))
        if of_text.get(head.text_digest)
    }
    while edited := there & (found.keys() ^ {identity.path for identity in found.values()}):
        found = {
            path: one
            for path, one in found.items()
            if path not in edited and one.path not in edited
        }
    return found


def conflict(head: PostHead, identity: Identity, holders: Mapping[str, str]) -> Problem | None:
    """That another post holds the id this one has, or would have. `holders`: the path that holds an id.

    Two posts with one id would be one entry to a reader, and the second would never be seen.
    """
    wanted = head.id if _is_apart(identity.id, head.id) else identity.id
    holder = holders.get(wanted, identity.path)
    if holder == identity.path:
        return None
    return Problem(
        path=identity.path,
        message=f"has the same id as {holder}: {wanted}",
        hint="give it an id, a permalink or a name of its own; until then its id in the feeds ends in its file's name",
    )


def next_free_id(identity: Identity) -> list[str]:
    """What its id may become while another post holds it, and stays from then on: the first that is free."""
    name = identity.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    numbered = (f"{identity.path}~{number}" for number in range(2, 100))
    return [f"{identity.id}#{end}" for end in (name, identity.path, *numbered)]


def _is_apart(id: str, wanted: str) -> bool:
    return id.startswith(f"{wanted}#")


def with_identity(head: PostHead, identity: Identity) -> PostHead:
    """The head as feeds show it: with its lasting id, and when it was updated.

    Front matter's word on `updated` wins. A change before a post was out is no update.
    """
    seen = identity.updated if identity.updated and identity.updated > head.published else None
    updated = head.updated or seen
    if (head.id, head.updated) == (identity.id, updated):
        return head
    return head._replace(id=identity.id, updated=updated)
