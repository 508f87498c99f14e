"""Which names are conflict copies, and which may be copies."""

import pytest
from reading import document, site_of

from syndicator.jekyll.copies import conflict_of, may_be_copy
from syndicator.jekyll.fast_heads import HeadReader
from syndicator.jekyll.posts import read_post

TEXT = "---\ntitle: A storm\n---\nText.\n"


@pytest.mark.parametrize("stem", ["x", "2026-11-28-x", "Ein Sturm (2)"])
@pytest.mark.parametrize(
    ("form", "program"),
    [
        ("{}.sync-conflict-20261128-101010-ABCDEFG", "Syncthing"),
        ("{}.sync-conflict-20261128-101010", "Syncthing"),
        ("{} (conflicted copy 2026-11-28 101010)", "Dropbox or Nextcloud"),
        ("{} (conflicted copy ann 2026-11-28 101010)", "Dropbox or Nextcloud"),
        ("{} (Ann's conflicted copy 2026-11-28)", "Dropbox or Nextcloud"),
        ("{} (Ann's conflicted copy 2026-11-28 (1))", "Dropbox or Nextcloud"),
        ("{} (Ann’s MacBook's conflicted copy)", "Dropbox or Nextcloud"),
        ("{} (Conflicted copy laptop 202611281010)", "Dropbox or Nextcloud"),
        ("{} (In Konflikt stehende Kopie von Ann 2026-11-28)", "Dropbox or Nextcloud"),
        ("{} (Anns in Konflikt stehende Kopie 2026-11-28)", "Dropbox or Nextcloud"),
        ("{} (Copie en conflit de Ann 2026-11-28)", "Dropbox or Nextcloud"),
        ("{} (copia en conflicto de PC2 2026-11-28)", "Dropbox or Nextcloud"),
        ("{} (conflicted copy 2026-11-28 101010)-1", "Dropbox or Nextcloud"),
        ("{} (Case Conflict)", "Dropbox"),
        ("{} (Case Conflict 1)", "Dropbox"),
        ("{} (Unicode Encoding Conflict)", "Dropbox"),
        ("{} (Selective Sync Conflict)", "Dropbox"),
        ("{} (case clash from ann 2026-11-28 101010)", "Nextcloud or ownCloud"),
        ("{}_conflict-20261128-101010", "Nextcloud or ownCloud"),
        ("{} (SFConflict ann@example.com 2026-11-28-10-10-10)", "Seafile"),
        ("{} [conflicted]", "pCloud"),
        ("{}-harbour-safeBackup-0001", "OneDrive"),
        ("{}-DESKTOP-1A2B3C4", "OneDrive"),
        ("{}-LAPTOP-1A2B3C4D-2", "OneDrive"),
    ],
)
def test_conflict_copies(stem: str, form: str, program: str) -> None:
    """With the dated names of Jekyll and those of a plain folder."""
    assert conflict_of(form.format(stem)) == program


@pytest.mark.parametrize(
    "stem",
    [
        "2026-11-28-how-dropbox-names-a-conflicted-copy",
        "2026-11-28-conflicted copy",
        "2026-11-28-sync-conflict-20261128-101010",
        "x.sync-conflict",
        "x (a conflict of 2026)",
        "x (a conflict)",
        "2026-11-28-my-desktop-computers",
        "2026-11-28-laptop-repairs",
        "2026-11-28-My-new-DESKTOP-Computer",
        "2026-11-28-(not)-my-laptop-SERVICED",
        "2026-11-28-[review]-my-laptop-computer",
        "2026-11-28-a-conflict-of-desktop-programs",
        "2026-11-28-(not)-my-laptop-stickers",
        "x-backup-0001",
        "x (1)",
        "the-conflict-2026-11-28",
        "(conflicted copy",
    ],
)
def test_names_that_are_no_conflict_copies(stem: str) -> None:
    """A person may have given them."""
    assert conflict_of(stem) is None


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("x (1)", True),
        ("x(1)", True),
        ("x (12)", True),
        ("x - Copy", True),
        ("x - Copy (2)", True),
        ("x - Kopie", True),
        ("x copy", True),
        ("x copy 2", True),
        ("x 2", True),
        ("x (copy)", True),
        ("x (another copy)", True),
        ("x (3rd copy)", True),
        ("Copy of x", True),
        ("copy of 2026-11-28-x", True),
        ("2026-11-28-Copy of x", True),
        ("Kopie von x", True),
        ("2026-11-28-x (1)", True),
        ("2026-11-28-x 2", True),
        ("2026-11-28-x", False),
        ("2026-11-28-x-1", False),
        ("2026-11-28-x-2", False),
        ("2026-11-28-copy", False),
        ("2026-11-28-a-copy-of-x", False),
        ("x (2026)", False),
        ("x (draft)", False),
        ("photocopy", False),
    ],
)
def test_names_that_may_be_copies(stem: str, expected: bool) -> None:
    """Names of browsers, file managers and synchronisers that people use as well."""
    assert may_be_copy(f"_posts/{stem}.md") is expected


@pytest.mark.parametrize("plain", [True, False])
def test_a_conflict_copy_is_left_out_with_a_note(plain: bool) -> None:
    """In both ways of reading a post."""
    name = "2026-11-28-x (Ann's conflicted copy 2026-11-28).md"
    copy = document(name if plain else f"_posts/{name}", TEXT)
    site = site_of(None if plain else "")
    read = read_post(copy, site)
    assert read.post is None
    [note] = read.problems
    assert note.note
    assert not note.fatal
    assert note.message == "no feed has it: Dropbox or Nextcloud named it so because of a conflict"
    assert HeadReader(site).read(copy) == (None, read.problems)


@pytest.mark.parametrize("form", ["{}~", "#{}#", ".{}.swp", ".#{}", "{}.~1~"])
@pytest.mark.parametrize("name", ["x.md", "2026-11-28-x.md"])
def test_backups_of_editors_are_not_posts(form: str, name: str) -> None:
    """Jekyll ignores them, and says nothing of them."""
    read = read_post(document(f"_posts/{form.format(name)}", TEXT), site_of(""))
    assert (read.post, read.problems) == (None, ())
