"""Rules of our own vocabulary, and of the terms of Schema.org that we say with it where a run took place.

They hold for crates that define our vocabulary, as our exports do (docs/validation.md has the list).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..export.lines import OWN
from ..export.vocabulary import FIGURES, PROPERTIES
from ..graph import Entity
from ..read import Crate
from ..safety import shown
from .report import Issue, Severity
from .run_rules import ACTIONS

_WHOLE = re.compile(r"-?\d+")
_LEAST = {"attemptNumber": 1, "signal": 1, "exitCode": 0}
"""By name of a property that is a whole number: the least that it can be."""
_PLACES = ("location", "fromLocation", "toLocation")


def check_vocabulary(crate: Crate) -> Iterator[Issue]:
    """Yield what is wrong with how a crate uses our vocabulary; nothing when it does not define it."""
    if not any(name.startswith(OWN) for name in crate.entities):
        return
    for entity in crate.entities.values():
        yield from _check_terms(crate, entity)
        yield from _check_numbers(entity)
        yield from _check_places(crate, entity)
        yield from _check_figures(crate, entity)


def _wrong(entity: Entity, prop: str, rule: str, message: str) -> Issue:
    return Issue(Severity.REQUIRED, entity.id, prop, f"recrate:{rule}", message)


def _check_terms(crate: Crate, entity: Entity) -> Iterator[Issue]:
    """Each term that is used is defined in the crate, and the properties are those of actions."""
    for name in PROPERTIES.keys() & entity.properties.keys():
        if f"{OWN}{name}" not in crate.entities:
            yield _wrong(entity, name, "undefined-term", f"{OWN}{name} is not defined in the crate")
        if not entity.is_a(*ACTIONS):
            yield _wrong(entity, name, "term-domain", f"{name} is said of actions, not of {' and '.join(entity.types)}")


def _check_numbers(entity: Entity) -> Iterator[Issue]:
    for name, least in _LEAST.items():
        for value in entity.all(name):
            if not _WHOLE.fullmatch(str(value)) or int(str(value)) < least:
                message = f"{shown(str(value))!r} is no whole number from {least}"
                yield _wrong(entity, name, "whole-number", message)


def _check_places(crate: Crate, entity: Entity) -> Iterator[Issue]:
    """Transfers go from a place to a place, and actions take place somewhere."""
    if entity.is_a("TransferAction"):
        for name in ("fromLocation", "toLocation"):
            if not entity.refs(name):
                yield _wrong(entity, name, "transfer", f"a transfer has a {name}")
    if not entity.is_a("TransferAction", *ACTIONS):
        return
    for name in _PLACES:
        for ref in entity.refs(name):
            place = crate.entity(ref)
            if place is None or not place.is_a("Place"):
                yield _wrong(entity, name, "place", f"{shown(ref)} is no Place of the crate")


def _check_figures(crate: Crate, entity: Entity) -> Iterator[Issue]:
    """What was used and asked for are figures: values with a meaning and a unit."""
    for name in ("resourceUsage", "resourceRequest"):
        for ref in entity.refs(name):
            figure = crate.entity(ref)
            meaning = figure.text("propertyID") or "" if figure is not None else ""
            if figure is None or not figure.is_a("PropertyValue") or figure.text("value") is None:
                yield _wrong(entity, name, "figure", f"{shown(ref)} is no PropertyValue with a value")
            elif meaning.startswith(OWN) and meaning.removeprefix(OWN) not in FIGURES:
                yield _wrong(figure, "propertyID", "figure-meaning", f"{shown(meaning)} is not in our vocabulary")
            elif meaning.startswith(OWN) and figure.text("unitCode") is None:
                yield _wrong(figure, "unitCode", "figure-unit", "the figure has no unit")
