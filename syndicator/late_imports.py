"""Imports what libraries import, and seldom use, when something of it is first used."""

import importlib
import sys
from types import ModuleType
from typing import Any


def postpone(name: str, functions: tuple[str, ...] = ()) -> None:
    """Put a module in place of another one, which it becomes when it is first asked for a name.

    `functions`: those that the library takes of the module when it is itself imported. Does nothing
    if the module was imported before.
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
    for each in functions:
        vars(stand_in)[each] = function(each)
    sys.modules[name] = stand_in
    package, _, child = name.rpartition(".")
    if package:
        setattr(importlib.import_module(package), child, stand_in)
