"""Renames elements that the parser behind nh3 would not keep, before it parses.

It takes the content of <noscript> for text, and can't allow elements by a pattern.
"""

import re
from collections import Counter
from html import escape

#: Stands for elements whose content is shown where scripts, objects or frames are not.
NOSCRIPT = "xnoscript"

#: Stands for a custom element.
CUSTOM = "xcustom"

#: The attribute with the name of the element that one of these stands for.
REAL_NAME = "data-xname"

#: An attribute of CUSTOM: the post has more of its start tags than end tags.
UNCLOSED = "data-xunclosed"

#: Elements in which a browser shows tags as text. Their end tag is the only one in them.
RAW_TEXT = frozenset({"plaintext", "xmp"})

#: A custom element has a name with a hyphen (HTML §4.13.2), except for those of SVG and MathML. Of
#: MathJax's, which are many, only the outermost matters.
#: <portal> and <frame> are no longer part of HTML, or only of a <frameset>.
_TAG = re.compile(
    r"<(/?)(?:(no(?:script|embed|frames))|(?!mjx-(?!container)|annotation-|color-profile|font-face|missing-glyph)"
    r"(portal|frame|[a-z][\w.]*+-[\w.-]*+))(?=[\s/>])",
    re.IGNORECASE | re.ASCII,
)
_RENAMED = re.compile(rf"(?:{NOSCRIPT}|{CUSTOM}) {REAL_NAME}=([\w.-]+) (?:{UNCLOSED} )?", re.ASCII)
_SAMPLE = re.compile(r"<xmp\b[^<>]*>(.*?)</xmp\s*>", re.IGNORECASE | re.DOTALL)
_END_OF_SAMPLE = re.compile(r"</xmp\s*>", re.IGNORECASE)


def with_renamed_elements(html: str) -> str:
    """HTML of any form, with NOSCRIPT and CUSTOM, and <pre> instead of <xmp>."""
    html = _with_samples_escaped(html)
    starts, ends = Counter[str](), Counter[str]()
    for slash, _, custom in _TAG.findall(html):
        (ends if slash else starts)[custom.lower()] += 1

    def renamed(tag: re.Match[str]) -> str:
        slash, hidden_content, custom = tag.groups()
        name = hidden_content or custom
        unclosed = custom and not slash and starts[name.lower()] > ends[name.lower()]
        mark = NOSCRIPT if hidden_content else CUSTOM
        # Without quotes: it may stand in the value of an attribute, as <p title="<a-b>">.
        return f"<{slash}{mark} {REAL_NAME}={name} {f'{UNCLOSED} ' if unclosed else ''}"

    return _TAG.sub(renamed, html)


def with_real_names(html: str) -> str:
    """Undo it in HTML of any form; in regular HTML only in texts and values.

    There an element has its name in quotes.
    """
    return _RENAMED.sub(r"\1", html)


def _with_samples_escaped(html: str) -> str:
    last_end = 0
    for end in _END_OF_SAMPLE.finditer(html):
        last_end = end.end()
    # Each sample that begins before the last end has an end, so that none is searched for in vain.
    samples = _SAMPLE.sub(lambda sample: f"<pre>{_text(sample[1])}</pre>", html[:last_end])
    return samples + html[last_end:]


def _text(raw: str) -> str:
    return escape(raw, quote=False)
