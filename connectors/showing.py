"""How programs on a place show the directories of attempts, and how that is read back: a block of lines for each.

A block begins with the line `attempt`. Each line of a file in the directory follows the file's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

ATTEMPT = "attempt"
SHOW = """
say() { said="$said$1
"; }
show() {
  [ -f "$1/$2" ] || return
  while IFS= read -r line || [ -n "$line" ]; do say "$2 $line"; done <"$1/$2"
}
tell() {
  printf %s "$said"
  said=
}
said=
"""
"""Functions of a shell: `say` takes a line, `show` those of the file of a name in a directory, if there is one, and
`tell` prints what has gathered: each time something is printed, that is a packet of its own on its way here."""


def blocks(lines: Iterable[str]) -> Iterator[dict[str, list[str]]]:
    """Yield, for each attempt in turn, the texts of its lines by the first word of each."""
    block: dict[str, list[str]] | None = None
    for line in lines:
        if line == ATTEMPT:
            if block is not None:
                yield block
            block = {}
        elif block is not None:
            name, _, rest = line.partition(" ")
            block.setdefault(name, []).append(rest)
    if block is not None:
        yield block
