"""The operator's settings: one TOML file, overridden by the environment.

`settings` lists every setting with its default, `values` what each kind of value may be, `tables`
reads settings, and `load` finds the file. All mistakes are reported at once, each with its key.
"""

from syndicator.config.addresses import Listen
from syndicator.config.load import PREFIX, SEARCH, find, keys, load, working_directory
from syndicator.config.settings import Config, WebSettings

__all__ = [
    "PREFIX",
    "SEARCH",
    "Config",
    "Listen",
    "WebSettings",
    "find",
    "keys",
    "load",
    "working_directory",
]
