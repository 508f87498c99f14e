"""Which folders hold documents, and which paths are excluded: Jekyll's rules, without I/O.

jekyll/entry_filter.rb, jekyll/reader.rb
"""

import re
from fnmatch import fnmatchcase

from syndicator.model.content import Scope

#: The name of a post in Jekyll, whatever its suffix (document.rb DATE_FILENAME_MATCHER).
_DATED = re.compile(r"\d{2,4}-\d{1,2}-\d{1,2}-[^/]*\.[^.~]+", re.ASCII)


class DocumentRules:
    """The rules of a Scope. Paths are relative to the source."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def is_named(self, name: str) -> bool:
        """Whether a file of this name is a document: a post, or what Jekyll takes for one."""
        return self.has_suffix(name) or _DATED.fullmatch(name) is not None

    def has_suffix(self, name: str) -> bool:
        """Whether it is Markdown or HTML by its suffix, in upper or lower case."""
        return name.endswith(self._scope.suffixes) or name.lower().endswith(self._scope.suffixes)

    def is_entered(self, folder: str) -> bool:
        """Whether a folder is a document folder or below one, as a scan would find it."""
        entered, above = "" in self._scope.roots, ""
        for name in folder.split("/") if folder else ():
            path = above + name
            if entered:
                if not self.is_kept(name, path):
                    return False
            elif name in self._scope.anywhere or path in self._scope.roots:
                entered = True
            elif self._scope.anywhere and not self.is_searched(name, path):
                return False
            above = f"{path}/"
        return entered

    def is_kept(self, name: str, path: str) -> bool:
        """Whether a subfolder of a document folder is a document folder too."""
        return not name.startswith(".") and not self.is_excluded(path)

    def is_searched(self, name: str, path: str) -> bool:
        """Whether a folder is searched for document folders."""
        return (
            not name.startswith(("_", ".", "#"))
            and not name.endswith("~")
            and not self.is_excluded(path)
        )

    def is_excluded(self, path: str) -> bool:
        """Whether a glob, in which `*` matches slashes, or the beginning of the path excludes it.

        jekyll/entry_filter.rb, `glob_include?`
        """
        return any(
            fnmatchcase(path, one) or f"{path}/".startswith(one) for one in self._scope.exclude
        )

    def may_exclude(self, prefix: str) -> bool:
        """Whether any glob could match in a folder: most name other folders."""
        return any(
            glob.startswith(prefix) or re.search(r"[*?\[]", glob) for glob in self._scope.exclude
        )
