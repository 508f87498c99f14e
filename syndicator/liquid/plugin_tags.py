"""Tags of plugins that GitHub Pages has by default: jekyll-gist and jekyll-avatar.

Their pages load a script or a picture of GitHub's. A feed can only point there.
"""

import re
from html import escape
from typing import TextIO
from urllib.parse import quote
from zlib import crc32

from syndicator.liquid.context import Context
from syndicator.liquid.markup_error import LiquidMarkupError
from syndicator.liquid.tags import MarkupNode, MarkupTag
from syndicator.liquid.values import to_s

_GIST = re.compile(r"(?:[\w-]+/)?[\w-]+", re.ASCII)
_SEPARATORS = re.compile(r"\W+")
_AVATAR_SIZE = re.compile(r"\bsize=(\d{1,4})\b", re.IGNORECASE | re.ASCII)
_AVATAR_USER = re.compile(r"\buser=([\w.]+)", re.ASCII)
_USER_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
_VARIABLE = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)

#: Of one side of the picture, in pixels (jekyll-avatar/lib/jekyll-avatar.rb DEFAULT_SIZE).
_AVATAR_PIXELS = "40"


def _variable_or(text: str, context: Context) -> str:
    """The value of the variable of this name; without one, the text itself."""
    if not _VARIABLE.fullmatch(text):
        return text
    value = context.get(list(text.split(".")), token=None, default=None)
    return to_s(value) or text


def _file_anchor(file: str) -> str:
    """GitHub's anchor of a file in a gist: `file-test-rb`."""
    return quote(f"file-{_SEPARATORS.sub('-', file.lower())}")


class _Gist(MarkupNode):
    """A link to a gist, and to the file in it (jekyll-gist/lib/jekyll-gist/gist_tag.rb).

    The plugin fetches the file's text as well, which a feed's build does not.
    """

    def write(self, context: Context, buffer: TextIO) -> int:
        names = [_variable_or(name, context) for name in self.markup.split(None, 1)]
        gist, file = names[0], names[1].strip() if len(names) > 1 else ""
        if not _GIST.fullmatch(gist):
            hint = "write its id, or user/id, as GitHub has it in the gist's address"
            message = f"'{gist[:80]}' is not the id of a gist"
            raise LiquidMarkupError(message, hint, token=self.token)
        address = f"https://gist.github.com/{gist}"
        anchor = f"#{_file_anchor(file)}" if file else ""
        name = f"{file} (gist {gist})" if file else f"gist {gist}"
        return buffer.write(f'<a href="{address}{anchor}">{escape(name)}</a>')


class _Avatar(MarkupNode):
    """A user's picture, in four resolutions (jekyll-avatar/lib/jekyll-avatar.rb)."""

    def write(self, context: Context, buffer: TextIO) -> int:
        markup = self.render_markup(context, self.markup)
        variable, size = _AVATAR_USER.search(markup), _AVATAR_SIZE.search(markup)
        name = (
            _variable_or(variable[1], context)
            if variable
            else (markup.split() or [""])[0].removeprefix("@")
        )
        if not _USER_NAME.fullmatch(name):
            hint = "write the name of a user of GitHub, as in {% avatar hubot %}"
            message = f"'{name[:80]}' is not the name of a user"
            raise LiquidMarkupError(message, hint, token=self.token)
        pixels = int(size[1] if size else _AVATAR_PIXELS)
        host = f"avatars{crc32(f'{name}?v=3&s={pixels}'.encode()) % 4}.githubusercontent.com"
        address = f"https://{host}/{name}?v=3&amp;s="
        pictures = ", ".join(f"{address}{pixels * scale} {scale}x" for scale in (1, 2, 3, 4))
        return buffer.write(
            f'<img alt="{name}" width="{pixels}" height="{pixels}"'
            f' src="{address}{pixels}" srcset="{pictures}" />'
        )


class GistTag(MarkupTag):
    name = "gist"
    node = _Gist


class AvatarTag(MarkupTag):
    name = "avatar"
    node = _Avatar


TAGS = (GistTag, AvatarTag)
