"""Keeps compiled templates beside their modules, as Python keeps compiled modules.

Compiling them takes 60 ms of each process that shows a page.
"""

import sys
from contextlib import suppress
from importlib.resources import files

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(FileSystemBytecodeCache):
    """A folder that may not be writable, and holds what was compiled from the same text."""

    def __init__(self, package: str) -> None:
        super().__init__(str(files(package) / "__pycache__"), f"{package}.%s.cache")

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # damaged, as after a power cut
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        # https://docs.python.org/3.11/library/sys.html#sys.dont_write_bytecode
        if not sys.dont_write_bytecode:
            with suppress(OSError):  # no permission, no folder or no space
                super().dump_bytecode(bucket)
