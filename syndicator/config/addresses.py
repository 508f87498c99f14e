"""URLs, hosts, networks and listen addresses, and the hosts and schemes that posts may use."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from syndicator.config.quote import quote
from syndicator.listen import MAX_UNIX_PATH, UnixSocket
from syndicator.ruby.uris import normalize
from syndicator.websub.topic_urls import normalized


class Listen(NamedTuple):
    """Where the server listens. Port 0: any free port."""

    host: str
    port: int


def parse_url(value: object) -> str:
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if valid and "@" in parts.netloc:  # not repeated in the error: it may contain a password
        raise ValueError("must be a URL without a user name or password: it is public")
    if not valid or "#" in text or re.search(r"[\s\x00-\x1f\x7f<>\"]", text):
        raise ValueError(
            f'{quote(value)} is not a URL: write it in full, such as "https://example.org/"'
        )
    return text if text.isascii() else normalize(text)  # RFC 3986, as headers and feeds need it


def parse_folder_url(value: object) -> str:
    """A URL that ends with a slash, normalized so that topics can be compared with it."""
    url = parse_url(value)
    if "?" in url:
        raise ValueError(f"{quote(value)} must be the URL of a folder, without a query")
    return normalized(url if url.endswith("/") else f"{url}/")


def parse_network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            f'{quote(value)} is not a network: write it like "127.0.0.2/32" or "fd00::/8"'
        ) from None


def parse_private_network(value: object) -> IPv4Network | IPv6Network:
    """A network that callbacks may be in. ssrfguard refuses those that contain IPv4 addresses."""
    network = parse_network(value)
    if isinstance(network, IPv6Network):  # commands that send nothing import it for no other one
        from syndicator.outbound.addresses import public

        try:
            public([str(network)])
        except ValueError:
            raise ValueError(
                f"{quote(value)} has IPv4 addresses in it, also this machine's: "
                "name the IPv4 networks instead"
            ) from None
    return network


def parse_listen(value: object) -> Listen | UnixSocket:
    return _parse_listen(value, 'write it like "127.0.0.1:8080" or "unix:/run/syndicator/web.sock"')


def parse_optional_listen(value: object) -> Listen | UnixSocket | None:
    """A listen address; None for "", which turns it off."""
    if value == "":
        return None
    return _parse_listen(value, 'write it like "127.0.0.1:8081", or "" to turn it off')


def _parse_listen(value: object, remedy: str) -> Listen | UnixSocket:
    text = value if isinstance(value, str) else ""
    if text.startswith("unix:"):
        return _parse_unix_socket(text)
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", text)
    if match is None:
        raise ValueError(f"{quote(value)} is not a host and a port: {remedy}")
    if int(match[2]) > 65535:
        raise ValueError(f"{quote(value)} has a port above 65535: {remedy}")
    try:
        match[1].encode("idna")
    except UnicodeError:
        raise ValueError(f"{quote(match[1])} is not a valid host name") from None
    return Listen(match[1].strip("[]"), int(match[2]))


def _parse_unix_socket(text: str) -> UnixSocket:
    path = text.removeprefix("unix:")
    if not path.startswith("/") or path.endswith("/") or "\x00" in path:
        raise ValueError(
            f'{quote(text)} is not an absolute path: write it like "unix:/run/syndicator/web.sock"'
        )
    if len(os.fsencode(path)) > MAX_UNIX_PATH:
        raise ValueError(f"{quote(text)} is longer than {MAX_UNIX_PATH} bytes, as no socket may be")
    return UnixSocket(os.path.normpath(path))


def parse_host_name(value: object) -> str:
    """The name or IP address of a host, in lower case."""
    name = value.strip("[]").lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", name, re.ASCII):
        raise ValueError(
            f"{quote(value)} is not a host: "
            'write its name or IP address without a port, such as "feeds.lan"'
        )
    return name


def parse_player(value: object) -> str:
    """A host, or a host and a folder, whose frames stay in posts."""
    if not isinstance(value, str) or "/" not in value or "://" in value:
        return _parse_player_host(value)
    host, _, path = value.partition("/")
    path = path.removesuffix("/")
    has_dots = {".", ".."} & {*path.split("/")}
    if has_dots or not re.fullmatch(r"[\w~*.-]+(?:/[\w~*.-]+)*", path, re.ASCII):
        raise ValueError(
            f"{quote(value)} is not a player: "
            'write its host and folder, such as "example.org/embed"'
        )
    return f"{_parse_player_host(host)}/{path}"


def _parse_player_host(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9.-]+\.[a-z0-9-]+", value, re.ASCII):
        raise ValueError(
            f'{quote(value)} is not a host: write only its name, such as "player.example.org"'
        )
    return value


def parse_scheme(value: object) -> str:
    """A kind of link that stays in posts."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9+.-]*", value, re.ASCII):
        raise ValueError(
            f'{quote(value)} is not a scheme: write it without the colon, such as "xmpp"'
        )
    if value in ("javascript", "vbscript", "data", "file", "blob"):
        raise ValueError(f"{quote(value)} is not allowed: it can run code or read readers' files")
    return value
