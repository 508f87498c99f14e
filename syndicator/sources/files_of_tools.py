"""Files and folders of tools and editors: they change often, and no post is among them."""

import os
import re

_FOLDERS = {
    ".git",
    ".hg",
    ".idea",
    ".jekyll-cache",
    ".sass-cache",
    ".svn",
    ".venv",
    "__pycache__",
    "node_modules",
}

#: Copies, locks and swap files of Vim (and the one it tries to write), Emacs and others, and what
#: macOS keeps about a folder.
_OF_EDITORS = re.compile(r"~$|\.sw.$|^\.#|^4913$|^\.DS_Store$")


def is_of_tool(path: str) -> bool:
    """Whether a file or folder is a tool's or an editor's own, by its name."""
    name = os.path.basename(path)
    return name in _FOLDERS or _OF_EDITORS.search(name) is not None
