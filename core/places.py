"""Places as the engine uses them: a connector, its location, its capacity, and how containers are served."""

from __future__ import annotations

import os
import shutil
from dataclasses import field
from typing import Protocol

from ..connectors.base import HERE, Connector, Direct, Location
from ..data_classes import dataclass
from ..provenance.rows import LocationRow
from .layout import Layout, Mount
from .plan import CommandPlan, ImageSpec
from .scheduling import UNLIMITED, Capacity, Scheduler

MIB = 1 << 20
AHEAD = 4
"""For so many times what a place has attempts are made ready, those included that run."""


class Container(Protocol):
    """A container image that is ready on a place."""

    @property
    def image_id(self) -> str:
        """The image's row in the store."""
        ...

    def command(
        self, token: str, name: str, plan: CommandPlan, layout: Layout, mounts: tuple[Mount, ...]
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the command that runs a plan's command in a container, and its environment."""
        ...

    async def remove(self, token: str) -> None:
        """End and remove the container of an attempt, if it is still there."""
        ...

    def explain(self, exit_code: int, stderr: bytes) -> str | None:
        """Return what the engine said, when it was the engine that failed and not the job."""
        ...


class ContainerService(Protocol):
    """Makes images be ready on a place."""

    async def ready(self, image: ImageSpec) -> Container | None:
        """Return a container image that is ready; None when it is only a hint and there is no engine.

        Raises PlaceFailed, Unsupported.
        """
        ...


@dataclass(slots=True)
class Storage:
    """Files that some locations see at the same paths, and the way by which they are reached."""

    name: str
    """Stands as the host in URIs of these files; `HERE` for the controller's machine."""
    connector: Connector
    location: str
    row: LocationRow
    """The location that is on record as where these files lie."""
    directory: str
    """Where copies that the run brings there go."""

    @property
    def is_here(self) -> bool:
        """Tell whether these are the files of the controller's machine."""
        return self.name == HERE


@dataclass(slots=True)
class Place:
    """A location with what the engine knows of it."""

    connector: Connector
    location: Location
    row: LocationRow
    storage: Storage
    workdir: str
    """Directory below which each attempt gets one of its own."""
    scheduler: Scheduler
    """Gives out what jobs hold while they run."""
    ahead: Scheduler
    """Lets attempts be made ready for more than that: so the place has not to wait for the controller."""
    gate: Scheduler | None = None
    """Counts the jobs in flight of its deployment, when these are limited."""
    containers: ContainerService | None = None
    """None: there is no container engine, or none is wanted."""
    starts_tasks: bool = field(init=False)
    """The connector needs no script to start an attempt."""

    def __post_init__(self) -> None:
        self.starts_tasks = isinstance(self.connector, Direct) and bool(self.connector.starts_tasks)


def capacity_of(location: Location, workdir: str, jobs: int | None) -> Capacity:
    """Return the capacity of a location: its facts, the free space at `workdir`, and a limit of jobs."""
    facts = location.facts
    limit = min(jobs or UNLIMITED, location.slots or UNLIMITED)
    return Capacity(
        cores=facts.cores or 1,
        ram=facts.memory or UNLIMITED,
        disk=_free_space(workdir),
        gpus=facts.gpus or 0,
        jobs=limit,
    )


def place_here(connector: Connector, location: Location, row: LocationRow, workdir: str, jobs: int | None) -> Place:
    """Return a place on the controller's machine, with a scheduler for all that it has."""
    storage = Storage(HERE, connector, location.name, row, os.path.join(workdir, "data"))
    capacity = capacity_of(location, workdir, jobs)
    schedulers = Scheduler(capacity), Scheduler(capacity.times(AHEAD))
    return Place(connector, location, row, storage, workdir, *schedulers)


def _free_space(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path) or "/"
    return shutil.disk_usage(path).free // MIB
