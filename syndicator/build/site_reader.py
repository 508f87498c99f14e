"""Reads the site's config and data, and notices when a part of the site is missing."""

import os
from collections.abc import Mapping
from pathlib import Path

from syndicator.errors import SourceError
from syndicator.jekyll.site import Site
from syndicator.jekyll.site_config import read_site
from syndicator.model.content import FileState, Problem
from syndicator.sources.errors import not_a_directory, source_error
from syndicator.sources.referenced_files import FileStates, FolderFiles


class SiteReader:
    """Reads a site's config and data; reads them again only if one of their files changed."""

    def __init__(self, root: Path, overrides: Mapping[str, str]) -> None:
        self._root = root
        self._overrides = overrides
        self._needs: Mapping[str, FileState] = {}
        self._states = FileStates(root)
        self._site: Site | None = None
        self.problems: tuple[Problem, ...] = ()
        self.had_config = False  #: whether the site has, or ever had, a _config.yml
        self.had_posts = False  #: whether it is, or ever was, more than a plain folder of posts

    def read(self) -> Site:
        """The site as it is now: the same object while it is unchanged.

        Raises SourceError if the folder is missing, if its _config.yml can't be read, or if a file
        or folder that made it a site is gone, as in an unfinished copy or checkout. Without
        _config.yml every link would change; without _posts every Markdown file would be a post.
        """
        self._check_root()
        if self._site is not None and self._states.are_unchanged(self._needs):
            return self._site
        files = FolderFiles(self._root)
        config = self._read_config(files)
        if config is None:
            files.names("_posts")
        site, problems = read_site(config, files, self._overrides)
        broken = next((problem for problem in problems if problem.fatal), None)
        if broken:
            raise SourceError(str(broken), hint=broken.hint)
        # Searching a plain folder for `_posts` at each poll would stat every file twice. So only
        # the top level is checked again: a `_posts` there makes it a site.
        plain = "" in site.scope.roots
        if plain and self.had_posts:
            hint = "check that it is mounted and copied whole; a plain folder needs a new state"
            raise source_error(self._root, f"{self._root} has no _posts any more", hint)
        needs = {
            path: seen
            for path, seen in files.needs.items()
            if path != "/" and (plain or path != "_posts/")
        }
        self._site = site
        self._needs = needs
        self.problems = problems
        self.had_config |= config is not None
        self.had_posts |= not plain
        return site

    def _check_root(self) -> None:
        try:
            os.scandir(self._root).close()
        except (FileNotFoundError, NotADirectoryError):
            raise not_a_directory(self._root) from None
        except OSError as error:
            raise SourceError(
                f"{self._root} can't be read: {error.strerror}",
                hint="check that this user may read it",
            ) from error

    def _read_config(self, files: FolderFiles) -> str | None:
        """The text of _config.yml; None: the site never had one."""
        config = files.text("_config.yml")
        if config is not None:
            return config
        if os.path.lexists(self._root / "_config.yml"):
            hint = "make it a file that this user may read, in UTF-8 and under 1 MiB"
            raise source_error(self._root, "_config.yml can't be read as text", hint)
        if self.had_config:
            hint = "check that it is mounted and copied whole; if it was deleted, add an empty one"
            raise source_error(self._root, f"{self._root / '_config.yml'} is gone", hint)
        return None
