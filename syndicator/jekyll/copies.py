"""Names that programs give to a second copy of a file.

Synchronisers write one when a file was changed in two places. Nobody means it as a post. Browsers
and file managers write names that a person may have chosen, too.
"""

import re

#: What a stem holds, by the program that writes it. Most programs translate their words; what
#: Dropbox and Nextcloud write in other languages has a date beside a word for conflict.
_FORMS = {
    # https://docs.syncthing.net/users/syncing.html#conflicting-changes
    "Syncthing": r"\.sync-conflict-\d{8}-\d{6}(-\w{7})?$",
    "Seafile": r"\(SFConflict [^()]*\)",
    # https://help.dropbox.com/syncing-uploads/conflicted-copy; Obsidian Sync has the same words;
    # `Utility::makeConflictFileName` of nextcloud/desktop and owncloud/client
    "Dropbox or Nextcloud": (
        r"\([^()]*\bconflicted copy\b.*\)"
        r"|\([^()]*(conflict|conflit|konflikt)[^()]*\d{4}-\d\d-\d\d[^()]*\)"
    ),
    "Dropbox": r"\((case|unicode encoding|selective sync|white ?space) conflict( \d+)?\)",
    "Nextcloud or ownCloud": r"\(case clash from [^()]*\)|_conflict-\d{8}-\d{6}$",
    "pCloud": r"\[conflicted\]",
    # https://github.com/abraunegg/onedrive, and the names that Windows gives to computers
    # In the case that they are written in: `laptop-stickers` is the end of an ordinary name.
    "OneDrive": r"(?-i:-safeBackup-\d{4}$|-(DESKTOP|LAPTOP)-[A-Z0-9]{7,8}(-\d+)?$)",
}
_CONFLICTS = {name: re.compile(form, re.IGNORECASE) for name, form in _FORMS.items()}

#: Browsers and OneDrive's site: `x (1)`. macOS and iCloud: `x copy`, `x 2`. Windows: `x - Copy`.
#: GNOME: `x (copy)`. Google Drive: `Copy of x`. Not `x-1`: many people name posts so.
_COPY = re.compile(
    r"\((\d{1,3}|([\w.]+ )?(copy|kopie|copie|copia|cópia))\)$"
    r"|( -)? (copy|kopie|copie|copia|cópia)( \(?\d{1,3}\)?)?$"
    r"| \d{1,3}$"
    r"|^(copy of|kopie von|copie de|copia de|cópia de) ",
    re.IGNORECASE,
)

#: The date that begins a post's name in Jekyll.
_DATE = re.compile(r"\d{2,4}-\d{1,2}-\d{1,2}-", re.ASCII)


def conflict_of(stem: str) -> str | None:
    """The program that wrote a file because of a conflict, by its name without the suffix.

    None: no known program names files so.
    """
    # Most names have none of these, and 100,000 are looked at.
    if not any(mark in stem for mark in ("(", "[", "conflict-", "Backup-", "TOP-")):
        return None
    return next((name for name, form in _CONFLICTS.items() if form.search(stem)), None)


def may_be_copy(path: str) -> bool:
    """Whether a name is one that programs give to copies, and people may give to posts."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if " " not in stem and "(" not in stem:
        return False
    return bool(_COPY.search(stem) or _COPY.match(_DATE.sub("", stem, count=1)))
