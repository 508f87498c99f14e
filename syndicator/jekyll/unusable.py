"""Values of `_config.yml` that can't be used."""

from typing import NamedTuple


class Unusable(NamedTuple):
    """A setting of the site that is ignored, or that others ignore."""

    key: str  #: of the config's top level
    message: str
    hint: str
    note: bool = False  #: True: the setting is used, but may have no effect elsewhere
