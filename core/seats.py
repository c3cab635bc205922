"""Seats: what a job is given on a place, or on several at once, from its choice to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..data_classes import dataclass
from ..errors import PlaceFailed, RecrateError, Unsupported
from ..provenance.rows import LocationRow
from .places import Container, ContainerService, Place
from .plan import Request
from .records import Job
from .scheduling import Allocation, Scheduler
from .values import Values


@dataclass(frozen=True, slots=True)
class Seat:
    """A place that a job got, and what it is given there; its command runs on that place.

    `others` are further places that it has for itself at the same time.
    """

    place: Place
    allocation: Allocation
    workdir: str
    """Directory on the place below which the attempt gets one of its own."""
    others: Sequence[Place] = ()
    containers: ContainerService | None = None
    """Serves the containers of the job; None: as its place does."""
    ignores_images: bool = False
    """True: the job runs outside of a container, whatever it asks for."""

    async def container_for(self, request: Request) -> Container | None:
        """Return the container that the job runs in; None when it runs outside of one.

        Raises Unsupported when a container is required and there is no engine.
        """
        image, service = request.image, self.containers or self.place.containers
        if image is None or self.ignores_images:
            return None
        if service is None:
            if image.required:
                name = self.place.location.name
                raise Unsupported(f"a container is required (image {image.name!r}), but {name} runs none")
            return None
        return await service.ready(image)

    @property
    def places(self) -> list[Place]:
        """All places, in the order in which they must be asked for, so that no two jobs wait for each other."""
        if not self.others:
            return [self.place]
        return sorted((self.place, *self.others), key=_name_of)

    @property
    def hosts(self) -> list[str]:
        """The names of all its places, that where the command runs first."""
        return [place.location.name for place in (self.place, *self.others)]

    def turn(self, token: str) -> AnyTurn:
        """Return the turn of an attempt to run there, which is to be begun."""
        if self.place.gate is None and not self.others:
            return self.place.scheduler.turn(token, self.allocation)
        return JointTurn(self._schedulers, self.allocation)

    def take(self) -> None:
        """Note that the job runs already."""
        for scheduler in self._schedulers:
            scheduler.take(self.allocation)

    def release(self) -> None:
        """Give back what the job held while it ran."""
        for scheduler in self._schedulers:
            scheduler.release(self.allocation)

    @property
    def _schedulers(self) -> list[Scheduler]:
        gate = [self.place.gate] if self.place.gate is not None else []
        return [*gate, *(place.scheduler for place in self.places)]


class AnyTurn(Protocol):
    """What an attempt holds while it runs: see `scheduling.Turn`."""

    async def begin(self, *, may_follow: bool) -> str | None:
        """Return once the attempt may run; with `may_follow` earlier, with the token of the one that it follows."""
        ...

    def running(self) -> None:
        """Note that the attempt runs."""
        ...

    def end(self) -> None:
        """Give back what the attempt holds. Doing it again changes nothing."""
        ...


@dataclass(slots=True)
class JointTurn:
    """A turn on several schedulers at once, in their order; no attempt follows on another there."""

    schedulers: Sequence[Scheduler]
    allocation: Allocation
    is_held: bool = False

    async def begin(self, *, may_follow: bool) -> str | None:
        """Return once there is room on all."""
        await acquire_all(self.schedulers, self.allocation)
        self.is_held = True
        return None

    def running(self) -> None:
        """Do nothing: nobody follows."""

    def end(self) -> None:
        """Give everything back."""
        if self.is_held:
            self.is_held = False
            for scheduler in self.schedulers:
                scheduler.release(self.allocation)


async def acquire_all(schedulers: Sequence[Scheduler], allocation: Allocation) -> None:
    """Acquire the same of each of several schedulers, in their order, or of none."""
    held: list[Scheduler] = []
    try:
        for scheduler in schedulers:
            await scheduler.acquire(allocation)
            held.append(scheduler)
    except BaseException:
        for scheduler in held:
            scheduler.release(allocation)
        raise


class Seating(Protocol):
    """Chooses the places of jobs."""

    def most_memory(self, job: Job) -> int:
        """Return the memory of the largest place that a job may get, in MiB."""
        ...

    async def seat(self, job: Job, request: Request, inputs: Values) -> Seat:
        """Return a seat once there is room to make the job ready. Every seat needs its `leave`.

        Raises PlaceFailed or Unsupported when no place can ever carry the job out.
        """
        ...

    def leave(self, seat: Seat) -> None:
        """Give a seat back."""
        ...

    def again(self, job: Job, place: Place, allocation: Allocation) -> Seat:
        """Return the seat of an attempt that an earlier controller began; it has no `leave`."""
        ...

    def failed(self, place: Place, error: RecrateError) -> None:
        """Take note that a place could not do its part."""
        ...

    def refused(self, job: Job, place: Place, error: RecrateError) -> bool:
        """Take note that a place will never carry a job out; tell whether another one may."""
        ...

    async def answers(self, place: Place) -> bool:
        """Tell whether a place that could not do its part answers; takes its time before it says no."""
        ...

    def diagnosis(self) -> list[str]:
        """Return what jobs wait for that have no place yet, in a line each."""
        ...

    async def at(self, row: LocationRow) -> Place | None:
        """Return the place that an earlier controller has put on record; None when it does not answer any more.

        Raises PlaceFailed, UsageError when it cannot be reached from here at all.
        """
        ...

    @property
    def places(self) -> Sequence[Place]:
        """The places that are in use."""
        ...

    async def close(self) -> None:
        """Undo what was deployed; jobs are over by then."""
        ...


def waiting_for_room(places: Sequence[Place]) -> list[str]:
    """Return a line for each place that jobs wait for."""
    told = []
    for place in places:
        waiting = place.scheduler.waiting + place.ahead.waiting
        if waiting:
            told.append(f"{waiting} job{'s wait' if waiting > 1 else ' waits'} for room on {place.location.name}")
    return told


def _name_of(place: Place) -> str:
    return place.row.id


@dataclass(slots=True)
class OnePlace:
    """All jobs go to one place: this machine."""

    place: Place

    def most_memory(self, job: Job) -> int:
        """Return its memory."""
        return self.place.scheduler.capacity.ram

    async def seat(self, job: Job, request: Request, inputs: Values) -> Seat:
        """Return a seat once there is room. Raises PlaceFailed when there never will be."""
        place = self.place
        allocation = place.scheduler.fit(request.resources)
        await place.ahead.acquire(allocation)
        return Seat(place, allocation, place.workdir)

    def leave(self, seat: Seat) -> None:
        """Give a seat back."""
        self.place.ahead.release(seat.allocation)

    def again(self, job: Job, place: Place, allocation: Allocation) -> Seat:
        """Return the seat of an attempt that an earlier controller began."""
        return Seat(place, allocation, place.workdir)

    def failed(self, place: Place, error: RecrateError) -> None:
        """Do nothing: there is no other place."""

    def refused(self, job: Job, place: Place, error: RecrateError) -> bool:
        """Say that there is no other place."""
        return False

    async def answers(self, place: Place) -> bool:
        """Say so: it is the controller's own."""
        return True

    def diagnosis(self) -> list[str]:
        """Return how many jobs wait for room."""
        return waiting_for_room([self.place])

    async def at(self, row: LocationRow) -> Place:
        """Return the place. Raises PlaceFailed for a row of another machine."""
        if row.hostname is not None and row.hostname != self.place.location.facts.hostname:
            raise PlaceFailed(
                f"jobs of this run may still run on {row.hostname}, which cannot be asked from here",
                hint=f"resume it on {row.hostname}",
            )
        return self.place

    @property
    def places(self) -> Sequence[Place]:
        """The one place."""
        return (self.place,)

    async def close(self) -> None:
        """Undo the deployment."""
        await self.place.connector.undeploy()
