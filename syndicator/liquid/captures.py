"""The tag `capture`, with any name (Ruby Liquid, tags/capture.rb)."""

import re

from liquid import Node, TokenStream
from liquid.builtin.expressions import Identifier
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.parser import get_parser
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from syndicator.liquid.markup_error import LiquidMarkupError

_NAME = re.compile(r"(?:\(?[\w\-.\[\]]\)?)+")


class Capture(CaptureTag):
    """The first run of characters that a name may have is the name: `dev` of `/dev/null`.

    A name that no expression can mean, and a missing one, which is reported, hide the text as well.
    """

    def parse(self, stream: TokenStream) -> Node:  # type: ignore[override]
        token = stream.eat(TOKEN_TAG)
        markup = (
            stream.eat(TOKEN_EXPRESSION).value if stream.current.kind == TOKEN_EXPRESSION else ""
        )
        name = _NAME.search(markup)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        if name is None:
            hint = "write {% capture text %}; until then what it captures is left out"
            self.env.error(LiquidMarkupError("'capture' needs a name", hint, token=token))
        return CaptureNode(token, Identifier(name[0] if name else "", token=token), block)
