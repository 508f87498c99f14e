"""Imports what libraries import, and seldom use, when something of it is first used."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


def postpone_seldom_used() -> None:
    """Postpone what no command uses, or hardly any. To be called before other imports."""
    # SQLAlchemy imports these for asynchronous engines and for plugins, python-liquid for
    # asynchronous loaders: a tenth of a short command.
    postpone("asyncio", ("iscoroutine",))
    postpone("importlib.metadata")
    postpone("sqlalchemy.dialects.sqlite.aiosqlite")
    # python-liquid imports these for filters that Jekyll does not have. They need Babel and pytz,
    # which opens 600 files.
    postpone("liquid.extra", ("add_tags_and_filters",))
    postpone("liquid.builtin.loaders.package_loader", ("PackageLoader",))
    postpone("babel.messages", ("Catalog",))


def postpone(name: str, functions: tuple[str, ...] = ()) -> None:
    """Put a module in place of another one, which it becomes when it is first asked for a name.

    `functions`: those that the library takes of the module when it is itself imported. Does nothing
    if the module was imported before. If its package was not, a library can take it from the
    package by `from` only.
    """
    if name in sys.modules:
        return
    stand_in = ModuleType(name)

    def get(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        module = importlib.import_module(name)
        vars(stand_in).update(vars(module))
        return getattr(module, attribute)

    def function(attribute: str) -> Any:
        return lambda *arguments: get(attribute)(*arguments)

    # https://docs.python.org/3.11/reference/datamodel.html#customizing-module-attribute-access
    vars(stand_in)["__getattr__"] = get
    vars(stand_in)["__path__"] = _Path(get)
    for each in functions:
        vars(stand_in)[each] = function(each)
    sys.modules[name] = stand_in
    package, _, child = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], child, stand_in)


class _Path:
    """The `__path__` of a module that may be a package, whose parts are searched there.

    Python looks whether there is one for each `from`, which is no reason to import the module.
    """

    def __init__(self, get: Callable[[str], Any]) -> None:
        self._get = get

    def __iter__(self) -> Iterator[str]:
        return iter(self._get("__path__"))
