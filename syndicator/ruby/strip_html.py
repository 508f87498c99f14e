"""Liquid's `strip_html` filter (Ruby Liquid, `lib/liquid/standardfilters.rb`)."""

_BLOCKS = {"<script": "</script>", "<style": "</style>", "<!--": "-->"}


def strip_html(html: str) -> str:
    """Remove tags, comments, scripts and styles as Liquid's filter does, in linear time."""
    kept: list[str] = []
    missing: set[str] = set()
    position = 0
    while (start := html.find("<", position)) >= 0:
        kept.append(html[position:start])
        end = _end_of_markup(html, start, missing)
        if end < 0:
            position = start
            break
        position = end
    kept.append(html[position:])
    return "".join(kept)


def _end_of_markup(html: str, start: int, missing: set[str]) -> int:
    """The end of the markup at `start`; -1 if it is not closed.

    `missing` collects the closing strings that do not occur in the rest of the text.
    """
    opening_text = html[start : start + 7]
    for opening, closing in _BLOCKS.items():
        if opening_text.startswith(opening) and closing not in missing:
            end = html.find(closing, start)
            if end >= 0:
                return end + len(closing)
            missing.add(closing)
    end = html.find(">", start)
    return end + 1 if end >= 0 else -1
