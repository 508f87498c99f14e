"""Which frames are players of sound and film. A host of files that anybody uploads is one at some of its paths only."""

from collections.abc import Collection
from urllib.parse import unquote

#: Hosts, with the folder of their player where they have anything else. `*` stands for any one name.
# fmt: off
PLAYERS = frozenset({
    "www.youtube.com/embed", "youtube.com/embed", "www.youtube-nocookie.com/embed", "player.vimeo.com/video",
    "www.dailymotion.com/embed", "geo.dailymotion.com/player", "geo.dailymotion.com/player.html",
    "player.twitch.tv", "clips.twitch.tv/embed", "w.soundcloud.com/player",
    "open.spotify.com/embed", "open.spotify.com/embed-podcast",
    "bandcamp.com/EmbeddedPlayer", "bandcamp.com/EmbeddedPlayer.html", "bandcamp.com/VideoEmbed",
    "embed.podcasts.apple.com", "archive.org/embed", "media.ccc.de/v/*/oembed", "embed.ted.com",
})
# fmt: on

#: What a frame may do. A player needs scripts and its own origin, by which it stays apart from the page that shows it;
#: a link in it opens a page beside, which is not kept in the frame's sandbox. It may not navigate the reader's page,
#: open dialogs, send forms or download files.
#: https://html.spec.whatwg.org/multipage/iframe-embed-object.html#attr-iframe-sandbox
SANDBOX = (
    "allow-popups allow-popups-to-escape-sandbox allow-presentation allow-same-origin allow-scripts"
)


def is_player(address: str, players: Collection[str]) -> bool:
    """Whether an absolute address is a player's: https, at one of these hosts, and below the path that is named."""
    scheme, _, rest = address.partition("://")
    place = rest.partition("#")[0].partition("?")[0]
    host, *names = place.split("/")
    if scheme != "https" or "\\" in place or (names and not _are_plain(names)):
        return False
    return any(_is_below(host, names, player) for player in players)


def _is_below(host: str, names: list[str], player: str) -> bool:
    named, *folders = player.split("/")
    return host == named and len(names) >= len(folders) and all(map(_matches, names, folders))


def _matches(name: str, folder: str) -> bool:
    return bool(name) if folder == "*" else name == folder


def _are_plain(names: list[str]) -> bool:
    """Whether a path leads where it seems to: no step up, spelled out or escaped, and no empty name but the last."""
    return all(map(_is_plain, names)) and all(names[:-1])


def _is_plain(name: str) -> bool:
    while (once := unquote(name)) != name:  # a server may do that more than once
        name = once
    return name not in (".", "..") and "/" not in name and "\\" not in name
