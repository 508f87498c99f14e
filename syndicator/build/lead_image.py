"""Puts an entry's image at the top of its content, for readers that ignore Media RSS."""

import re
from html import escape

from msgspec.structs import replace

from syndicator.model.content import Entry

#: Sanitised content whose first thing to see is a picture: before it only tags and white space.
_BEGINS_WITH_PICTURE = re.compile(r'\s*+(?:<(?!img[\s>])(?:[^">]|"[^"]*+")*+>\s*+)*+<img[\s>]')


def with_lead_image(entry: Entry) -> Entry:
    """The entry with its image at the top of the content.

    Unchanged if it has no image, if the content begins with a picture or has this one elsewhere,
    or if only a summary is published.
    """
    image, content = entry.image, entry.content
    if image is None or (entry.summary and not content) or _BEGINS_WITH_PICTURE.match(content):
        return entry
    address = escape(image.url).replace("&#x27;", "'")  # as the sanitiser writes it
    source = f'src="{address}"'
    if source in content:
        return entry
    alt = escape(image.alt or "")
    return replace(entry, content=f'<p><img {source} alt="{alt}"></p>\n{content}')
