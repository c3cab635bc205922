"""From what a user types to what is meant: a prefix of an id, or the name of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from ...data_classes import dataclass
from ...errors import UsageError
from .. import ids
from ..database import Database

_HEX = re.compile(r"[0-9a-f]+")
_SHOWN = 4


class Kind(Enum):
    """What has an id of its own. The value is the name of its table."""

    RUN = "run"
    JOB = "job"
    TOKEN = "token"
    ATTEMPT = "attempt"


@dataclass(frozen=True, slots=True)
class Found:
    """The one thing that was meant. `label` is its name for people."""

    kind: Kind
    id: str
    label: str


_LABELS = {Kind.RUN: "name", Kind.JOB: "path", Kind.TOKEN: "path", Kind.ATTEMPT: "work_directory"}


def resolve(database: Database, kind: Kind, text: str) -> str:
    """Return the id of what a text means. Raises UsageError when it means nothing, or several things.

    A text is any prefix of an id; for a run also its name or a prefix of that, and `last` for
    the one that started last; for a job also `RUN/path`, such as `calm-otter-42/fold[3]/train`.
    """
    return resolve_any(database, text, (kind,)).id


def resolve_any(database: Database, text: str, kinds: Iterable[Kind] = tuple(Kind)) -> Found:
    """Return what a text means among several kinds of things. Raises UsageError as `resolve`."""
    wanted = tuple(kinds)
    found = [item for kind in wanted for item in _matches(database, kind, text)]
    exact = [item for item in found if text in (item.id, item.label)]
    # What is in a run has ids that begin as the run's: a beginning of both means the run.
    runs = [item for item in found if item.kind is Kind.RUN]
    for only in (found, exact, runs):
        if len(only) == 1:
            return only[0]
    names = " or ".join(kind.value for kind in wanted)
    if not found:
        raise UsageError(f"no {names} is called {text!r}", hint="`recrate runs` lists the runs")
    raise UsageError(f"{text!r} is the beginning of more than one {names}: {_listing(found)}", hint="type more of it")


def _matches(database: Database, kind: Kind, text: str) -> list[Found]:
    """Return what a text may mean, a few more than are shown at most."""
    found = {item.id: item for item in _by_id(database, kind, text)}
    if kind is Kind.RUN:
        found |= {item.id: item for item in _run_by_name(database, text)}
    if kind is Kind.JOB and "/" in text:
        found |= {item.id: item for item in _job_by_path(database, text)}
    return list(found.values())


def _by_id(database: Database, kind: Kind, prefix: str) -> list[Found]:
    if not _HEX.fullmatch(prefix):
        return []
    # Ids are hex digits, so that "g" comes after whatever may follow the prefix.
    return _found(database, kind, "WHERE id >= ? AND id < ?", (prefix, f"{prefix}g"))


def _run_by_name(database: Database, text: str) -> list[Found]:
    if text == "last":
        return _found(database, Kind.RUN, "ORDER BY started DESC, id DESC LIMIT 1", ())
    exact = _found(database, Kind.RUN, "WHERE name = ?", (text,))
    return exact or _found(database, Kind.RUN, "WHERE substr(name, 1, ?) = ?", (len(text), text))


def _job_by_path(database: Database, text: str) -> list[Found]:
    run, _, path = text.partition("/")
    runs = _matches(database, Kind.RUN, run)
    jobs = [ids.job_id(item.id, f"/{path}") for item in runs]
    return [item for job in jobs for item in _found(database, Kind.JOB, "WHERE id = ?", (job,))]


def _found(database: Database, kind: Kind, condition: str, values: tuple[str | int, ...]) -> list[Found]:
    limit = "" if "LIMIT" in condition else f"LIMIT {_SHOWN + 1}"
    rows = database.query(f"SELECT id, {_LABELS[kind]} FROM {kind.value} {condition} {limit}", values)
    return [Found(kind, identity, label) for identity, label in rows]


def _listing(found: list[Found]) -> str:
    shown = [f"{item.kind.value} {item.id} ({item.label})" for item in found[:_SHOWN]]
    return ", ".join(shown) + (", ..." if len(found) > _SHOWN else "")
