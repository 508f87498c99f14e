"""Which frames and links of posts the operator allows."""

from msgspec import Struct

from syndicator.jekyll.players import PLAYERS

WEB = frozenset({"http", "https"})

#: Schemes that run or embed code, or mean another machine's file. They are never allowed.
REFUSED = frozenset({"javascript", "vbscript", "data", "blob", "file"})

# These open the program that the reader's user chose for them, which asks before it acts.
_OTHER_SCHEMES = frozenset(
    {"mailto", "tel", "sms", "xmpp", "irc", "ircs", "ftp", "news", "webcal", "geo"}
)


class Policy(Struct, frozen=True, kw_only=True):
    """The frames and links that the operator allows."""

    #: Hosts whose frames are kept, with a folder or without; see `is_player`.
    frame_hosts: frozenset[str] = PLAYERS
    #: Schemes of links. Those that run or embed code are refused even if they are listed.
    link_schemes: frozenset[str] = WEB | _OTHER_SCHEMES

    @property
    def kept_schemes(self) -> frozenset[str]:
        """The schemes of links that stay."""
        return self.link_schemes - REFUSED | WEB

    @property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """The fields in a fixed order: equal policies have equal keys, and equal fingerprints."""
        return tuple(sorted(self.frame_hosts)), tuple(sorted(self.link_schemes))


DEFAULT = Policy()
