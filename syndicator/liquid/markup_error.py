"""Mistakes in Liquid that are reported with what to do about them."""

from liquid import Token
from liquid.exceptions import LiquidSyntaxError


class LiquidMarkupError(LiquidSyntaxError):
    """A mistake in the markup of a tag. `hint`: how to correct it."""

    def __init__(self, message: str, hint: str, *, token: Token) -> None:
        super().__init__(message, token=token)
        self.hint = hint
