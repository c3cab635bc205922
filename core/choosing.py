"""Which places a job may get, and which of them it gets: bindings, filters and policies as pure functions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from ..data_classes import dataclass
from ..errors import InputInvalid, PlaceFailed
from .binding import Filter, MatchRule, StepBinding, Target
from .places import Place
from .plan import Resources
from .scheduling import Allocation
from .values import Value, Values, is_reference


@dataclass(frozen=True, slots=True)
class Option:
    """A place that a job could get, by the target that leads there."""

    place: Place
    target: Target
    order: int
    """Of its target among those of the binding."""
    allocation: Allocation


def targets_for(
    bound: StepBinding, filters: Mapping[str, Filter], inputs: Values, shuffle: Callable[[list[Target]], None]
) -> list[Target]:
    """Return the targets of a job, in order, after all filters of its binding.

    Raises InputInvalid when a filter compares what cannot be compared, or leaves none.
    """
    targets = list(bound.targets)
    for name in bound.filters:
        chosen = filters[name]
        if chosen.kind == "shuffle":
            shuffle(targets)
        else:
            targets = [target for target in targets if _stays(target, chosen.rules, inputs)]
        if not targets:
            raise InputInvalid(f"the filter {name!r} leaves no target for a job of {bound.step}")
    return targets


def shuffled(targets: list[Target]) -> None:
    """Put targets in an order of chance."""
    random.shuffle(targets)


def _stays(target: Target, rules: Sequence[MatchRule], inputs: Values) -> bool:
    return any(
        rule.deployment == target.deployment
        and rule.service in (None, target.service)
        and all(_text_of(port, inputs.get(port)) == match for port, match in rule.ports.items())
        for rule in rules
    )


def _text_of(port: str, value: Value) -> str:
    if is_reference(value) or isinstance(value, (list, dict)):
        raise InputInvalid(f"a filter compares the input {port!r} with a text, but it is no plain value")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def options_of(found: Sequence[tuple[int, Target, Sequence[Place]]], asked: Resources) -> list[Option]:
    """Return the places that can give what a job asks for.

    Raises PlaceFailed when none can ever, and says what each lacks.
    """
    options: list[Option] = []
    reasons: dict[str, None] = {}
    for order, target, places in found:
        for place in places:
            try:
                options.append(Option(place, target, order, place.scheduler.fit(asked)))
            except PlaceFailed as error:
                reasons[f"{place.location.name}: {error.problem}"] = None
        if len(places) < target.locations:
            reasons[f"{target.shown}: it has {len(places)} locations, {target.locations} are asked for"] = None
            options = [option for option in options if option.order != order]
    if not options:
        raise PlaceFailed(
            f"no place can ever carry this job out: {'; '.join(reasons)}",
            hint="lower its ResourceRequirement, or bind its step to a larger place",
        )
    return options


def ranked(options: Sequence[Option], cost: Callable[[Place], int]) -> list[Option]:
    """Return options, the best first: room at once, fewest bytes to be moved, least load, order of the targets."""
    return sorted(
        options,
        key=lambda option: (
            not option.place.ahead.has_room(option.allocation),
            cost(option.place),
            option.place.scheduler.load + option.place.ahead.load,
            option.order,
        ),
    )
