"""The direction of a post's text."""

from typing import Any

from syndicator.jekyll.as_text import is_empty, label

#: Languages that are usually written from right to left, and scripts that always are (ISO 15924).
_LANGUAGES = frozenset(
    "ar arc ckb dv fa glk he iw ji ks lrc mzn nqo pnb ps sd syr ug ur yi".split()
)
_SCRIPTS = frozenset("adlm arab aran hebr mand mend nkoo rohg samr syrc thaa".split())


def is_direction(value: Any) -> bool:
    """Whether the `dir` of a front matter is one of HTML's, or not set."""
    return is_empty(value) or label(value).lower() in ("ltr", "rtl", "auto")


def is_right_to_left(direction: Any, language: str | None) -> bool:
    """Whether a text runs from right to left: by its `dir`, else by its language tag.

    A script in the tag decides: `az-Arab` is, `ar-Latn` is not (BCP 47 §2.1: four letters).
    """
    if isinstance(direction, str) and direction.strip().lower() in ("ltr", "rtl"):
        return direction.strip().lower() == "rtl"
    name, *subtags = (language or "").lower().replace("_", "-").split("-")
    script = next((tag for tag in subtags if len(tag) == 4 and tag.isalpha()), None)
    return script in _SCRIPTS if script else name in _LANGUAGES
