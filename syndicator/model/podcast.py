"""The values of a podcast: what its feed says of the show, and an entry of its episode."""

from typing import NamedTuple

from msgspec import Struct


class Transcript(NamedTuple):
    url: str  #: absolute
    type: str  #: media type
    language: str | None  #: None: the feed's


class Episode(Struct, frozen=True, kw_only=True):
    """What the front matter says of an entry's audio or video."""

    seconds: int | None = None  #: its duration; None: unknown
    explicit: bool | None = None  #: None: not said
    number: int | None = None  #: from 1; None: not numbered
    season: int | None = None  #: from 1; None: the show has no seasons
    kind: str | None = None  #: "full", "trailer" or "bonus"; None: not said
    image: str | None = None  #: absolute address of a JPEG or PNG; None: the show's
    transcripts: tuple[Transcript, ...] = ()
    chapters: str | None = None  #: absolute address of a JSON file; None: it has no chapters


class Show(Struct, frozen=True, kw_only=True):
    """What the site's config says of its podcast."""

    author: str | None = None  #: None: the site's authors
    email: str | None = None  #: of the owner; None: the site's first author's
    image: str | None = None  #: absolute address of a JPEG or PNG; None: the site's logo or icon
    explicit: bool | None = None  #: None: as the episodes say
    #: Of Apple's list, each with a category below it or None.
    categories: tuple[tuple[str, str | None], ...] = ()
    kind: str | None = None  #: "episodic" or "serial"; None: not said
