"""Where the time of a controller goes: what a profiler counted for each function, put together by phase.

A function of Recrate belongs to the phase of its module. What others do on its behalf (the standard library,
libraries, built-in functions) counts as its own, by how much of the time they took when it called them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from types import CodeType
from typing import Any, TypeVar

from ..data_classes import dataclass

T = TypeVar("T")

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

IMPORTS = "starting, importing modules"
WAITING = "waiting for jobs and the disk"
LOOP = "event loop"
THREADS = "beside it: the store's writer, other threads"
REST = "other"

PHASES: Sequence[tuple[str, Sequence[str]]] = (
    ("evaluating expressions", ("core.cwl.javascript", "core.cwl.expression", "core.cwl.parameters")),
    ("collecting and hashing outputs", ("core.cwl.outputs", "core.cwl.work_files", "core.cwl.secondary", "hashing")),
    (
        "planning commands",
        (
            "core.cwl.command_line",
            "core.cwl.task",
            "core.cwl.staging",
            "core.cwl.initial_workdir",
            "core.cwl.environment",
            "core.cwl.requirement",
            "core.cwl.inputs",
            "core.layout",
            "core.plan",
        ),
    ),
    ("reading and checking documents", ("core.cwl", "core.foresight")),
    ("deciding what follows", ("core.machine", "core.engine", "core.board", "core.links", "core.firing")),
    ("results of other runs", ("core.reuse",)),
    (
        "looking after data",
        (
            "core.contents",
            "core.copying",
            "core.data",
            "core.journeys",
            "core.publish",
            "core.recovery",
            "core.replicas",
            "core.restoring",
            "core.streams",
            "core.transport",
            "core.uris",
        ),
    ),
    ("writing down", ("core.ledger", "core.records", "core.values", "core.story", "provenance", "redaction")),
    (
        "starting and watching jobs",
        (
            "core.attempts",
            "core.backoff",
            "core.choosing",
            "core.placement",
            "core.places",
            "core.preparing",
            "core.reaching",
            "core.scheduling",
            "core.seats",
            "core.sites",
            "connectors",
        ),
    ),
    ("showing progress", ("cli", "core.observer")),
    (REST, ("",)),
)
"""Phases by the modules that they consist of; of several that fit, the first one counts."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a phase took, in seconds, and how often functions of its modules were called."""

    phase: str
    seconds: float
    calls: int = 0


def profiled(function: Callable[[], T], age: float) -> tuple[T, list[Spent]]:
    """Call a function; return its result, and where the time of this thread went, the largest first.

    `age` says for how many seconds this process has been there: those before count as its start.
    """
    import cProfile

    others = time.process_time() - time.thread_time()
    profile = cProfile.Profile()
    result = profile.runcall(function)
    spent = by_phase(profile.getstats())
    others = time.process_time() - time.thread_time() - others
    spent[IMPORTS] = Spent(IMPORTS, spent.get(IMPORTS, Spent(IMPORTS, 0.0)).seconds + age)
    rows = sorted(spent.values(), key=lambda one: -one.seconds)
    return result, [*rows, Spent(THREADS, others)]


def by_phase(entries: Iterable[Any]) -> dict[str, Spent]:
    """Put together the entries of a profiler (`cProfile.Profile.getstats`) by phase."""
    entries = list(entries)
    shares = _shares(entries)
    spent: dict[str, Spent] = {}
    for entry in entries:
        for phase, share in shares[entry.code].items():
            before = spent.get(phase, Spent(phase, 0.0))
            calls = entry.callcount if phase_of(entry.code) == phase else 0
            spent[phase] = Spent(phase, before.seconds + entry.inlinetime * share, before.calls + calls)
    return spent


def phase_of(code: CodeType | str) -> str | None:
    """Return the phase that a function belongs to by itself; None for one that works for its callers."""
    if isinstance(code, str):
        return WAITING if "poll" in code and "select" in code else None
    if code.co_name == "<module>" or code.co_filename.startswith("<frozen importlib"):
        return IMPORTS
    if code.co_filename.startswith(PACKAGE + os.sep):
        module = code.co_filename[len(PACKAGE) + 1 :].removesuffix(".py").replace(os.sep, ".")
        return next(phase for phase, names in PHASES if module.startswith(tuple(names)))
    return LOOP if f"{os.sep}asyncio{os.sep}" in code.co_filename else None


ROUNDS = 12
"""How deep a chain of calls within libraries is followed."""


def _shares(entries: Sequence[Any]) -> dict[Any, dict[str, float]]:
    """Return by function which part of its time belongs to which phase."""
    callers: dict[Any, list[tuple[Any, float]]] = {entry.code: [] for entry in entries}
    for entry in entries:
        for call in entry.calls or ():
            if call.code in callers:
                callers[call.code].append((entry.code, call.totaltime))
    own = {code: phase_of(code) for code in callers}
    shares: dict[Any, dict[str, float]] = {code: {phase or REST: 1.0} for code, phase in own.items()}
    helpers = [code for code, phase in own.items() if phase is None and sum(time for _, time in callers[code]) > 0]
    for _ in range(ROUNDS):
        shares.update({code: _mixed(callers[code], shares) for code in helpers})
    return shares


def _mixed(callers: Sequence[tuple[Any, float]], shares: dict[Any, dict[str, float]]) -> dict[str, float]:
    total = sum(seconds for _, seconds in callers)
    mixed: dict[str, float] = {}
    for caller, seconds in callers:
        for phase, share in shares[caller].items():
            mixed[phase] = mixed.get(phase, 0.0) + share * seconds / total
    return mixed
