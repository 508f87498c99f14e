"""Slugs, as Jekyll's `Utils.slugify` and `titleize_slug` make them (jekyll/lib/jekyll/utils.rb)."""

import re
import unicodedata

MODES = ("raw", "default", "pretty", "ascii", "latin")

_PRETTY = "._~!$&'()+,;=@"
_ASCII = re.compile(r"[^A-Za-z0-9]+")
_SPACES = re.compile(r"[ \t\r\n\f\v]+")
_EDGES = re.compile(r"^-|-$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


def slugify(text: str, mode: str = "default", *, keep_case: bool = False) -> str:
    """The text with hyphens for the characters that a mode doesn't keep.

    Modes are `raw`, `default`, `pretty`, `ascii` and `latin`; any other leaves the text as it is.
    Letters become lower case unless `keep_case`. As in Jekyll, only one hyphen is removed from each
    end.
    """
    if mode in MODES and not _PLAIN.fullmatch(text):  # no mode changes a plain slug
        text = _EDGES.sub("", _hyphenated(text, mode))
    return text if keep_case else text.lower()


def titleize(slug: str) -> str:
    """The title for a post without one: `my-first-day` becomes `My First Day`."""
    return " ".join(word.capitalize() for word in slug.rstrip("-").split("-"))


def _hyphenated(text: str, mode: str) -> str:
    if mode == "raw":
        return _SPACES.sub("-", text)
    if mode == "ascii":
        return _ASCII.sub("-", text)
    if mode == "latin":
        return _words_only(_unaccented(text), also="")
    return _words_only(text, also=_PRETTY if mode == "pretty" else "")


def _words_only(text: str, *, also: str) -> str:
    """Keep letters, marks, decimal digits and `also`; each run of others becomes a hyphen."""
    marked = "".join(
        character
        if character in also or _is_word_category(unicodedata.category(character))
        else "\0"
        for character in text
    )
    return re.sub("\0+", "-", marked)


def _is_word_category(category: str) -> bool:
    return category[0] in "LM" or category == "Nd"


def _unaccented(text: str) -> str:
    """Drop the accents of Latin letters; other letters become `?` (Ruby, I18n.transliterate)."""
    return "".join(
        character if character.isascii() else _LATIN.get(character) or _base_letter(character)
        for character in text
    )


def _base_letter(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() and character <= "ž" else "?"


# Letters that NFD does not decompose (i18n, transliterator.rb), each before its spelling.
_SPELLINGS = (
    "ÆAE æae ÐD ðd ØO øo ÞTh þth ßss ĐD đd ĦH ħh ıi ĲIJ ĳij ĸk ŁL łl ĿL ŀl ŉ'n ŊNG ŋng"
    " ŒOE œoe ŦT ŧt ×x"
)
_LATIN = {pair[0]: pair[1:] for pair in _SPELLINGS.split()}
