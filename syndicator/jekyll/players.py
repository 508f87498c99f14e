"""The addresses of audio and video players, whose frames are kept.

A host of uploaded files is a player at some of its paths only.
"""

from collections.abc import Collection
from urllib.parse import unquote

#: Hosts, with the player's folder where the host has other pages too. `*` stands for any one name.
# fmt: off
PLAYERS = frozenset({
    "www.youtube.com/embed", "youtube.com/embed", "www.youtube-nocookie.com/embed",
    "player.vimeo.com/video",
    "www.dailymotion.com/embed", "geo.dailymotion.com/player", "geo.dailymotion.com/player.html",
    "player.twitch.tv", "clips.twitch.tv/embed", "w.soundcloud.com/player",
    "open.spotify.com/embed", "open.spotify.com/embed-podcast",
    "bandcamp.com/EmbeddedPlayer", "bandcamp.com/EmbeddedPlayer.html", "bandcamp.com/VideoEmbed",
    "embed.podcasts.apple.com", "archive.org/embed", "media.ccc.de/v/*/oembed", "embed.ted.com",
})
# fmt: on

#: The frame's permissions. A player needs scripts and its own origin, which separates it from the
#: page that shows it. A link in it opens a new page outside of the frame's sandbox. It may not
#: navigate the reader's page, open dialogs, send forms or download files.
#: https://html.spec.whatwg.org/multipage/iframe-embed-object.html#attr-iframe-sandbox
SANDBOX = (
    "allow-popups allow-popups-to-escape-sandbox allow-presentation allow-same-origin allow-scripts"
)


def is_player(address: str, players: Collection[str]) -> bool:
    """Whether an absolute address is a player's: https, a host of `players`, in its folder."""
    scheme, _, rest = address.partition("://")
    host_path = rest.partition("#")[0].partition("?")[0]
    host, *names = host_path.split("/")
    if scheme != "https" or "\\" in host_path or (names and not _are_plain(names)):
        return False
    return any(_is_below(host, names, player) for player in players)


def _is_below(host: str, names: list[str], player: str) -> bool:
    player_host, *folders = player.split("/")
    return host == player_host and len(names) >= len(folders) and all(map(_matches, names, folders))


def _matches(name: str, folder: str) -> bool:
    return bool(name) if folder == "*" else name == folder


def _are_plain(names: list[str]) -> bool:
    """Whether a path has no step up, even escaped, and no empty name but the last."""
    return all(map(_is_plain, names)) and all(names[:-1])


def _is_plain(name: str) -> bool:
    while (once := unquote(name)) != name:  # a server may unescape more than once
        name = once
    return name not in (".", "..") and "/" not in name and "\\" not in name
