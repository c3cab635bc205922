"""What the directories of attempts tell, read on the place by one command for many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...data_classes import dataclass
from ..showing import ATTEMPT, SHOW, blocks
from ..wrapper import CLAIM, RESULT, encode, quote
from .node import CANCELLED, NODE, QUEUED

NO_CLOCK = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in the directory of an attempt."""

    exists: bool = False
    given_up: bool = False
    claimed: bool = False
    record: str = ""
    """The text of the result record, complete or not."""
    note: str | None = None
    """The note of the submission that it is part of."""
    element: int = 0
    member: int | None = None
    """Its place in a group of attempts; None: it has a job of its own."""
    node: str | None = None
    origin: float | None = None
    """The instant from which the result record counts its seconds: when the node was booted."""
    cancel: str | None = None
    """Why this program wanted it to end: `cancel` or `time`."""
    marks: frozenset[str] = frozenset()
    """What the node has said of it: `timed out`, `cancelled`, `out of memory`, `over`."""


def report_text(directories: Sequence[str]) -> bytes:
    """Return the program that looks at some directories; `parse_reports` reads what it prints."""
    return encode("\n".join([_LOOK, *(f"look {quote(directory)}" for directory in directories), "exit 0", ""]))


def give_up_text(directories: Sequence[str]) -> bytes:
    """Return the program that makes sure that attempts never start, and prints what it finds then.

    Where a directory is gone, there is nothing that could start.
    """
    calls = [line for path in directories for line in (f"mkdir {quote(f'{path}/{CLAIM}')} 2>/dev/null",)]
    looks = [f"look {quote(directory)}" for directory in directories]
    return encode("\n".join([_LOOK, *calls, *looks, "exit 0", ""]))


def mark_text(directories: Sequence[str], why: str) -> bytes:
    """Return the program that notes why attempts are to end."""
    calls = [f"mark {quote(f'{directory}/{CANCELLED}')}" for directory in directories]
    mark = f'mark() {{ [ -e "$1" ] || echo {quote(why)} >"$1"; }} 2>/dev/null'
    return encode("\n".join([mark, *calls, "exit 0", ""]))


def recorded_text(directories: Sequence[str], seconds: float) -> bytes:
    """Return the program that waits until each directory has a record, and says so, or until some time is over."""
    calls = [f"recorded {quote(f'{directory}/{RESULT}')}" for directory in directories]
    start = f"tries={TRIES} pause={max(seconds, 1.0) / TRIES:.2f}"
    return encode("\n".join([start, _RECORDED, *calls, f"echo {RECORDED}", ""]))


RECORDED = "recorded"
TRIES = 10
_RECORDED = """
recorded() {
  until [ -e "$1" ]; do
    [ "$tries" -gt 0 ] || exit 0
    tries=$((tries - 1))
    sleep "$pause" 2>/dev/null || sleep 1
  done
}
"""

_LOOK = f"""{SHOW}
look() {{
  say {ATTEMPT}
  [ -d "$1" ] && say exists
  if [ -d "$1/{CLAIM}" ]; then say given-up; elif [ -e "$1/{CLAIM}" ]; then say claimed; fi
  for name in {QUEUED} {NODE} {CANCELLED} {RESULT}; do show "$1" "$name"; done
  tell
}}
"""


def parse_reports(text: str) -> Sequence[Report]:
    """Return what each directory told, in the order in which they were asked about."""
    return [_report(files) for files in blocks(text.split("\n"))]


def _report(files: Mapping[str, list[str]]) -> Report:
    note, element, member = _queued(files.get(QUEUED, []))
    return Report(
        exists="exists" in files,
        given_up="given-up" in files,
        claimed="claimed" in files,
        record="\n".join([*files.get(RESULT, []), ""]),
        note=note,
        element=element,
        member=member,
        node=_field(files.get(NODE, []), "node"),
        origin=_origin(_field(files.get(NODE, []), "clock")),
        cancel=next(iter(files.get(CANCELLED, [])), None),
        marks=frozenset(files.get(NODE, [])) & MARKS,
    )


TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
OVER = "over"
MARKS = frozenset({TIMED_OUT, "cancelled", OUT_OF_MEMORY, OVER})


def _queued(lines: Sequence[str]) -> tuple[str | None, int, int | None]:
    words = lines[0].split() if lines else []
    if len(words) not in (2, 3) or not all(word.isdigit() for word in words[1:]):
        return None, 0, None
    return words[0], int(words[1]), int(words[2]) if len(words) == 3 else None


def _field(lines: Sequence[str], name: str) -> str | None:
    return next((line[len(name) + 1 :] for line in lines if line.startswith(f"{name} ")), None)


def _origin(clock: str | None) -> float | None:
    """Return the instant of a node's boot; its `date` may know no fractions of a second."""
    try:
        now, up = (clock or "").split()
        return float(now.removesuffix(".%N").removesuffix(".N")) - float(up)
    except ValueError:
        return None
