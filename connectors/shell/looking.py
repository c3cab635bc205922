"""What the directories of attempts tell, read on their host by one program, and how attempts are ended there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...data_classes import dataclass
from ..showing import ATTEMPT, SHOW, blocks
from ..wrapper import CLAIM, RESULT, SCRIPT
from .words import names

HOST = "host"
"""File in the directory of an attempt: which boot of the host it was started in, and when."""

_ALIVE = f"""
LC_ALL=C; export LC_ALL
alive() {{
  kill -0 "$1" 2>/dev/null || return 1
  [ -d "/proc/$1" ] || return 0
  args=
  while IFS= read -r line || [ -n "$line" ]; do args="$args$line
"; done <"/proc/$1/cmdline"
  case $args in *"$2/{SCRIPT}"*) return 0 ;; *) return 1 ;; esac
}} 2>/dev/null
claimed() {{
  leader=
  {{ read -r leader <"$1/{CLAIM}"; }} 2>/dev/null
  [ -n "$leader" ]
}}
"""
_LOOK = f"""{SHOW}
look() {{
  say {ATTEMPT}
  [ -d "$1" ] && say exists
  if [ -d "$1/{CLAIM}" ]; then say given-up
  elif claimed "$1"; then
    say "leader $leader"
    alive "$leader" "$1" && say alive
  elif [ -e "$1/{CLAIM}" ]; then say claimed
  fi
  show "$1" {HOST}
  show "$1" {RESULT}
  tell
}}
up=
{{ read -r up rest </proc/uptime; }} 2>/dev/null
echo "now $up"
"""
_END = f"""
exec 2>/dev/null
session_of() {{
  {{ read -r line <"/proc/$1/stat"; }} 2>/dev/null || return 1
  set -- ${{line##*) }}
  of=$4
}}
send() {{
  if [ ! -d /proc/self ]; then
    group=$(ps -o pgid= -p "$leader") && kill -s "$1" -- "-$((group))"
    return
  fi
  all=
  for folder in /proc/[0-9]*; do
    number=${{folder#/proc/}}
    [ "$number" = "$2" ] || {{ session_of "$number" && [ "$of" = "$session" ] && all="$all $number"; }}
  done
  [ -z "$all" ] || kill -s "$1" $all
}}
end() {{
  mkdir "$1/{CLAIM}" && return
  claimed "$1" && alive "$leader" "$1" || return
  session_of "$leader" && session=$of
  if [ -n "$grace" ]; then
    send TERM
    (sleep "$grace"; send KILL "$leader"; sleep "$grace"; alive "$leader" "$1" && send KILL) </dev/null >/dev/null &
  else
    send KILL "$leader"
    (sleep 1; alive "$leader" "$1" && send KILL) </dev/null >/dev/null &
  fi
}}
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in the directory of an attempt."""

    exists: bool = False
    given_up: bool = False
    claimed: bool = False
    leader: str | None = None
    """The process that carries it out; None while it has not said so."""
    alive: bool = False
    boot: str | None = None
    origin: float | None = None
    """The instant from which its host counted its uptime."""
    up: float | None = None
    """The uptime when it was launched."""
    record: str = ""
    """The text of the result record, complete or not."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What one program told: of each attempt, in order, and the uptime of the host."""

    attempts: Sequence[Look]
    now: float | None


def look_text(directories: Sequence[str]) -> str:
    """Return the program that looks at some attempts; `parse_looks` reads what it prints."""
    return f'{_ALIVE}{_LOOK}for d in {names(directories)}; do look "$d"; done\nexit 0'


def give_up_text(directory: str) -> str:
    """Return the program that makes sure that an attempt never starts, if it has not yet, and looks at it."""
    return f'{_ALIVE}d={names([directory])}\nmkdir "$d/{CLAIM}" 2>/dev/null\n{_LOOK}look "$d"\nexit 0'


def end_text(directories: Sequence[str], grace: float) -> str:
    """Return the program that ends attempts with all processes of their sessions.

    They are asked to end and, `grace` seconds later, made to, the wrappers last so that they can
    leave their records; with 0 they are not asked. One that has not started never will.
    """
    start = f"{_ALIVE}{_END}grace={f'{grace:g}' if grace else ''}\n"
    return f'{start}for d in {names(directories)}; do end "$d"; done\nexit 0'


def parse_looks(printed: bytes) -> Looks:
    """Return what `look_text` and `give_up_text` print."""
    lines = printed.decode("utf-8", "replace").split("\n")
    now = next((line.removeprefix("now ") for line in lines if line.startswith("now ")), "")
    return Looks([_look(fields) for fields in blocks(lines)], _number(now))


def _look(fields: Mapping[str, list[str]]) -> Look:
    host = dict(line.partition(" ")[::2] for line in fields.get(HOST, ()))
    leader = next(iter(fields.get("leader", ())), None)
    return Look(
        exists="exists" in fields,
        given_up="given-up" in fields,
        claimed="claimed" in fields or leader is not None,
        leader=leader,
        alive="alive" in fields,
        boot=host.get("boot") or None,
        origin=_number(host.get("origin", "")),
        up=_number(host.get("up", "")),
        record="\n".join([*fields.get(RESULT, ()), ""]) if RESULT in fields else "",
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
