"""The real address of a picture, player or recording that a script of the page loads later."""

import re
from collections.abc import Mapping

from syndicator.jekyll.addresses import candidates_of
from syndicator.jekyll.allowed_html import INLINE_PICTURE

# lazysizes, lozad and vanilla-lazyload; jquery_lazyload; echo.js; Cloudflare Mirage; layzr; zhihu
# https://github.com/aFarkas/lazysizes, https://appelsiini.net/projects/lazyload/
_ADDRESSES = (
    "data-src",
    "data-original",
    "data-echo",
    "data-cfsrc",
    "data-original-src",
    "data-actualsrc",
    "data-normal",
)
_POSTERS = ("data-poster",)

#: Names of another size of the picture, or of what stands in its place.
_SUBSTITUTE = re.compile(r"thumb|tiny|small|low|blur|lqip|preview|placeholder|error|fallback")
#: As in `data-lazy-src` of WP Rocket, `data-lazy` of slick, `data-flickity-lazyload`.
_LAZY = re.compile(r"(?!.*(?:set|size|type|class|ratio|bg|background)).*lazy")
_SET = re.compile(r".*-\w*srcset|data-original-set|lazysrcset")
#: An attribute that may hold an address without a file's suffix, as in `data-hi-res-src`.
_ADDRESS_NAME = re.compile(r".*(?:src|url|image|img|orig|file|full|large|retina|hires|zoom)")
#: Attributes that are about a picture.
_OTHER_NAME = re.compile(
    r"alt|title|class|id|style|sizes|longdesc|usemap|src|srcset|name|aria-.*"
    r"|data-(?:.*-)?(?:alt|title|caption|name|id|type|link|page|href|permalink|bg|background)"
)

#: An address, not a word such as `true` or a placeholder.
_ADDRESS = re.compile(r"\s*(?!data:)\S*[./]", re.IGNORECASE)
#: Neither a placeholder nor something else than an address, such as JSON.
_WHOLE_ADDRESS = re.compile(r"(?!data:)[^\s\"'<>{};]+", re.IGNORECASE)
_PATH = re.compile(r"[^?#]*")
_PICTURE_SUFFIX = re.compile(r"\.(?:png|jpe?g|gif|webp|avif|svg|bmp)\Z", re.IGNORECASE)
_DESCRIPTOR = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)[wx]")


def with_real_address(element: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes with those that the page's script would set.

    They are equal if there is nothing to set. A picture that has only a set gets the largest of it
    as its address: what `src` has is a placeholder, and many readers ignore sets. A picture without
    an address, or with an embedded placeholder, gets any attribute that holds a picture's address.
    """
    real = dict(attributes)
    lazy = tuple(name for name, value in attributes.items() if _is_lazy_address(name, value))
    sets = tuple(name for name in attributes if _SET.fullmatch(name))
    for name, candidates in (("src", _ADDRESSES + lazy), ("srcset", sets), ("poster", _POSTERS)):
        if (value := _first(attributes, candidates)) is not None:
            real[name] = value
    if "src" in real and real["src"] != attributes.get("src"):
        return real
    address = None
    if element == "img" and real.get("srcset") != attributes.get("srcset"):
        address = _largest(real["srcset"])
    elif element == "img" and not _has_address(real):
        address = _any_picture(attributes)
    return {**real, "src": address} if address else real


def _is_lazy_address(name: str, value: str) -> bool:
    is_address = "/" in value or _PICTURE_SUFFIX.search(value.strip())
    return bool(is_address and _LAZY.match(name) and not _is_substitute(name))


def _has_address(attributes: Mapping[str, str]) -> bool:
    address = attributes.get("src", "").strip().lower()
    return "srcset" in attributes or bool(address and not address.startswith("data:"))


def _any_picture(attributes: Mapping[str, str]) -> str | None:
    """The first address of a picture, rather of a large one. None: there is none."""
    embedded = INLINE_PICTURE.match(attributes.get("src", "")) is not None
    found = [name for name, value in attributes.items() if _is_picture(name, value, embedded)]
    best = next((name for name in found if not _is_substitute(name)), next(iter(found), None))
    return attributes[best].strip() if best else None


def _is_picture(name: str, value: str, embedded: bool) -> bool:
    """Whether the attribute holds a picture's address: by its suffix, or else by its name.

    The latter not if a whole picture is embedded: an address may be that of its page.
    """
    value = value.strip()
    if _OTHER_NAME.fullmatch(name) or not _WHOLE_ADDRESS.fullmatch(value):
        return False
    path = _PATH.match(value)
    if path and _PICTURE_SUFFIX.search(path[0]):
        return True
    return not embedded and "/" in value and _ADDRESS_NAME.match(name) is not None


def _is_substitute(name: str) -> bool:
    return _SUBSTITUTE.search(name) is not None


def _first(attributes: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((attributes[name] for name in names if _is_address(attributes.get(name, ""))), None)


def _is_address(value: str) -> bool:
    return _ADDRESS.match(value) is not None


def _largest(candidates: str) -> str | None:
    """The address with the greatest width or density; the first if none has any."""
    sizes = [
        (float(size[1]) if (size := _DESCRIPTOR.fullmatch(descriptor)) else 0.0, address)
        for address, descriptor in candidates_of(candidates)
    ]
    return max(sizes, key=lambda candidate: candidate[0])[1] if sizes else None
