"""Who runs when: jobs wait until a place has the cores, memory and space that they ask for."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import field

from ..data_classes import dataclass
from ..errors import PlaceFailed
from .plan import Resources

UNLIMITED = 1 << 30


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a place has: cores, MiB of memory, MiB of disk, GPUs, and jobs at a time."""

    cores: float
    ram: int
    disk: int = UNLIMITED
    gpus: int = 0
    jobs: int = UNLIMITED

    def times(self, factor: int) -> Capacity:
        """Return so many times this capacity; the disk is what it is."""
        return Capacity(self.cores * factor, self.ram * factor, self.disk, self.gpus * factor, self.jobs * factor)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one job holds until it ends."""

    cores: float
    ram: int
    tmpdir: int
    outdir: int
    gpus: int
    overcommitted: bool = False
    """The job asks for more cores than there are, so it got them all and runs alone."""


@dataclass(slots=True)
class _Waiting:
    wants: Allocation
    granted: asyncio.Future[None]


@dataclass(slots=True)
class Scheduler:
    """Gives out the capacity of one place, first come first served.

    A later job may overtake one that needs more than is free, but only `overtakes` times, so
    that a large job is never starved.
    """

    capacity: Capacity
    overtakes: int = 100
    _free_cores: float = field(init=False)
    _free_ram: int = field(init=False)
    _free_gpus: int = field(init=False)
    _running: int = field(init=False, default=0)
    _overtaken: int = field(init=False, default=0)
    _waiting: deque[_Waiting] = field(init=False, default_factory=deque)
    _turns: dict[str, Turn] = field(init=False, default_factory=dict)
    """Turns of attempts that run and that nobody follows yet, by token."""

    def __post_init__(self) -> None:
        self._free_cores = self.capacity.cores
        self._free_ram = self.capacity.ram
        self._free_gpus = self.capacity.gpus

    def fit(self, asked: Resources) -> Allocation:
        """Return what a job would be given. Raises PlaceFailed when this place can never give it."""
        have = self.capacity
        for name, wanted, there, unit in (
            ("memory", asked.ram, have.ram, "MiB"),
            ("disk space", 0 if asked.disk_assumed else asked.tmpdir + asked.outdir, have.disk, "MiB"),
            ("GPUs", asked.gpus, have.gpus, ""),
        ):
            if wanted > there:
                raise PlaceFailed(
                    f"the job asks for {wanted} {unit}".rstrip() + f" of {name}, but this place has {there}",
                    hint="lower its ResourceRequirement or run it on a larger place",
                )
        return Allocation(
            cores=min(asked.cores, have.cores),
            ram=asked.ram,
            tmpdir=asked.tmpdir,
            outdir=asked.outdir,
            gpus=asked.gpus,
            overcommitted=asked.cores > have.cores,
        )

    def has_room(self, wants: Allocation) -> bool:
        """Tell whether a job could run at once."""
        return not self._waiting and self._fits(wants)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def load(self) -> float:
        """The part of the capacity that is in use, by cores or by jobs, and who waits for it."""
        cores = 1 - self._free_cores / self.capacity.cores
        return max(cores, self._running / self.capacity.jobs) + len(self._waiting)

    async def acquire(self, wants: Allocation) -> None:
        """Return once the job may run. Every `acquire` needs its `release`."""
        if self.has_room(wants):
            self._take(wants)
            return
        waiting = _Waiting(wants, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.granted
        except asyncio.CancelledError:
            if waiting.granted.done() and not waiting.granted.cancelled():
                self.release(wants)
            elif waiting in self._waiting:
                self._waiting.remove(waiting)
            raise

    def take(self, wants: Allocation) -> None:
        """Note that a job holds this already, be there room or not. It needs its `release`."""
        self._take(wants)

    def release(self, held: Allocation) -> None:
        """Give back what a job held, and let those run that now can."""
        self._give_back(held)
        self._grant()

    def turn(self, token: str, wants: Allocation) -> Turn:
        """Return a job's turn, which is to be begun."""
        return Turn(self, token, wants)

    def _give_back(self, held: Allocation) -> None:
        self._free_cores += held.cores
        self._free_ram += held.ram
        self._free_gpus += held.gpus
        self._running -= 1

    def _fits(self, wants: Allocation) -> bool:
        return (
            self._running < self.capacity.jobs
            and wants.cores <= self._free_cores + 1e-9
            and wants.ram <= self._free_ram
            and wants.gpus <= self._free_gpus
        )

    def _take(self, wants: Allocation) -> None:
        self._free_cores -= wants.cores
        self._free_ram -= wants.ram
        self._free_gpus -= wants.gpus
        self._running += 1

    def _grant(self) -> None:
        passed: deque[_Waiting] = deque()
        # Without a free core there is nothing to look for among those that wait, who may be many.
        while self._waiting and self._running < self.capacity.jobs and self._free_cores > 1e-9:
            waiting = self._waiting.popleft()
            if waiting.granted.cancelled():
                continue  # Whoever waited has not been told yet.
            if self._fits(waiting.wants):
                self._take(waiting.wants)
                waiting.granted.set_result(None)
                self._overtaken = self._overtaken + 1 if passed else 0
            else:
                passed.append(waiting)
                if self._overtaken >= self.overtakes:
                    break
        self._waiting.extendleft(reversed(passed))


@dataclass(slots=True, eq=False)
class Turn:
    """What an attempt holds of a place while it runs, or will hold when another one is over."""

    scheduler: Scheduler
    token: str
    wants: Allocation
    after: Turn | None = None
    """Whose resources it takes over, until it has them."""
    heir: Turn | None = None
    is_held: bool = False

    async def begin(self, *, may_follow: bool) -> str | None:
        """Return once the attempt may run; with `may_follow` earlier, when it takes over what another one has.

        Then the token of that one is returned. Nobody who waits for room is overtaken by that.
        """
        scheduler = self.scheduler
        if may_follow and not scheduler._waiting and not scheduler._fits(self.wants):
            for turn in scheduler._turns.values():
                if _covers(turn.wants, self.wants):
                    self.after, turn.heir = turn, self
                    del scheduler._turns[turn.token]
                    return turn.token
        await scheduler.acquire(self.wants)
        self.is_held = True
        return None

    def running(self) -> None:
        """Note that the attempt runs: another one may follow on it."""
        self.scheduler._turns[self.token] = self

    def end(self) -> None:
        """Give back what the attempt holds, to the one that follows on it first. Doing it again changes nothing."""
        self.scheduler._turns.pop(self.token, None)
        if self.heir is not None:
            self.heir.after = self.after
        if self.after is not None:
            self.after.heir = self.heir
        if self.is_held:
            self.scheduler._give_back(self.wants)
            if self.heir is not None:
                self.scheduler._take(self.heir.wants)
                self.heir.is_held = True
            self.scheduler._grant()
        self.after = self.heir = None
        self.is_held = False


def _covers(held: Allocation, wants: Allocation) -> bool:
    return held.cores >= wants.cores and held.ram >= wants.ram and held.gpus >= wants.gpus


def runtime_cores(asked: Resources, given: Allocation) -> int:
    """Return `runtime.cores`: what was asked for, rounded up to whole cores (CWL v1.2, ResourceRequirement)."""
    return math.ceil(max(asked.cores, given.cores) if given.overcommitted else given.cores)
