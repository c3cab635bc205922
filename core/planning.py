"""What a run on several places would do: where each step would run, what would be moved, what the places answer.

The places are asked; nothing is submitted, and nothing is written down.
"""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Protocol, runtime_checkable

from ..connectors.base import Forecasting, Launch
from ..data_classes import dataclass
from ..errors import RecrateError
from .binding import LOCAL, Binding, Target
from .data import replica_of
from .flow import Origins, TaskFlow, flow_of, origins_of_outputs
from .model import Body, Task
from .places import Place
from .plan import ImageSpec, Request, Resources
from .sites import Sites
from .values import Value, Values, walk_references

PLAN_TOKEN = "plan"


@runtime_checkable
class Asked(Protocol):
    """What serves containers and can be asked for images beforehand."""

    async def absent(self, images: Iterable[ImageSpec]) -> list[str]:
        """Return the names of those images that are not on its place yet."""
        ...


@dataclass(frozen=True, slots=True)
class PlannedPlace:
    """A location that would be used, with what it answered."""

    deployment: str
    location: str
    answer: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step that carries something out, with where it may run and what the places say to that."""

    path: str
    kind: str
    targets: tuple[str, ...]
    answers: tuple[str, ...] = ()
    ok: bool = True
    lacking: tuple[str, ...] = ()
    """What its targets do not have of what it asks for, in a line each; some of it only makes it slower."""


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """Data that would be moved; `bytes` is None where only the run will tell."""

    what: str
    source: str
    target: str
    bytes: int | None = None


@dataclass(slots=True)
class Plan:
    """What a run would do."""

    places: list[PlannedPlace] = field(default_factory=list)
    steps: list[PlannedStep] = field(default_factory=list)
    moves: list[PlannedMove] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether each step has a place where it can run."""
        return all(step.ok for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a target says to a step: that it can run it, perhaps without all that it asks for, or why not."""

    text: str
    ok: bool = True
    lacks: bool = False


@dataclass(slots=True)
class Planner:
    """Makes the plan of a run of a body."""

    body: Body
    inputs: Values
    binding: Binding
    sites: Sites
    known: Mapping[str, Resources] = field(default_factory=dict)
    """By path of a step: what its jobs have asked for before, where what they ask for depends on their inputs."""
    _places: dict[str, list[Place] | RecrateError] = field(default_factory=dict)

    async def plan(self) -> Plan:
        """Ask the places, and return what would be done."""
        plan = Plan()
        tasks = flow_of(self.body)
        targets = {path: self.binding.for_step(path).targets for path in tasks}
        names = dict.fromkeys(target.deployment for found in targets.values() for target in found)
        await asyncio.gather(*(self._ask(name) for name in names))
        plan.places = [place for name in names for place in self._described(name)]
        for path, flow in tasks.items():
            plan.steps.append(await self._step(path, flow.task, targets[path]))
        plan.moves = list(dict.fromkeys(self._moves(tasks, targets)))
        return plan

    async def _ask(self, name: str) -> None:
        try:
            self._places[name] = (await self.sites.site(name)).places
        except RecrateError as error:
            self._places[name] = error

    def _described(self, name: str) -> Iterator[PlannedPlace]:
        found = self._places[name]
        if isinstance(found, RecrateError):
            yield PlannedPlace(name, "", found.render(), ok=False)
            return
        for place in found:
            facts, capacity = place.location.facts, place.scheduler.capacity
            known = (
                f"host {facts.hostname}" if facts.hostname else None,
                f"{facts.cores} cores" if facts.cores else None,
                f"{facts.memory} MiB" if facts.memory else None,
                f"{place.location.slots} jobs at a time" if place.location.slots else None,
                f"{capacity.disk} MiB free in {posixpath.dirname(place.workdir)}",
            )
            yield PlannedPlace(name, place.location.name, ", ".join(item for item in known if item))

    async def _step(self, path: str, task: Task, targets: tuple[Target, ...]) -> PlannedStep:
        shown = tuple(target.shown for target in targets)
        if task.code.kind != "command":
            return PlannedStep(path, task.code.kind, ("the controller",))
        given = [await self._answer(path, task, target) for target in targets]
        answers = [f"{target.shown}: {answer.text}" for target, answer in zip(targets, given, strict=True)]
        lacking = [line for line, answer in zip(answers, given, strict=True) if answer.lacks or not answer.ok]
        good = any(answer.ok for answer in given)
        return PlannedStep(path, task.code.kind, shown, tuple(answers), good, tuple(lacking))

    async def _answer(self, path: str, task: Task, target: Target) -> _Answer:
        found = self._places[target.deployment]
        if isinstance(found, RecrateError):
            return _Answer(found.problem, ok=False)
        try:
            place = (await self.sites.site(target.deployment)).of_service(target.service)[0]
        except RecrateError as error:
            return _Answer(error.problem, ok=False)
        try:
            request = task.code.request(self.inputs if path == "/" else {})
        except RecrateError as error:
            if path not in self.known:
                return _Answer(f"what it asks for depends on its inputs ({error.problem})")
            request = Request(self.known[path])
        try:
            fitting = place.scheduler.fit(request.resources)
            if fitting.overcommitted:
                wanted = request.resources.cores
                return _Answer(f"it has {fitting.cores:g} of the {wanted:g} cores that the job asks for", lacks=True)
            absent = await _absent(place, request)
            return _Answer(f"it has no image {absent}", ok=False) if absent else await _forecast(place, request)
        except RecrateError as error:
            return _Answer(error.problem, ok=False)

    # -- what would be moved ---------------------------------------------------------------------

    def _moves(self, tasks: Mapping[str, TaskFlow], targets: Mapping[str, tuple[Target, ...]]) -> Iterator[PlannedMove]:
        for path, flow in tasks.items():
            if flow.task.code.kind != "command":
                continue
            there = {target.deployment for target in targets[path]}
            for origin in _called(flow.inputs):
                yield from self._move(origin, path, there, targets)
        for origin in _called(origins_of_outputs(self.body)):
            yield from self._move(origin, None, {LOCAL}, targets)

    def _move(
        self, origin: str, path: str | None, there: set[str], targets: Mapping[str, tuple[Target, ...]]
    ) -> Iterator[PlannedMove]:
        purpose = "the output directory" if path is None else path
        if origin.startswith(":"):
            bound = self.binding.for_port(f"/{origin[1:]}")
            sources, size = {LOCAL if bound is None else bound.deployment}, _bytes(self.inputs.get(origin[1:]))
            if size is None:
                return
            what = f"input {origin[1:]} for {purpose}"
        else:
            sources, size = {target.deployment for target in targets.get(origin, ())} or {LOCAL}, None
            what = f"files of {origin} for {purpose}"
        for target in sorted(there):
            for source in sorted(sources - {target}):
                if self._storage(source) != self._storage(target):
                    yield PlannedMove(what, source, target, size)

    def _storage(self, deployment: str) -> str:
        """Return the storage of a deployment, as far as it answered."""
        if self.binding.deployment(deployment).kind == LOCAL:
            return ""
        found = self._places.get(deployment)
        return found[0].storage.name if isinstance(found, list) and found else deployment


async def _absent(place: Place, request: Request) -> str:
    """Return the name of the image that a place would need and lacks, as far as it can be asked."""
    if request.image is None or not request.image.required or not isinstance(place.containers, Asked):
        return ""
    return ", ".join(await place.containers.absent([request.image]))


async def _forecast(place: Place, request: Request) -> _Answer:
    """Ask a place when a job would start there, if it can say."""
    asked = request.resources
    launch = Launch(
        token=PLAN_TOKEN,
        name=PLAN_TOKEN,
        directory=place.workdir,
        script=f"{place.workdir}/script",
        time_limit=request.time_limit,
        cores=asked.cores if asked.cores_said else None,
        ram=asked.ram if asked.ram_said else None,
        gpus=asked.gpus or None,
    )
    ok, text = await answer_of(place, launch)
    return _Answer(text, ok)


async def answer_of(place: Place, launch: Launch) -> tuple[bool, str]:
    """Return whether a place can run an attempt, and what it says. Raises PlaceFailed when it gives no answer."""
    if not isinstance(place.connector, Forecasting):
        return True, "it can run there"
    forecast = await place.connector.forecast(place.location.name, launch)
    if forecast.refusal is not None:
        return False, forecast.refusal
    if forecast.start is None:
        return True, "it can run there; the queue does not say when"
    seconds = max(0.0, forecast.start - time.time())
    return True, "it would start at once" if seconds < 1 else f"it would start in about {seconds:.0f} s"


def _called(origins: Origins) -> list[str]:
    """Return the names of where values come from: paths of tasks; inputs are called `:name`."""
    return sorted({origin.task or f":{origin.port}" for found in origins.values() for origin in found})


def _bytes(value: Value) -> int | None:
    """Return the size of the files in a value; None when it has none, or when it is not known."""
    files = [item for item in walk_references(value) if item.get("location") is not None]
    return sum(item.get("size") or 0 for item in files) if files and all(map(replica_of, files)) else None
