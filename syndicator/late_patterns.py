"""Compiles regular expressions when they are first used.

Python takes a fifth of a millisecond for each. A command imports six hundred, and uses a third.
"""

import re
import sys
from typing import Any

_compile = re.compile

#: The flag of a function's code. https://docs.python.org/3.11/library/inspect.html#inspect.CO_OPTIMIZED
_IN_FUNCTION = 1


def postpone_patterns() -> None:
    """From now on, patterns of modules and classes are compiled when they are first used.

    What a function compiles is compiled at once: it may be wrong, and the function expect an error.
    """
    re.compile = _late


def _late(pattern: Any, flags: int = 0) -> Any:
    caller = sys._getframe(1)
    if caller.f_code.co_flags & _IN_FUNCTION:
        return _compile(pattern, flags)
    return _LatePattern(pattern, flags, caller.f_globals)


class _LatePattern:
    """A pattern. Once something of it is asked for, it is replaced in its module.

    Where it is not found there, it has all methods of the compiled one from then on.
    """

    def __init__(self, pattern: Any, flags: int, module: dict[str, Any]) -> None:
        self._arguments = pattern, flags
        self._module = module

    def __getattr__(self, name: str) -> Any:
        compiled = _compile(*self._arguments)
        for each, value in list(self._module.items()):
            if value is self:
                self._module[each] = compiled
        for each in dir(re.Pattern):
            if not each.startswith("__"):
                vars(self)[each] = getattr(compiled, each)
        return getattr(compiled, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """As which it passes `isinstance`, also that of `re.sub` and the others."""
        return re.Pattern

    def __reduce__(self) -> Any:
        return re.compile, self._arguments
