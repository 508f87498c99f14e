"""Replaces pictures that a script loads, frames, and objects of plug-ins."""

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from syndicator.jekyll.allowed_html import INLINE_PICTURE
from syndicator.jekyll.fallbacks.lazy_media import with_real_address
from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import MEDIA, Open, Output, as_it_is
from syndicator.jekyll.fallbacks.regular_html import Token, attributes_of, start_tag
from syndicator.jekyll.players import is_player

#: Characters of a host that a note names.
MAX_NAME = 100

_PICTURE_FILE = re.compile(r"\.(?:svg|png|jpe?g|gif|webp|avif)\Z", re.IGNORECASE)
_LOCAL = re.compile(r"\s*(?:data|file|blob):", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\s*data:image/(?!svg)", re.IGNORECASE)


def image(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    real = with_real_address(name, attributes)
    address = real.get("src", "")
    begin = len(out.written)
    if _is_of_the_web(address) or INLINE_PICTURE.match(address) or "srcset" in real:
        out.media += 1
        out.written.append(token.text if real == attributes else start_tag(name, real))
    elif address and not _PLACEHOLDER.match(address):
        out.lose(LossKind.PICTURE, address[:100])
        alternative = escape(real.get("alt", ""))
        out.texts += bool(alternative.strip())
        out.written.append(alternative)
    if len(out.written) > begin:
        lazy = real != attributes or not _is_of_the_web(address)
        out.twins.add(begin, address, lazy=lazy)
    return Open("")


def picture(out: Output, token: Token, name: str) -> Open:
    begin, shown = len(out.written), (out.media, out.texts)

    def end() -> None:
        out.twins.end_picture(begin)
        if (out.media, out.texts) == shown:  # sources without their picture
            out.written[begin:] = [""] * (len(out.written) - begin)

    return Open(as_it_is(out, token, name).end, end)


def source(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    real = with_real_address(name, attributes)
    out.media += name in MEDIA
    out.write(token.text if real == attributes else start_tag(name, real))
    return Open(f"</{name}>")


def frame(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    real = with_real_address(name, attributes)
    address = real.get("src", "")
    begin = len(out.written)
    out.written.append(_player_or_link(out, real, address, sought=address or "<iframe"))
    out.twins.add(begin, address, lazy=real != attributes)
    return Open("")


def _player_or_link(
    out: Output, attributes: Mapping[str, str], address: str, *, sought: str
) -> str:
    """A frame of a player, over https; else a link. Empty: it has no address."""
    url = out.addresses.absolute(address) if address.strip() else None
    if url is None:
        out.lose(LossKind.FRAME_WITHOUT_ADDRESS, sought)
        return ""
    out.media += 1
    secure = f"https://{url[7:]}" if url.startswith("http://") else url
    if is_player(secure, out.frame_hosts):
        return f"{start_tag('iframe', {**attributes, 'src': secure})}</iframe>"
    out.lose(LossKind.FRAME, sought, urlsplit(url).netloc[:MAX_NAME])
    return _link(out, url, attributes)


def embed(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    out.write(_embedded(out, attributes, attributes.get("src", ""), f"<{name}"))
    return Open("")


def object_(out: Output, token: Token, name: str) -> Open:
    """An object is replaced by its content; if that shows nothing, by its address."""
    attributes = attributes_of(token)
    media, texts = out.media, out.texts
    begin = len(out.written)
    out.write("")

    def end() -> None:
        if out.media > media:
            return
        address = attributes.get("data", "")
        has_text = out.texts > texts
        if address or not has_text:
            instead = _embedded(out, attributes, address, f"<{name}")
            out.written[begin] = f"{instead} " if has_text else instead

    return Open("", end)


def _embedded(out: Output, attributes: Mapping[str, str], address: str, sought: str) -> str:
    """A picture, a player or a link, for a file that a plug-in or the browser would show."""
    url = out.addresses.absolute(address) if address.strip() else None
    if url is None:
        out.lose(LossKind.OBJECT, sought)
        return ""
    out.media += 1
    size = {name: attributes[name] for name in ("width", "height") if name in attributes}
    path = urlsplit(url).path
    if attributes.get("type", "").startswith("image/") or _PICTURE_FILE.search(path):
        return start_tag("img", {"src": url, "alt": attributes.get("title", ""), **size})
    if is_player(url, out.frame_hosts):
        return f"{start_tag('iframe', {'src': url, **size})}</iframe>"
    return _link(out, url, attributes)


def _link(out: Output, url: str, attributes: Mapping[str, str]) -> str:
    title = attributes.get("title", "").strip() or attributes.get("aria-label", "").strip()
    text = title or (url if out.untitled_links else "")
    return f'<a href="{escape(url)}">{escape(text)}</a>'


def _is_of_the_web(address: str) -> bool:
    return bool(address.strip()) and not _LOCAL.match(address)
