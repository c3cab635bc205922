"""What lies below a directory, told by one program: kinds, sizes, and where links lead.

The program prints fields that end with NUL bytes, which no name can have: for each entry its path,
kind, size and, for a link, its target. Where `find -printf` is there, as on GNU systems, one
process tells all; elsewhere the shell walks, and each link and each file costs a process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..base import Entry, EntryKind
from .facts import Known
from .words import name, names

_MUST_BE_LISTABLE = """
if [ ! -d "$root" ]; then echo "$root: Not a directory" >&2; exit 1; fi
if [ ! -r "$root" ] || [ ! -x "$root" ]; then echo "$root: Permission denied" >&2; exit 1; fi
"""
KINDS = {"f": EntryKind.FILE, "d": EntryKind.DIRECTORY, "l": EntryKind.DANGLING}
_RESOLVE = r"""
real() {
  real=$(readlink -f -- "$1" 2>/dev/null && echo x) && real=${real%?x} && [ -n "$real" ] && return
  real=$(cd -- "$(dirname -- "$1")" && pwd -P && echo x)/${1##*/}
  real=${real%%?x/*}/${1##*/}
}
size() {
  set -- $(ls -ldnL -- "$1" 2>/dev/null)
  size=${5:-0}
}
"""
_SHOW = r"""
show() {
  if [ -L "$1" ]; then
    real "$1"
    if [ -f "$1" ]; then size "$1"; printf '%s\0' "$2" f "$size" "$real"
    elif [ -d "$1" ]; then printf '%s\0' "$2" d 0 "$real"
    elif [ -e "$1" ]; then printf '%s\0' "$2" o 0 "$real"
    else printf '%s\0' "$2" l 0 "$real"; fi
  elif [ -f "$1" ]; then size "$1"; printf '%s\0' "$2" f "$size" ''
  elif [ -d "$1" ]; then printf '%s\0' "$2" d 0 ''
  elif [ -e "$1" ]; then printf '%s\0' "$2" o 0 ''
  fi
}
"""
_WALK = r"""
walk() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    show "$entry" "${entry#"$root"/}"
    [ "$deep" = yes ] && [ -d "$entry" ] && [ ! -L "$entry" ] && (walk "$entry")
  done
}
"""
_LINKS = (
    r"""
find "$root" -mindepth 1 $depth -type l -exec sh -c '
  root=$1; shift
  """
    + _RESOLVE.replace("'", "'\\''")
    + _SHOW.replace("'", "'\\''")
    + r"""
  for link; do show "$link" "${link#"$root"/}"; done' sh "$root" {} +
"""
)


def list_text(directory: str, known: Known, *, deep: bool) -> str:
    """Return the program that lists a directory, with all that is below it when `deep`; links are not entered."""
    start = f"root={name(directory)}\n{_MUST_BE_LISTABLE}"
    if "printf" in known.tools:
        depth = "" if deep else "-maxdepth 1"
        found = r"""find "$root" -mindepth 1 $depth ! -type l -printf '%P\0%y\0%s\0\0' || exit 1"""
        return f"{start}depth='{depth}'\n{found}\n{_LINKS}"
    return f'{start}deep={"yes" if deep else "no"}\n{_RESOLVE}{_SHOW}{_WALK}walk "$root"\nexit 0'


def list_all_text(directories: Sequence[str]) -> str:
    """Return the program that lists what lies below some directories, where `find -printf` is there.

    A directory that can be listed is told by an entry of its own, with an empty path; links are only named.
    """
    return (
        f"set --\nfor root in {names(directories)}; do\n"
        '  if [ -d "$root" ] && [ ! -L "$root" ] && [ -r "$root" ] && [ -x "$root" ]; then set -- "$@" "$root"; fi\n'
        "done\n"
        r"""[ $# -eq 0 ] || find "$@" -printf '%H\0%P\0%y\0%s\0'"""
    )


def parse_all(printed: bytes) -> Mapping[str, Sequence[Entry]]:
    """Return what such a program printed: the entries below each directory that could be listed.

    One that has a link somewhere is left out, since where that leads has to be asked for.
    """
    fields = printed.decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, list[Entry]] = {}
    linked: set[str] = set()
    for root, path, kind, size in zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=False):
        entries = found.setdefault(root, [])
        entry_kind = KINDS.get(kind, EntryKind.OTHER)
        if kind == "l":
            linked.add(root)
        elif path:
            entries.append(Entry(path, entry_kind, int(size) if entry_kind is EntryKind.FILE else 0))
    return {root: entries for root, entries in found.items() if root not in linked}


def stat_text(paths: Sequence[str]) -> str:
    """Return the program that tells what lies at some paths; it prints nothing for one where nothing is."""
    return f'{_RESOLVE}{_SHOW}for path in {names(paths)}; do show "$path" "$path"; done\nexit 0'


def parse_entries(printed: bytes, below: str = "") -> Iterator[Entry]:
    """Yield what such a program printed; `below` is put before each path."""
    fields = printed.decode("utf-8", "surrogateescape").split("\0")
    for path, kind, size, target in zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=False):
        found = KINDS.get(kind, EntryKind.OTHER)
        full = f"{below}/{path}" if below else path
        yield Entry(full, found, int(size) if found is EntryKind.FILE else 0, target or None)
