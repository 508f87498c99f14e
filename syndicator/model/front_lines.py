"""The lines of a document's front matter, so that a problem names the line of a key."""

import re
from typing import NamedTuple


class FrontLines(NamedTuple):
    """A front matter as it is written."""

    text: str
    first: int  #: the line of the file that the text starts at

    def line_of(self, *keys: str) -> int | None:
        """The file's line with the first of the keys that is there; None: the text has none.

        A key may also stand in a mapping below another one, on a line of its own.
        """
        for key in keys:
            pattern = rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[:=]"
            if match := re.search(pattern, self.text, re.MULTILINE):
                return self.first + self.text.count("\n", 0, match.start())
        return None
