"""Where the steps of a run are to run now: by a binding, and by what their old places are called in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ..core.binding import LOCAL, Binding, StepBinding, Target, deepest
from ..core.cwl.problems import did_you_mean
from ..crates.foreign.things import UNKNOWN
from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance.belonging import IMPORTED
from ..provenance.queries import StepPlace

MOST_NAMED = 3
Ask = Callable[[str], str]
"""Asks whoever is at the terminal a question, and returns the answer, which may be empty."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A binding for a run that is carried out again.

    Attributes:
        binding: where each step runs.
        unnamed: a line for each place that steps ran on and that is called nothing now: they run on this machine.
    """

    binding: Binding
    unnamed: Sequence[str] = ()


def parsed_maps(maps: Iterable[str], binding: Binding) -> list[tuple[str, Target]]:
    """Return what old places are called now, each written `OLD=DEPLOYMENT` or `OLD=DEPLOYMENT/SERVICE`.

    Raises UsageError.
    """
    found = []
    for text in maps:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise UsageError(f"{text!r} does not say which place is which", hint="write --map OLD=NEW")
        found.append((old, _target(new, binding)))
    return found


def _target(text: str, binding: Binding) -> Target:
    deployment, _, service = text.partition("/")
    if deployment != LOCAL and deployment not in binding.deployments:
        known = [*binding.deployments, LOCAL]
        hint = did_you_mean(deployment, known) or f"the binding has: {', '.join(known)}"
        raise UsageError(f"the binding has no deployment {deployment!r}", hint=hint)
    return Target(deployment, service or None)


def placed(
    binding: Binding, inputs: Iterable[str], places: Sequence[StepPlace], maps: Sequence[str], ask: Ask | None = None
) -> Placed:
    """Return where the steps of a run are to run now.

    In this order: where `maps` say; where the binding has the step; on the deployment that is called as the one
    that it ran on; where `ask` is answered; else on this machine.

    Args:
        binding: of a binding file, or that of the run itself.
        inputs: names of the inputs of the workflow: what a binding says of where their files lie is about others.
        places: where the steps ran.
        maps: what these are called now, see `parsed_maps`. An old name is that of a deployment, of a location,
            or of both with `/` between them; or of a deployment and a service.
        ask: asks about the rest.

    Raises:
        UsageError: a name is not known.
    """
    names = dict(parsed_maps(maps, binding))
    _require_used(names, places)
    steps: dict[str, dict[Target, None]] = {}
    unnamed: dict[str, list[str]] = {}
    for place in places:
        target = next((names[old] for old in _names(place) if old in names), None)
        if target is not None:
            steps.setdefault(place.step, {})[target] = None
        elif deepest(place.step, binding.steps, lambda item: item.step) is None and not is_here(place):
            if place.deployment in binding.deployments:
                steps.setdefault(place.step, {})[Target(place.deployment)] = None
            else:
                unnamed.setdefault(_called(place), []).append(place.step)
    lines = []
    for old, paths in unnamed.items():
        target = _asked(old, paths, binding, ask)
        if target is None:
            lines.append(f"{_listed(paths)} ran on {old!r}, which is named nowhere now: to run on this machine")
        for path in paths if target is not None else ():
            steps.setdefault(path, {})[target or Target(LOCAL)] = None
    own = {f"/{name}" for name in inputs}
    return Placed(
        replace(
            binding,
            steps=(*binding.steps, *(StepBinding(path, tuple(targets)) for path, targets in steps.items())),
            ports=tuple(port for port in binding.ports if port.port not in own),
        ),
        lines,
    )


def _names(place: StepPlace) -> list[str]:
    """Return what a place may be called, the most certain first."""
    within = [place.location, *([] if place.service is None else [place.service])]
    return [*(f"{place.deployment}/{name}" for name in within), place.location, place.deployment]


def _called(place: StepPlace) -> str:
    """Return what a place is called: in crates of others, locations alone have names."""
    return place.location if place.kind == UNKNOWN else place.deployment


def is_here(place: StepPlace) -> bool:
    """Tell whether a place was the machine of the controller, or is not told."""
    return place.kind in (LOCAL, IMPORTED) or place.location == UNKNOWN


def _require_used(names: Mapping[str, Target], places: Sequence[StepPlace]) -> None:
    known = dict.fromkeys(name for place in places for name in reversed(_names(place)))
    for old in names:
        if old not in known:
            hint = did_you_mean(old, known) or f"they ran on: {', '.join(known) or 'no place that is on record'}"
            raise UsageError(f"no step of the run ran on {old!r}", hint=hint)


def _asked(old: str, paths: Sequence[str], binding: Binding, ask: Ask | None) -> Target | None:
    """Return what an old place is called now, when somebody says so. Raises UsageError for a wrong answer."""
    if ask is None:
        return None
    known = ", ".join([*binding.deployments, LOCAL])
    answer = ask(f"{_listed(paths)} ran on {old!r}; where now ({known})?").strip()
    return _target(answer, binding) if answer else None


def _listed(paths: Sequence[str]) -> str:
    """Return the paths of some steps in a few words."""
    several = list(dict.fromkeys(paths))
    more = f" and {len(several) - MOST_NAMED} more" if len(several) > MOST_NAMED else ""
    return f"step{'s' if len(several) > 1 else ''} {', '.join(several[:MOST_NAMED])}{more}"
