"""The real address of a picture, player or recording that a script of the page loads later."""

import re
from collections.abc import Mapping

from syndicator.jekyll.addresses import candidates_of

# lazysizes and lozad; WP Rocket; jquery_lazyload; slick; echo.js; Cloudflare Mirage
# https://github.com/aFarkas/lazysizes, https://appelsiini.net/projects/lazyload/
_ADDRESSES = (
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-lazy",
    "data-echo",
    "data-cfsrc",
    "data-original-src",
    "data-actualsrc",
)
#: Names that also hold another size of a picture that is shown.
_OTHER_ADDRESSES = ("data-orig", "data-url", "data-orig-file", "data-large-file")
_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set", "data-cfsrcset")
_POSTERS = ("data-poster",)

#: Finds every name above, in HTML of any form.
NAMES = r"\sdata-(?:src|lazy|orig|echo|cfsrc|actualsrc|url|large-file|poster)"

#: An address, not a word such as `true` or a placeholder.
_ADDRESS = re.compile(r"\s*(?!data:)\S*[./]", re.IGNORECASE)
_DESCRIPTOR = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)[wx]")


def with_real_address(element: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes with those that the page's script would set.

    They are equal if there is nothing to set. A picture that has only a set gets the largest of it
    as its address: what `src` has is a placeholder, and many readers ignore sets.
    """
    real = dict(attributes)
    for name, candidates in (("src", _ADDRESSES), ("srcset", _SETS), ("poster", _POSTERS)):
        if (value := _first(attributes, candidates)) is not None:
            real[name] = value
    if "src" in real and real["src"] != attributes.get("src"):
        return real
    address = None
    if element == "img" and real.get("srcset") != attributes.get("srcset"):
        address = _largest(real["srcset"])
    elif not real.get("src") or real["src"].lower().startswith("data:"):
        address = _first(attributes, _OTHER_ADDRESSES)
    return {**real, "src": address} if address else real


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
