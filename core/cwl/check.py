"""Static checks of a loaded document: what only the whole can tell, before anything runs.

Links lead somewhere and their types can fit, steps do not wait for one another in a circle,
scatter and loops are possible, expressions can be parsed, and the requirements that a feature
needs are there. Each process is looked at once for each set of features that hold around it, so
that the time is linear in the size of a workflow, however often its parts are used.
"""

from __future__ import annotations

from collections.abc import Iterator

from .check_steps import FEATURES, check_workflow
from .problems import Problem, Severity, in_order, raise_first
from .process import LoadedDocument, Process, ProcessBase, Workflow, WorkflowStep
from .syntax import JAVASCRIPT, syntax_problems

__all__ = ["Problem", "Severity", "check", "require_valid"]

Features = frozenset[str]
"""The names of those requirements and hints that hold, of the ones that allow a feature."""


def require_valid(document: LoadedDocument) -> None:
    """Refuse a document with problems. Raises DocumentInvalid with the first, and how many more there are."""
    raise_first(check(document))


def check(document: LoadedDocument, *, warnings: bool = False) -> list[Problem]:
    """Return what is wrong with a document and all that it runs; with `warnings`, also what is odd."""
    if document.valid and not warnings:
        return []
    found = in_order(_problems(document.process))
    return found if warnings else [one for one in found if one.severity is not Severity.WARNING]


def _problems(root: Process) -> Iterator[Problem]:
    start = _with(frozenset(), root)
    pending: list[tuple[Process, Features]] = [(root, start)]
    seen: set[tuple[int, Features]] = {(id(root), start)}
    while pending:
        process, features = pending.pop()
        yield from syntax_problems(process, javascript=JAVASCRIPT in features)
        if not isinstance(process, Workflow):
            continue
        around = {step.name: _with(features, step) for step in process.steps}
        yield from check_workflow(process, features, around)
        for step in reversed(process.steps):
            inner = (step.run, _with(around[step.name], step.run))
            key = (id(step.run), inner[1])
            if key not in seen:
                seen.add(key)
                pending.append(inner)


def _with(features: Features, holder: ProcessBase | WorkflowStep) -> Features:
    named = [name for name in (*holder.requirements, *holder.hints) if name in FEATURES]
    return features.union(named) if named else features
