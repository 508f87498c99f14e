"""The work and the text that one Markdown text may take. Counted, not timed: same input, same end."""

#: Steps for one text, at most. A block costs 5, an item 8 more, a span 1 to 6, a cell 3; look-aheads, attributes and
#: output cost by length. A step takes 2 to 3 µs and up to 300 bytes, so this is about 1.5 seconds and 150 MB. A
#: megabyte of ordinary posts takes 150,000 to 200,000 steps, one of short cells or links 470,000.
STEPS = 600_000
#: Steps for a text of any length, and more for each character: Liquid may have many short texts read.
#: Ordinary posts take a quarter of a step for a character.
STEPS_AT_LEAST, STEPS_A_CHARACTER = 20_000, 6
#: Characters of a text. The longest post of a large site has 50,000.
SOURCE = 2 * 1024 * 1024
#: Characters of HTML made of a text: references, notes and abbreviations repeat what they refer to.
HTML = 4 * 1024 * 1024


class MarkdownLimitError(ValueError):
    """The Markdown does more than any post needs. The message says which limit it meets."""


def steps(length: int) -> int:
    """The steps for a text of this length. Raises MarkdownLimitError for a text that is too long."""
    if length > SOURCE:
        raise MarkdownLimitError(f"its Markdown is longer than {SOURCE:,} characters")
    return min(STEPS, STEPS_AT_LEAST + STEPS_A_CHARACTER * length)


def check_html(length: int) -> None:
    """Raises MarkdownLimitError if this much HTML is more than one text may become."""
    if length > HTML:
        raise MarkdownLimitError(f"its Markdown becomes more than {HTML:,} characters of HTML")


def too_much_work() -> MarkdownLimitError:
    """What to raise when no step is left."""
    return MarkdownLimitError(
        f"its Markdown takes more parsing steps than its length allows (at most {STEPS:,})"
    )
