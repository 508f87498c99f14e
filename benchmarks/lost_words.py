"""Words that a page shows and its entry lacks, and the reverse."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from syndicator.model.content import Problem


@dataclass(frozen=True)
class WordChange:
    """The words of one post that are not the same in Jekyll's page and in the entry."""

    path: str
    lost: tuple[str, ...]  #: in the order of the page
    added: tuple[str, ...]  #: in the order of the entry
    problems: tuple[Problem, ...]  #: what `syndicator build` says of the post, notes too

    @property
    def is_silent_loss(self) -> bool:
        """Whether words are lost that no problem or note of the post accounts for."""
        return bool(self.lost) and not self.problems

    def __str__(self) -> str:
        lines = [self.path]
        lines += [f"  - {' '.join(self.lost)[:400]}"] if self.lost else []
        lines += [f"  + {' '.join(self.added)[:400]}"] if self.added else []
        lines += [f"  told: {problem}" for problem in self.problems if self.lost]
        return "\n".join(f"  {line}" for line in lines)


@dataclass
class WordReport:
    """What became of the words of all posts."""

    posts: int = 0
    changes: list[WordChange] = field(default_factory=list)

    def add(self, path: str, page: str, entry: str, problems: Iterable[Problem]) -> None:
        """Compare the text of a page with that of its entry, both without markup."""
        self.posts += 1
        lost, added = lacking(page.split(), entry.split()), lacking(entry.split(), page.split())
        if lost or added:
            self.changes.append(WordChange(path, lost, added, tuple(problems)))

    def print(self) -> bool:
        """Print the changes, silent losses last. True: there is no silent loss."""
        silent = [change for change in self.changes if change.is_silent_loss]
        told = [change for change in self.changes if change.lost and not change.is_silent_loss]
        added = [change for change in self.changes if not change.lost]
        print(
            f"  words: {self.posts - len(self.changes)}/{self.posts} posts equal;"
            f" {len(added)} with more words, {len(told)} with lost words told,"
            f" {len(silent)} with silent losses"
        )
        for name, changes in (("more words", added), ("told", told), ("silent losses", silent)):
            for change in changes:
                print(f"  {name}: {str(change).strip()}")
        return not silent


def lacking(words: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The words that `others` has not, or not as often: the last of those that are alike."""
    surplus = Counter(words) - Counter(others)
    found: list[str] = []
    for word in reversed(words):
        if surplus[word] > 0:
            surplus[word] -= 1
            found.append(word)
    return tuple(reversed(found))
