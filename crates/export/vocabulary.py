"""The few terms that no published vocabulary has: where they are used, each crate brings their definitions along.

Their IRIs follow the convention of RO-Crate for terms of projects (RO-Crate 1.1, "Extending RO-Crate").
"""

from __future__ import annotations

from collections.abc import Mapping

from .jsonld import Entity, entity
from .lines import OWN, TERMS

PROPERTIES: Mapping[str, str] = {
    "jobPath": "Path of the job that an action carried out: names of steps with the indices of scatters and loops.",
    "attemptNumber": "Which attempt of its job an action was, counted from 1.",
    "attemptReason": "Why an attempt was made that was not the first one of its job.",
    "signal": "Number of the signal that ended the command of an action.",
    "nativeId": "How the place calls an action that it carried out: a process id, the id of a queue's job.",
    "cachedFrom": "Id of the attempt, perhaps of another run, whose results were taken instead of acting.",
    "metric": "A number that an action recorded of itself, such as the accuracy of a model: its last value.",
    "resourceRequest": "What an action asked its place for: cores, memory, time.",
}
"""By name of a property of ours: what it means."""
FIGURES: Mapping[str, str] = {
    "cpuTime": "User and system time of all processes of an action.",
    "peakMemory": "Largest resident memory of an action.",
    "bytesRead": "Bytes that an action read from files.",
    "bytesWritten": "Bytes that an action wrote to files.",
    "cores": "Processor cores that an action asked for.",
    "memory": "Memory that an action asked for.",
    "gpus": "GPUs that an action asked for.",
    "wallTime": "Time that an action was allowed to take.",
}
"""By the end of a `propertyID`: what the value is."""
_EXIT_CODE = "exitCode"


def own_terms() -> dict[str, str]:
    """Return the IRIs of the properties that the contexts of RO-Crate lack, by name."""
    return {**{name: f"{OWN}{name}" for name in PROPERTIES}, _EXIT_CODE: f"{TERMS}/sapporo#{_EXIT_CODE}"}


def property_id(figure: str) -> str:
    """Return the `propertyID` of a figure."""
    return f"{OWN}{figure}"


def definitions() -> list[Entity]:
    """Return the entities that define our terms."""
    meanings = {**PROPERTIES, **FIGURES}
    return [_definition(name, meaning) for name, meaning in meanings.items()]


def _definition(name: str, meaning: str) -> Entity:
    labels = {"rdfs:label": name, "rdfs:comment": meaning}
    return entity(f"{OWN}{name}", ["rdf:Property", "DefinedTerm"], name=name, description=meaning, **labels)
