"""Limits on the work and the length of one Markdown text.

Work is counted in steps, not in seconds: the same text always ends in the same way.
"""

#: Steps for one text, at most. A block costs 5, an item 8 more, a span 1 to 6, a cell 3;
#: look-aheads, attributes and output cost by length. A step takes 2 to 3 µs and up to 300 bytes, so
#: this is about 1.5 seconds and 150 MB. A megabyte of ordinary posts takes 150,000 to 200,000
#: steps, one of short cells or links 470,000.
STEPS = 600_000
#: Steps for a text of any length, and steps added for each character: one post may render many
#: short texts. Ordinary posts take a quarter of a step for a character.
MIN_STEPS = 20_000
STEPS_PER_CHARACTER = 6
#: Characters of a text. The longest post of a large site has 50,000.
SOURCE = 2 * 1024 * 1024
#: Characters of HTML made of a text: references, notes and abbreviations repeat their content.
HTML = 4 * 1024 * 1024


class MarkdownLimitError(ValueError):
    """The Markdown takes more than any post needs. The message names the limit."""


def steps_for(length: int) -> int:
    """The steps for a text of this length. Raises MarkdownLimitError if it is too long."""
    if length > SOURCE:
        raise MarkdownLimitError(f"its Markdown is longer than {SOURCE:,} characters")
    return min(STEPS, MIN_STEPS + STEPS_PER_CHARACTER * length)


def check_html(length: int) -> None:
    """Raise MarkdownLimitError if the HTML is longer than allowed for one text."""
    if length > HTML:
        raise MarkdownLimitError(f"its Markdown becomes more than {HTML:,} characters of HTML")


def too_much_work() -> MarkdownLimitError:
    """The error for a text that has used all its steps."""
    return MarkdownLimitError(
        f"its Markdown takes more parsing steps than its length allows (at most {STEPS:,})"
    )
