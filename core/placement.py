"""Placement: which job gets which place, when its step is bound to some."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import field

from ..data_classes import dataclass
from ..errors import PlaceFailed, PlaceSilent, RecrateError
from ..provenance.rows import LocationRow
from . import sites
from .binding import Binding, StepBinding, Target
from .choosing import Option, options_of, ranked, shuffled, targets_for
from .data import DataManager
from .machine.paths import plain_path
from .places import ContainerService, Place
from .plan import Request
from .records import Job
from .scheduling import UNLIMITED, Allocation
from .seats import Seat, acquire_all, waiting_for_room
from .sites import Sites, answers, patiently
from .values import Values

PATIENCE_SECONDS = 600.0
"""A job waits so long for a place that does not answer, when it can have no other."""


@dataclass(slots=True)
class Placement:
    """Gives jobs their places, by the binding of their steps. See `seats.Seating`."""

    binding: Binding
    sites: Sites
    data: DataManager
    warn: Callable[[str], None]
    """Tells people of something in one line."""
    shuffle: Callable[[list[Target]], None] = shuffled
    _down: dict[str, tuple[str, RecrateError]] = field(default_factory=dict)
    """By id of a location: its name, and why it could not do its part when it was asked last."""
    _refusals: dict[str, dict[str, RecrateError]] = field(default_factory=dict)
    """By path of a job: the places that will never carry it out, by id, and what they said."""
    _warned: set[str] = field(default_factory=set)
    _containers: dict[tuple[str, str], ContainerService] = field(default_factory=dict)
    """By id of a location and engine."""

    def bound(self, job: Job) -> StepBinding:
        """Return the binding of a job's step."""
        return self.binding.for_step(plain_path(job.path))

    def most_memory(self, job: Job) -> int:
        """Return the memory of the largest place that a job may get, in MiB."""
        made = self.sites.made
        names = {target.deployment for target in self.bound(job).targets}
        found = [place.scheduler.capacity.ram for name in names & made.keys() for place in made[name].places]
        return max(found, default=UNLIMITED)

    async def seat(self, job: Job, request: Request, inputs: Values) -> Seat:
        """Return a seat once there is room to make the job ready.

        Raises PlaceFailed, Unsupported, UsageError or InputInvalid when no place can ever carry the job out.
        """
        targets = targets_for(self.bound(job), self.binding.filters, inputs, self.shuffle)
        options = options_of(await self._places(targets), request.resources)
        options = self._not_refused(job, options)
        options = await self._answering(options)
        if options[0].target.locations > 1:
            return await self._several(job, options)
        order = ranked(options, lambda place: self.data.cost(inputs, place.storage)) if len(options) > 1 else options
        chosen = await self._first(order)
        return self._seat(job, chosen.place, chosen.allocation, await self._workdir(chosen))

    def _seat(self, job: Job, place: Place, allocation: Allocation, workdir: str, others: Sequence[Place] = ()) -> Seat:
        """Return a seat, with what serves the containers of the job's step."""
        served = self.binding.docker_for(plain_path(job.path))
        if served is None:
            return Seat(place, allocation, workdir, others)
        if served.kind == "none":
            return Seat(place, allocation, workdir, others, ignores_images=True)
        key = (place.row.id, served.kind)
        if key not in self._containers:
            self._containers[key] = self.sites.containers(place.connector, place.location.name, served.kind)
        return Seat(place, allocation, workdir, others, self._containers[key])

    def again(self, job: Job, place: Place, allocation: Allocation) -> Seat:
        """Return the seat of an attempt that an earlier controller began."""
        return self._seat(job, place, allocation, place.workdir)

    async def _places(self, targets: Sequence[Target]) -> list[tuple[int, Target, Sequence[Place]]]:
        """Return the places of targets; a target whose deployment cannot be made is passed over while there are others.

        When there is none, those that gave no answer are asked again until patience is at an end.
        Raises the error of the first then.
        """
        deadline, wait = time.monotonic() + sites.PATIENCE_SECONDS, sites.FIRST_WAIT
        while True:
            found, errors = await self._made(targets)
            if found:
                return found
            is_hopeless = not any(isinstance(error, PlaceSilent) for error in errors)
            if is_hopeless or time.monotonic() + wait > deadline:
                raise errors[0]
            await asyncio.sleep(wait)
            wait = min(2 * wait, sites.LONGEST_WAIT)

    async def _made(
        self, targets: Sequence[Target]
    ) -> tuple[list[tuple[int, Target, Sequence[Place]]], list[RecrateError]]:
        """Return the places of those targets whose deployments could be made, and the errors of the others."""
        made = await asyncio.gather(*(self.sites.site(target.deployment) for target in targets), return_exceptions=True)
        found: list[tuple[int, Target, Sequence[Place]]] = []
        errors: list[RecrateError] = []
        for order, (target, site) in enumerate(zip(targets, made, strict=True)):
            if isinstance(site, RecrateError):
                errors.append(site)
                self._warn(f"{target.shown} cannot be used: {site.render()}")
            elif isinstance(site, BaseException):
                raise site
            else:
                found.append((order, target, site.of_service(target.service)))
        return found, errors

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self.warn(text)

    # -- places that do not answer -------------------------------------------------------------

    def failed(self, place: Place, error: RecrateError) -> None:
        """Take note that a place could not do its part: it is asked before it gets another job."""
        self._down[place.row.id] = (place.location.name, error)
        self._warn(f"{place.location.name} could not do its part: {error.render()}")

    def refused(self, job: Job, place: Place, error: RecrateError) -> bool:
        """Take note that a place will never carry a job out; tell whether another one may."""
        said = self._refusals.setdefault(job.path, {})
        said[place.row.id] = error
        made = self.sites.made
        targets = [target for target in self.bound(job).targets if target.deployment in made]
        places = [place for target in targets for place in made[target.deployment].of_service(target.service)]
        return any(place.row.id not in said for place in places)

    def _not_refused(self, job: Job, options: list[Option]) -> list[Option]:
        """Return those options whose places have not refused a job. Raises the first refusal when all have."""
        said = self._refusals.get(job.path, {})
        left = [option for option in options if option.place.row.id not in said]
        if not left:
            raise next(iter(said.values()))
        return left

    async def answers(self, place: Place) -> bool:
        """Tell whether a place that could not do its part answers; takes its time before it says no."""
        if await answers(place.connector, place.location.name):
            return True
        self.data.replicas.lose(place.storage.name)
        return False

    def diagnosis(self) -> list[str]:
        """Return what jobs wait for that have no place yet, in a line each."""
        down = [f"{location} does not answer: {error.render()}" for location, error in self._down.values()]
        return [*down, *self.sites.diagnosis(), *waiting_for_room(self.places)]

    async def _answering(self, options: list[Option]) -> list[Option]:
        """Return those options whose places answer. Raises PlaceFailed when none does, after patience."""
        up = [option for option in options if option.place.row.id not in self._down]
        if up:
            return up
        for patience in (0.0, PATIENCE_SECONDS):
            up = [option for option in options if await self._is_up(option.place, patience)]
            if up:
                return up
        raise PlaceFailed(f"{options[0].place.location.name} does not answer", hint="see whether it can be reached")

    async def _is_up(self, place: Place, patience: float) -> bool:
        if not await answers(place.connector, place.location.name, patience):
            self.data.replicas.lose(place.storage.name)
            return False
        self._down.pop(place.row.id, None)
        self.data.replicas.find_again(place.storage.name)
        return True

    # -- room ----------------------------------------------------------------------------------

    async def _first(self, order: Sequence[Option]) -> Option:
        """Return the first option that has room, the best one when several have it."""
        best = order[0]
        if len(order) == 1 or best.place.ahead.has_room(best.allocation):
            await best.place.ahead.acquire(best.allocation)
            return best
        waiting = {asyncio.ensure_future(one.place.ahead.acquire(one.allocation)): one for one in order}
        kept: Option | None = None
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            kept = next(one for task, one in waiting.items() if task in done)
            return kept
        finally:
            for task, one in waiting.items():
                if task.done() and one is not kept:
                    one.place.ahead.release(one.allocation)
                task.cancel()

    async def _several(self, job: Job, options: Sequence[Option]) -> Seat:
        """Return several places of the first target at once, those that have the least to do."""
        order = min(option.order for option in options)
        own = sorted(
            (option for option in options if option.order == order), key=lambda option: option.place.scheduler.load
        )
        first = own[0]
        if len(own) < first.target.locations:
            raise PlaceFailed(
                f"{first.target.shown}: {len(own)} locations answer, {first.target.locations} are asked for"
            )
        places = [option.place for option in own[: first.target.locations]]
        seat = self._seat(job, first.place, first.allocation, await self._workdir(first), tuple(places[1:]))
        await acquire_all([place.ahead for place in seat.places], first.allocation)
        return seat

    async def _workdir(self, option: Option) -> str:
        place, wanted = option.place, option.target.workdir
        if wanted is None:
            return place.workdir
        return await self.sites.run_directory_at(place, wanted)

    def leave(self, seat: Seat) -> None:
        """Give a seat back."""
        for place in seat.places:
            place.ahead.release(seat.allocation)

    async def at(self, row: LocationRow) -> Place | None:
        """Return the place that an earlier controller has put on record; None when it does not answer any more.

        Raises UsageError when the binding has it no more.
        """
        try:
            return await patiently(lambda: self.sites.place_on_record(row))
        except PlaceFailed as error:
            self._warn(f"jobs on {row.name} are taken to be lost: {error.render()}")
            return None

    @property
    def places(self) -> Sequence[Place]:
        """The places that are in use."""
        made = [place for site in self.sites.made.values() for place in site.places]
        return [self.sites.here, *(place for place in made if place.connector is not self.sites.here.connector)]

    async def close(self) -> None:
        """Undo what was deployed; jobs are over by then."""
        for problem in await self.sites.close():
            self._warn(problem.render())
