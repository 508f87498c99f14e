"""HTML as text, by the rule of Liquid's `strip_html` filter (Ruby Liquid, `lib/liquid/standardfilters.rb`)."""

_BLOCKS_OF_CODE = {"<script": "</script>", "<style": "</style>", "<!--": "-->"}


def strip_html(html: str) -> str:
    """The text without tags, comments, scripts and styles, as Liquid's filter of that name; in linear time."""
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
    """Where the markup that begins at `start` is over; -1 when it never is. `missing`: ends there are no more of."""
    begins = html[start : start + 7]
    for opening, closing in _BLOCKS_OF_CODE.items():
        if begins.startswith(opening) and closing not in missing:
            found = html.find(closing, start)
            if found >= 0:
                return found + len(closing)
            missing.add(closing)
    found = html.find(">", start)
    return found + 1 if found >= 0 else -1
