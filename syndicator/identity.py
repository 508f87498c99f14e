"""Who a post is, for ever, and when it last changed. Decides; the ledger (`store.ledger`) remembers."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from syndicator.model import Identity, PostHead, Problem


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
        id=head.id if head.own_id and known.id != _apart(head) else known.id,
        text_digest=head.text_digest,
        updated=max(at, known.updated or at) if changed else known.updated,
    )


def arrived(heads: Iterable[PostHead], known: Mapping[str, Identity]) -> list[PostHead]:
    """The posts that may be others under a new name: those of a path that is new, or was another post's once."""
    return [
        head
        for head in heads
        if (before := known.get(head.path)) is None or (before.gone and before.text_digest != head.text_digest)
    ]


def renamed(arrived: Iterable[PostHead], departed: Iterable[Identity]) -> dict[str, Identity]:
    """Which new path continues which identity: one path gone and one come, with the same text.

    A second file with the same text is a new post, so each identity that left is continued at most once.
    """
    left: dict[str, list[Identity]] = {}
    for identity in sorted(departed, key=lambda identity: identity.path, reverse=True):
        left.setdefault(identity.text_digest, []).append(identity)
    return {
        head.path: left[head.text_digest].pop()
        for head in sorted(arrived, key=lambda head: head.path)
        if left.get(head.text_digest)
    }


def distinct(identity: Identity, holders: Mapping[str, str]) -> tuple[Identity, Problem | None]:
    """The identity, with an id that no other post holds. `holders`: the path that holds an id.

    Two posts with one id would be one entry to a reader, and the second would never be seen.
    """
    holder = holders.get(identity.id)
    if holder is None or holder == identity.path:
        return identity, None
    problem = Problem(
        path=identity.path,
        message=f"has the same id as {holder}: {identity.id}",
        hint="give it an id, a permalink or a name of its own; until then its id in the feeds ends in its file's name",
    )
    return identity._replace(id=_apart(identity)), problem


def _apart(one: Identity | PostHead) -> str:
    """What a post's id is made to be while another holds it, and stays from then on."""
    return f"{one.id}#{one.path.rsplit('/', 1)[-1].rsplit('.', 1)[0]}"


def settled(head: PostHead, identity: Identity) -> PostHead:
    """The head as feeds show it: with its lasting id, and when it was updated.

    Front matter's word on `updated` wins. A change before a post was out is no update.
    """
    seen = identity.updated if identity.updated and identity.updated > head.published else None
    updated = head.updated or seen
    if (head.id, head.updated) == (identity.id, updated):
        return head
    return head._replace(id=identity.id, updated=updated)
