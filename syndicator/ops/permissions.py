"""What other users of this host can do with the state, the feeds and the config.

A part of `syndicator doctor`: each result is a Problem. Nothing is written.
"""

import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from syndicator import regular_files
from syndicator.file_access import group_name
from syndicator.model.content import Problem
from syndicator.store import file_modes

#: Bytes. A config file is smaller.
_MAX_CONFIG = 4 * 2**20

#: A database URL with a password: before the host, or in its query, as libpq's `password` and
#: `sslpassword`.
_PASSWORD = re.compile(
    r"""postgresql[^\s"':]*://([^\s"':@/]*:[^\s"'@]+@|[^\s"']*[?&]\w*(password|secret)=[^&\s"'])""",
    re.IGNORECASE,
)


#: A secret of webhooks.
_HOOK_SECRET = re.compile(r"""hook_secret\s*=\s*["'][^"']""")


def check_permissions(
    state: Path | None, output: Path | None, config: Path | None
) -> Iterator[Problem]:
    """What all users of this host can access but should not.

    `state`, `output` None: it is not on a disk. `config`: the config file, if any.

    Group permissions are not checked: they are the operator's decision.
    """
    exposed = file_modes.accessible_to_all(state) if state else []
    if exposed:
        files = ", ".join(map(str, exposed))
        message = f"all users of this host can access {files}, which contain subscribers' secrets"
        hint = f"chmod 600 {shlex.join(map(str, exposed))}"
        yield Problem(path="state.url", message=message, hint=hint)
    folders = [("state.url", state.parent, "the state's files")] if state else []
    if output:
        folders.append(("output.path", output, "the feeds"))
    for setting, folder, contents in folders:
        if _permissions_of_others(folder) & stat.S_IWOTH:
            message = (
                f"all users of this host can replace {contents}: {folder} is writable for them"
            )
            hint = f"chmod o-w {shlex.quote(str(folder))}"
            yield Problem(path=setting, message=message, hint=hint)
    if config and _permissions_of_others(config) & stat.S_IROTH:
        path = shlex.quote(str(config.absolute()))
        hint = f"chmod 600 {path}, and chown it to the user that runs syndicator"
        for setting, secret in _secrets_in(config):
            message = f"all users of this host can read the {secret} in {config}"
            yield Problem(path=setting, message=message, hint=hint)


def check_group(state: Path, group: int) -> Iterator[Problem]:
    """Whether `state.group` can enter all folders above the state. Not all are ours to change."""
    for folder in reversed(state.parents):
        try:
            seen = folder.stat()
        except OSError:
            return  # it is created at the first build, or `check_state` reports it
        entered_by_group = seen.st_gid == group and seen.st_mode & stat.S_IXGRP
        if not (entered_by_group or seen.st_mode & stat.S_IXOTH):
            name, path = group_name(group), shlex.quote(str(folder))
            hint = f"chgrp {name} {path} && chmod g+x {path}"
            message = f"members of {name} can't enter {folder}"
            yield Problem(path="state.group", message=message, hint=hint)


def _permissions_of_others(path: Path) -> int:
    try:
        return path.stat().st_mode & stat.S_IRWXO
    except OSError:
        return 0


def _secrets_in(config: Path) -> Iterator[tuple[str, str]]:
    """The settings whose secrets a config file contains, even in a comment, and their kinds."""
    try:
        text = regular_files.read_file(config, _MAX_CONFIG, follow=True).decode("utf-8", "replace")
    except OSError:
        return
    if _PASSWORD.search(text):
        yield "state.url", "password"
    if _HOOK_SECRET.search(text):
        yield "source.hook_secret", "secret"
