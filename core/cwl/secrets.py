"""Which inputs of a process are secret: those named by `cwltool:Secrets`, and those that feed them."""

from __future__ import annotations

from collections.abc import Iterator

from ..values import Value, Values
from .process import Process, Workflow

REQUIREMENT = "cwltool:Secrets"


def secret_inputs(process: Process) -> frozenset[str]:
    """Return the names of the inputs whose values must never be written down."""
    named = _named(process)
    if isinstance(process, Workflow):
        for step in process.steps:
            inner = secret_inputs(step.run) | _named(step)
            for item in step.inputs:
                if item.name in inner:
                    named |= {source for source in item.link.sources if "/" not in source}
    return frozenset(named)


def _named(holder: object) -> set[str]:
    found: set[str] = set()
    for group in ("requirements", "hints"):
        secrets = getattr(holder, group, {}).get(REQUIREMENT)
        if secrets is not None:
            found |= {str(name).rpartition("#")[2].rpartition("/")[2] for name in secrets.get("secrets", ())}
    return found


def secret_texts(process: Process, values: Values, more: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the texts in the secret inputs among these values; `more` names others that are secret."""
    return frozenset(text for name in secret_inputs(process) | more for text in _texts(values.get(name)))


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
