"""The operator's settings: one TOML file, overridden by the environment.

`settings` lists every setting with its default, `values` what each kind of value may be, and
`load` finds and reads the file. All mistakes are reported at once, each with its key.

pydantic validates; its messages are replaced by ours. The environment is read without
pydantic-settings, which can't be given an environment as an argument, stops at the first value
that it can't parse, and ignores misspelt names.
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
