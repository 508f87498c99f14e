"""What cached entries depend on: files, and posts by name. In memory: a poll reads no entries."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, tzinfo
from zlib import crc32

from syndicator.model.content import FileState, PostHead
from syndicator.model.lookups import matches_name
from syndicator.sources.referenced_files import is_outdated, needs_text

#: A file that no site has. It stands for the day of the build, and changes at midnight.
TODAY = "/today"

#: The beginning of a path that no site has. It stands for the post with the name that follows.
_POST = "/post/"


def post_named(name: str) -> str:
    """The path that stands for a post that an entry links to by name."""
    return _POST + name


def state_of_post(head: PostHead | None) -> FileState:
    """The state of `post_named`: which post it is, and its address. None: no post has the name."""
    return head and (crc32(f"{head.path} {head.url}".encode(errors="backslashreplace")), 0)


def state_of_day(now: datetime, zone: tzinfo) -> FileState:
    """The state of TODAY: the day, in the site's zone."""
    return now.astimezone(zone).toordinal(), 0


class Dependencies:
    """The posts whose entries used a file of the site, or link to another post by its name."""

    def __init__(self, needs: Mapping[str, Mapping[str, FileState]]) -> None:
        """`needs`: by the path of a post, the files that its entry used, each as it was then."""
        self._posts: dict[str, dict[FileState, set[str]]] = {}
        self._needs: dict[str, tuple[tuple[str, FileState], ...]] = {}
        #: What stands for posts that entries link to by name, by the name's last part.
        self._names: dict[str, set[str]] = {}
        self._listings: set[str] = set()
        self.update(needs, needs)

    def update(self, posts: Iterable[str], needs: Mapping[str, Mapping[str, FileState]]) -> None:
        """`posts`: whose entries were rendered or removed. `needs`: what they use now, as above."""
        for post in posts:
            self._forget(post)
            self._add(post, needs.get(post, {}))

    def _forget(self, post: str) -> None:
        for path, seen in self._needs.pop(post, ()):
            used = self._posts[path]
            used[seen].discard(post)
            if not used[seen]:
                del used[seen]
            if not used:
                del self._posts[path]
                self._listings.discard(path)
                if path.startswith(_POST):
                    self._names[_file_of(path)].discard(path)

    def _add(self, post: str, files: Mapping[str, FileState]) -> None:
        for path, seen in files.items():
            self._posts.setdefault(path, {}).setdefault(seen, set()).add(post)
            if path.startswith(_POST):
                self._names.setdefault(_file_of(path), set()).add(path)
            elif path.endswith("/"):
                self._listings.add(path)
        if files:
            self._needs[post] = tuple(files.items())

    def files(self, changed_paths: Collection[str] | None) -> dict[str, bool]:
        """The files to look at, and whether their text was used, or their size alone.

        A path that ends in "/" is the listing of a folder. `changed_paths`: the only files that
        may have changed, or their folders; None: any. A listing changes with any file in its
        folder.
        """
        # Not all are gone through at each save: there may be as many as posts.
        paths = self._posts.keys() if changed_paths is None else self._listings.union(changed_paths)
        return {
            path: any(map(needs_text, self._posts[path]))
            for path in paths
            if path in self._posts and not path.startswith(_POST)
        }

    def outdated(self, states: Mapping[str, FileState]) -> frozenset[str]:
        """The posts whose entries used another version of one of these files."""
        return frozenset(
            post
            for path, now in states.items()
            for used, posts in self._posts[path].items()
            if is_outdated(used, now)
            for post in posts
        )

    def linking_to(self, changed_posts: Iterable[str]) -> set[str]:
        """The posts whose entries link by name to one of these posts, or would if it were there."""
        return {
            post
            for path in changed_posts
            for file in {_file_of(path), _file_of(path).rpartition(".")[0]}
            for name in self._names.get(file, ())
            if matches_name(path, name.removeprefix(_POST))
            for posts in self._posts[name].values()
            for post in posts
        }


def _file_of(path: str) -> str:
    return path.strip("/").rpartition("/")[2]
