"""The commands that a page of the documentation shows, as a shell script that runs them."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

#: A fenced block of shell, or a command of ours within a sentence.
_SHELL = re.compile(r"^```sh\n(.*?)^```$|`(syndicator [a-z][^`\n]*)`", re.MULTILINE | re.DOTALL)
_OTHER_BLOCKS = re.compile(r"^```(?!sh\n)\w+\n.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)


class Shown(NamedTuple):
    """What a page shows to be typed."""

    section: str  #: the heading above it; "": none
    text: str  #: lines of shell
    in_a_sentence: bool  #: it may be mentioned only, so it may also exit with 1


def commands_of(page: str) -> Iterator[Shown]:
    """Every command of a page in Markdown, in its order."""
    page = _OTHER_BLOCKS.sub("", page)
    parts = _HEADING.split(page)
    for section, text in zip(["", *parts[1::2]], parts[::2], strict=True):
        for match in _SHELL.finditer(text):
            block, mention = match.groups()
            yield Shown(section, block or f"{mention}\n", in_a_sentence=block is None)


def script_of(shown: Shown, replaced: Mapping[str, str]) -> str:
    """The lines as they are typed, but for placeholders; what runs until it is stopped is started.

    `begin` starts a command and waits until it serves; `mention` allows an exit code of 1.
    """
    text = shown.text
    for placeholder, value in replaced.items():
        text = text.replace(placeholder, value)
    text = text.replace(" && ", "\n")  # `set -e` does not end at the first half of a list
    text = re.sub(r"^(?=(make run|syndicator run)\b)", "begin ", text, flags=re.MULTILINE)
    return f"mention {text}" if shown.in_a_sentence and not text.startswith("begin ") else text


#: The shell that runs the scripts. It prints each command, and stops at the first that fails.
PRELUDE = r"""
set -euo pipefail
started=
stop() {
  if [ -n "$started" ]; then kill -TERM "$started" || true; wait "$started" || true; started=; fi
}
begin() {
  stop
  "$@" >"$HOME/.started" 2>&1 &
  started=$!
  for _ in $(seq 2400); do  # 240 s: `make run` installs every package first
    if grep -q "^Serving http" "$HOME/.started"; then return; fi
    if ! kill -0 "$started"; then break; fi
    sleep 0.1
  done
  cat "$HOME/.started" >&2
  return 1
}
appears() {
  for _ in $(seq 2400); do  # 240 s: `make run` installs every package first
    if [ -e "$1" ]; then return; fi
    sleep 0.1
  done
  echo "$1 did not appear" >&2
  return 1
}
mention() { "$@" || [ $? -eq 1 ]; }
trap stop EXIT
set -x
"""
