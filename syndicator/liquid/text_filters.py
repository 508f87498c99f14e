"""Filters on text (Ruby Liquid, `standardfilters.rb`; Jekyll, `filters.rb`)."""

import base64
import re
from html import escape as escape_html
from urllib.parse import quote, quote_plus, unquote_plus

from syndicator.liquid.context import Context
from syndicator.liquid.limits import check_length
from syndicator.liquid.values import inspect, is_array, to_integer, to_s
from syndicator.ruby.slugs import slugify as slugified
from syndicator.ruby.strip_html import strip_html as stripped

_NEWLINE = re.compile(r"\r?\n")
_ONCE = re.compile(r"[\"><']|&(?!(?:[a-zA-Z]{1,40}|#\d{1,10});)")
_ESCAPES = {"&": "&amp;", ">": "&gt;", "<": "&lt;", '"': "&quot;", "'": "&#39;"}
_MATCHED_PER_STEP = 16  #: characters that may each be a match
_MARKDOWN_STEPS = 20  #: steps for a Markdown text of any length
_SPACE = " \t\n\v\f\r\0"
_CJK = (
    r"\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u30ff\u3131-\u318f"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff"
)
# Text, since few posts count words: `re` compiles it then, in 5 ms.
_CJK_CHARACTER = f"[{_CJK}]"
_OTHER_WORD = rf"[^{_CJK}\s]+"


def append(_: Context, value: object, text: object) -> str:
    return to_s(value) + to_s(text)


def prepend(_: Context, value: object, text: object) -> str:
    return to_s(text) + to_s(value)


def downcase(_: Context, value: object) -> str:
    return to_s(value).lower()


def upcase(_: Context, value: object) -> str:
    return to_s(value).upper()


def capitalize(_: Context, value: object) -> str:
    return to_s(value).capitalize()


def strip(_: Context, value: object) -> str:
    return to_s(value).strip(_SPACE)


def lstrip(_: Context, value: object) -> str:
    return to_s(value).lstrip(_SPACE)


def rstrip(_: Context, value: object) -> str:
    return to_s(value).rstrip(_SPACE)


def strip_html(_: Context, value: object) -> str:
    return stripped(to_s(value))


def strip_newlines(_: Context, value: object) -> str:
    return _NEWLINE.sub("", to_s(value))


def newline_to_br(_: Context, value: object) -> str:
    text = to_s(value)
    check_length(len(text) + len("<br />") * text.count("\n"))
    return _NEWLINE.sub("<br />\n", text)


def normalize_whitespace(_: Context, value: object) -> str:
    return re.sub(r"\s+", " ", to_s(value), flags=re.ASCII).strip(_SPACE)


def squish(_: Context, value: object) -> str:
    return " ".join(to_s(value).split())


def _escapable(value: object) -> str:
    """A value as text. Raises LiquidLimitError if the text is too long once escaped."""
    text = to_s(value)
    check_length(
        len(text)
        + sum(len(escaped) * text.count(character) for character, escaped in _ESCAPES.items())
    )
    return text


def escape(_: Context, value: object) -> str | None:
    return None if value is None else escape_html(_escapable(value)).replace("&#x27;", "&#39;")


def escape_once(context: Context, value: object) -> str:
    text = _escapable(value)
    context.run.meter.spend(len(text) // _MATCHED_PER_STEP)
    return _ONCE.sub(lambda match: _ESCAPES[match.group()], text)


def xml_escape(_: Context, value: object) -> str:
    return (
        _escapable(value)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
    )


def _encodable(value: object) -> str:
    """A value as text. Raises LiquidLimitError if it is too long with each byte as `%XX`."""
    text = to_s(value)
    check_length(3 * len(text.encode(errors="surrogatepass")))
    return text


def url_encode(_: Context, value: object) -> str | None:
    return None if value is None else quote_plus(_encodable(value))


def cgi_escape(_: Context, value: object) -> str:
    return quote_plus(_encodable(value))


def url_decode(_: Context, value: object) -> str | None:
    return None if value is None else unquote_plus(to_s(value), errors="strict")


def uri_escape(_: Context, value: object) -> str:
    return quote(_encodable(value), safe=":/?#[]@!$&'()*+,;=~-._")


def base64_encode(_: Context, value: object) -> str:
    return base64.b64encode(to_s(value).encode()).decode()


def base64_decode(_: Context, value: object) -> str:
    return base64.b64decode(to_s(value), validate=True).decode()


def base64_url_safe_encode(_: Context, value: object) -> str:
    return base64.urlsafe_b64encode(to_s(value).encode()).decode()


def base64_url_safe_decode(_: Context, value: object) -> str:
    return base64.urlsafe_b64decode(to_s(value)).decode()


def replace(_: Context, value: object, old: object, new: object = "") -> str:
    text = to_s(value)
    search, replacement = to_s(old), to_s(new)
    check_length(len(text) + (text.count(search) + 1) * len(replacement))
    return text.replace(search, replacement)


def replace_first(_: Context, value: object, old: object, new: object = "") -> str:
    return to_s(value).replace(to_s(old), to_s(new), 1)


def replace_last(_: Context, value: object, old: object, new: object) -> str:
    text, search = to_s(value), to_s(old)
    at = text.rfind(search)
    return text if at < 0 else text[:at] + to_s(new) + text[at + len(search) :]


def remove(context: Context, value: object, text: object) -> str:
    return replace(context, value, text)


def remove_first(context: Context, value: object, text: object) -> str:
    return replace_first(context, value, text)


def remove_last(context: Context, value: object, text: object) -> str:
    return replace_last(context, value, text, "")


def split(context: Context, value: object, separator: object) -> list[str]:
    """As in Ruby: empty parts at the end are dropped, and a space means any white space."""
    text, by = to_s(value), to_s(separator)
    context.run.meter.spend((text.count(by) if by else len(text)) // 8)
    parts = list(text) if not by else text.split() if by == " " else text.split(by)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def slice_(_: Context, value: object, offset: object, length: object = None) -> object:
    start, count = to_integer(offset), 1 if length is None else to_integer(length)
    sequence = value if is_array(value) else to_s(value)
    size = len(sequence)  # type: ignore[arg-type]
    start += size if start < 0 else 0
    if not 0 <= start <= size or count < 0:
        return [] if is_array(value) else ""
    part = sequence[start : start + count]  # type: ignore[index]
    return list(part) if is_array(value) else part


def truncate(_: Context, value: object, length: object = 50, ending: object = "...") -> str | None:
    if value is None:
        return None
    text, end = to_s(value), to_s(ending)
    size = to_integer(length)
    return text[: max(size - len(end), 0)] + end if len(text) > size else text


def truncatewords(
    _: Context, value: object, count: object = 15, ending: object = "..."
) -> str | None:
    if value is None:
        return None
    text, limit = to_s(value), max(to_integer(count), 1)
    words = text.split()
    return " ".join(words[:limit]) + to_s(ending) if len(words) > limit else text


def number_of_words(context: Context, value: object, mode: object = None) -> int:
    text = to_s(value)
    if mode in ("cjk", "auto"):
        context.run.meter.spend(len(text) // _MATCHED_PER_STEP)
    cjk = sum(1 for _ in re.finditer(_CJK_CHARACTER, text)) if mode in ("cjk", "auto") else 0
    if mode == "cjk" or cjk:
        return cjk + sum(1 for _ in re.finditer(_OTHER_WORD, text))
    return len(text.split())


def slugify(context: Context, value: object, mode: object = None) -> str | None:
    text = to_s(value)
    context.run.meter.spend(len(text) // 4)
    return None if value is None else slugified(text, to_s(mode) or "default")


def markdownify(context: Context, value: object) -> str:
    text = to_s(value)
    # The slowest filter: about a microsecond a character, and over a millisecond for any text.
    context.run.meter.spend(_MARKDOWN_STEPS + len(text) // 2)
    return context.run.markup.markdown(text)


def smartify(context: Context, value: object) -> str:
    text = to_s(value)
    context.run.meter.spend(_MARKDOWN_STEPS + len(text) // 2)
    return context.run.markup.smartify(text)


def inspected(context: Context, value: object) -> str:
    return xml_escape(context, inspect(value))


FILTERS = {
    **{
        each.__name__: each
        for each in (
            *(append, prepend, downcase, upcase, capitalize, strip, lstrip, rstrip),
            *(strip_html, strip_newlines, newline_to_br, normalize_whitespace, squish),
            *(escape, escape_once, xml_escape, url_encode, url_decode, cgi_escape, uri_escape),
            *(base64_encode, base64_decode, base64_url_safe_encode, base64_url_safe_decode),
            *(replace, replace_first, replace_last, remove, remove_first, remove_last, split),
            *(truncate, truncatewords, number_of_words, slugify, markdownify, smartify),
        )
    },
    "h": escape,
    "slice": slice_,
    "inspect": inspected,
}
