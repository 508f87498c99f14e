"""What the operator asked for: one TOML file, and the environment over it.

Every mistake is named at once, each with its key. pydantic checks; its words stay in here. The environment
is read by hand: pydantic-settings takes no environ as an argument, stops at the first value it can't parse,
and lets a misspelt name pass.
"""

from syndicator.config.load_file import PREFIX, SEARCH, find, keys, load
from syndicator.config.settings import Config, WebSettings
from syndicator.config.values import Listen

__all__ = ["PREFIX", "SEARCH", "Config", "Listen", "WebSettings", "find", "keys", "load"]
