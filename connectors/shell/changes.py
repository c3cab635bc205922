"""Changes to files as programs for a shell; several are made by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from os import path as paths

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ..base import ActionKind, FileAction
from .words import content, name, names, word

INLINE_BYTES = 32_768
"""A longer content goes by a stream of its own."""
PROGRAM_BYTES = 65_536
"""A program is not made longer by one more change than this: some shells read them byte by byte."""


OVERHEAD_BYTES = 200
"""What surrounds a change in a program, about."""


@dataclass(frozen=True, slots=True)
class Step:
    """A program that makes some changes, and the content that it reads, if it reads one."""

    program: str
    stdin: bytes | None = None


def steps(actions: Iterable[FileAction]) -> Iterator[Step]:
    """Yield the programs that make changes in order."""
    parts: list[str] = []
    size = 0
    for group in _groups(actions):
        action = group[0]
        if action.kind is ActionKind.WRITE and len(action.content) > INLINE_BYTES:
            if parts:
                yield Step(_program(parts))
            yield Step(_program([_streamed(action)]), action.content)
            parts, size = [], 0
            continue
        text = _made(group)
        if parts and size + len(text) > PROGRAM_BYTES:
            yield Step(_program(parts))
            parts, size = [], 0
        parts.append(text)
        size += len(text)
    if parts:
        yield Step(_program(parts))


def is_mergeable(actions: Sequence[FileAction]) -> bool:
    """Tell whether changes are quick, and come to the same in whatever order files are made after directories."""
    if sum(len(action.content) for action in actions) > INLINE_BYTES:
        return False
    if any(action.kind is ActionKind.COPY for action in actions):
        return False
    made = [action.path for action in actions if action.kind is not ActionKind.MAKE_DIRECTORY]
    alone = set(made)
    return len(alone) == len(made) and not any(alone.intersection(_above(action.path)) for action in actions)


def _above(path: str) -> Iterator[str]:
    """Yield the directories that a path is below."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def merged(preparations: Sequence[Sequence[FileAction]]) -> list[FileAction]:
    """Return the changes of several who know nothing of one another, in an order that makes few commands of them."""
    return sorted((action for actions in preparations for action in actions), key=_turn)


def _turn(action: FileAction) -> tuple[int, int]:
    """Return when a change has its turn: directories, which are made with their parents, then links, then files."""
    kinds = (ActionKind.MAKE_DIRECTORY, ActionKind.LINK)
    return (kinds.index(action.kind), 0) if action.kind in kinds else (len(kinds), action.mode)


def _groups(actions: Iterable[FileAction]) -> Iterator[Sequence[FileAction]]:
    """Yield together what one command can do for several: directories, and files of one mode; all else alone."""
    for (kind, _), group in groupby(actions, key=_alike):
        if kind is ActionKind.MAKE_DIRECTORY or kind is ActionKind.WRITE:
            yield from _portions(list(group))
        else:
            yield from ([action] for action in group)


def _alike(action: FileAction) -> tuple[ActionKind, object]:
    is_written = action.kind is ActionKind.WRITE
    streamed = is_written and len(action.content) > INLINE_BYTES
    return action.kind, (id(action) if streamed else action.mode) if is_written else None


def _portions(group: Sequence[FileAction]) -> Iterator[Sequence[FileAction]]:
    """Yield parts of a group that are not too large for one command and one program."""
    part: list[FileAction] = []
    size = 0
    for action in group:
        length = 2 * len(action.path) + 2 * len(action.content) + OVERHEAD_BYTES
        if part and size + length > PROGRAM_BYTES:
            yield part
            part, size = [], 0
        part.append(action)
        size += length
    yield part


_PROLOGUE = """
failed() { code=$?; printf '\\n%s' "cannot $1" >&2; exit "${code:-1}"; }
put() {
  path=$1
  shift
  { "$@" >"$path"; } 2>/dev/null && return
  # Not every shell says why it could not write; cat does.
  "$@" 2>/dev/null | cat >"$path"
}
clear() { if [ -e "$1" ] || [ -L "$1" ]; then rm -rf "$1"; fi; }
"""


def _program(parts: Sequence[str]) -> str:
    return _PROLOGUE + "\n".join(parts)


def said(action: FileAction) -> str:
    """Return what a change is, for an error."""
    origin = f" from {action.source!r}" if action.source is not None else ""
    return f"{action.kind.value} {action.path!r}{origin}"


def _made(group: Sequence[FileAction]) -> str:
    action = group[0]
    path = name(action.path)
    match action.kind:
        case ActionKind.MAKE_DIRECTORY:
            command = f"mkdir -p {names(each.path for each in group)}"
        case ActionKind.WRITE:
            command = f"chmod {action.mode:o} {names(each.path for each in group)}"
            written = [
                f"clear {name(each.path)} && put {name(each.path)} {content(each.content)} || failed {word(said(each))}"
                for each in group
            ]
            return "\n".join([*written, f"{command} || failed {word(said(action))}"])
        case ActionKind.LINK:
            command = f"clear {path} && ln -s -- {word(_source(action))} {path}"
        case ActionKind.COPY:
            source = name(_source(action))
            command = f"clear {path} && cp -RL {source} {path} && chmod -R u+rwX {path}"
    return f"{command} || failed {word(said(action))}"


def _streamed(action: FileAction) -> str:
    path = name(action.path)
    return f"clear {path} && cat >{path} && chmod {action.mode:o} {path} || failed {word(said(action))}"


def _source(action: FileAction) -> str:
    if action.source is None:
        raise PlaceFailed(f"nothing to {action.kind.value} at {action.path!r}")
    return action.source


def remove_text(directory: str) -> str:
    """Return the program that removes whatever is at a path; what a job left read-only too."""
    path = name(directory)
    return (
        f"rm -rf {path} 2>/dev/null\n"
        f"if [ -e {path} ] || [ -L {path} ]; then chmod -R u+rwx {path} 2>/dev/null; rm -rf {path}; fi"
    )


def failed_change(errors: bytes) -> str:
    """Return what such a program says on its standard error when a change failed: which one, and why."""
    lines = [line.strip() for line in errors.decode("utf-8", "surrogateescape").splitlines() if line.strip()]
    if not lines or not lines[-1].startswith("cannot "):
        return f"cannot change files: {lines[-1] if lines else 'it gave no reason'}"
    reason = lines[-2].rpartition(": ")[2] if len(lines) > 1 else "it gave no reason"
    return f"{lines[-1]}: {reason}"


def parent(path: str) -> str:
    """Return the directory that a path is in."""
    return paths.dirname(path) or "/"
