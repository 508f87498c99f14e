"""Replaces pictures that a script loads, frames, and objects of plug-ins."""

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from syndicator.jekyll.addresses import absolute
from syndicator.jekyll.allowed_html import INLINE_PICTURE
from syndicator.jekyll.fallbacks.lazy_media import with_real_address
from syndicator.jekyll.fallbacks.losses import LossKind
from syndicator.jekyll.fallbacks.output import MEDIA, Open, Output, as_it_is
from syndicator.jekyll.fallbacks.regular_html import Token, attributes_of, start_tag
from syndicator.jekyll.players import is_player

#: Characters of a host that a note names.
MAX_NAME = 100

_PICTURE_FILE = re.compile(r"\.(?:svg|png|jpe?g|gif|webp|avif)\Z", re.IGNORECASE)
#: An address with a scheme or a host.
_NOT_OF_THE_SITE = re.compile(r"[\x00-\x20]*(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\s*data:image/(?!svg)", re.IGNORECASE)


def image(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    real = with_real_address(name, attributes)
    address = real.get("src", "")
    begin = len(out.written)
    is_of_the_web = _is_of_the_web(out, address)
    if is_of_the_web or INLINE_PICTURE.match(address) or "srcset" in real:
        out.media += 1
        out.written.append(token.text if real == attributes else start_tag(name, real))
    else:
        alternative = real.get("alt", "").strip()
        out.texts += bool(alternative)
        out.written.append(escape(alternative))
        if alternative or (address and not _PLACEHOLDER.match(address)):
            out.leave_out_picture(begin, address[:100] or "<img")
    out.twins.add(begin, address, lazy=real != attributes or not is_of_the_web)
    return Open("")


def picture(out: Output, token: Token, name: str) -> Open:
    begin, shown = len(out.written), (out.media, out.texts)

    def end() -> None:
        out.twins.end_picture(begin)
        if (out.media, out.texts) == shown:  # sources without their picture
            out.written[begin:] = [""] * (len(out.written) - begin)
            if address := with_real_address("img", attributes).get("src"):
                out.media += 1
                alternative = attributes.get("data-alt", "")
                out.written[begin] = start_tag("img", {"src": address, "alt": alternative})

    attributes = attributes_of(token)
    return Open(as_it_is(out, token, name).end, end)


def source(out: Output, token: Token, name: str) -> Open:
    attributes = attributes_of(token)
    real = with_real_address(name, attributes)
    address = real.get("src", "")
    if address.strip() and not _is_of_the_web(out, address):
        out.lose(LossKind.PICTURE, address[:100])
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


def write_frame(out: Output, attributes: Mapping[str, str], address: str, sought: str) -> None:
    """Write a player, or a link to what the frame shows."""
    out.write(_player_or_link(out, attributes, address, sought=sought))


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
    out.write(embedded(out, attributes, attributes.get("src", ""), f"<{name}"))
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
            instead = embedded(out, attributes, address, f"<{name}")
            out.written[begin] = f"{instead} " if has_text else instead

    return Open("", end)


def embedded(out: Output, attributes: Mapping[str, str], address: str, sought: str) -> str:
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
    titles = (attributes.get(name, "").strip() for name in ("title", "aria-label", "alt"))
    text = next(filter(None, titles), url if out.untitled_links else "")
    return f'<a href="{escape(url)}">{escape(text)}</a>'


def _is_of_the_web(out: Output, address: str) -> bool:
    """Whether the sanitiser keeps the address of a picture or a recording."""
    if _NOT_OF_THE_SITE.match(address):
        return absolute(address, out.addresses.base) is not None
    return bool(address.strip())
