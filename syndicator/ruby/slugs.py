"""Words for addresses, as Jekyll's `Utils.slugify` and `titleize_slug` make them (jekyll/lib/jekyll/utils.rb)."""

import re
import unicodedata

MODES = ("raw", "default", "pretty", "ascii", "latin")

_PRETTY = "._~!$&'()+,;=@"
_ASCII = re.compile(r"[^A-Za-z0-9]+")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
_EDGES = re.compile(r"^-|-$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


def slugify(text: str, mode: str = "default", *, cased: bool = False) -> str:
    """The text with what a mode can't keep turned to hyphens.

    Modes are `raw`, `default`, `pretty`, `ascii` and `latin`; any other leaves the text as it is. Letters
    become small unless `cased`. One hyphen is taken off each end, not more: that is Jekyll's rule.
    """
    if mode in MODES and not _PLAIN.fullmatch(text):  # no mode changes a plain slug, and most are
        text = _EDGES.sub("", _hyphenated(text, mode))
    return text if cased else text.lower()


def titleize(slug: str) -> str:
    """A title for a post that has none: `my-first-day` is `My First Day`."""
    return " ".join(word.capitalize() for word in slug.rstrip("-").split("-"))


def _hyphenated(text: str, mode: str) -> str:
    if mode == "raw":
        return _SPACES.sub("-", text)
    if mode == "ascii":
        return _ASCII.sub("-", text)
    if mode == "latin":
        return _worded(_unaccented(text), besides="")
    return _worded(text, besides=_PRETTY if mode == "pretty" else "")


def _worded(text: str, *, besides: str) -> str:
    """Letters, marks and decimal digits stay, and `besides`; each run of all else is one hyphen."""
    marked = "".join(
        character if character in besides or _is_of_words(unicodedata.category(character)) else "\0"
        for character in text
    )
    return re.sub("\0+", "-", marked)


def _is_of_words(category: str) -> bool:
    return category[0] in "LM" or category == "Nd"


def _unaccented(text: str) -> str:
    """Latin letters without their accents, `?` for every other letter, as Ruby's I18n.transliterate has it."""
    return "".join(
        character if character.isascii() else _LATIN.get(character) or _base(character)
        for character in text
    )


def _base(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() and character <= "ž" else "?"


# What NFD does not take apart (i18n, transliterator.rb)
_WRITTEN_OUT = "ÆAE æae ÐD ðd ØO øo ÞTh þth ßss ĐD đd ĦH ħh ıi ĲIJ ĳij ĸk ŁL łl ĿL ŀl ŉ'n ŊNG ŋng ŒOE œoe ŦT ŧt ×x"
_LATIN = {pair[0]: pair[1:] for pair in _WRITTEN_OUT.split()}
