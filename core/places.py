"""Places as the engine uses them: a connector, its location, its capacity, and how containers are served."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import Protocol

from ..connectors.base import Connector, Direct, Location
from ..errors import Unsupported
from .layout import Layout, Mount
from .plan import CommandPlan, ImageSpec, Request
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
class Place:
    """A location with what the engine knows of it."""

    connector: Connector
    location: Location
    scheduler: Scheduler
    """Gives out what jobs hold while they run."""
    ahead: Scheduler
    """Lets attempts be made ready for more than that: so the place has not to wait for the controller."""
    containers: ContainerService | None = None
    """None: there is no container engine, or none is wanted."""
    no_containers: str = "no container engine is set up for this place"
    """Why there are none, for the error of a job that needs one."""
    starts_tasks: bool = field(init=False)
    """The connector needs no script to start an attempt."""

    def __post_init__(self) -> None:
        self.starts_tasks = isinstance(self.connector, Direct)

    async def container_for(self, request: Request) -> Container | None:
        """Return the container that a job runs in; None when it runs outside of one.

        Raises Unsupported when a container is required and there is no engine.
        """
        if request.image is None:
            return None
        if self.containers is None:
            if request.image.required:
                raise Unsupported(f"a container is required (image {request.image.name!r}): {self.no_containers}")
            return None
        return await self.containers.ready(request.image)


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


def place_at(connector: Connector, location: Location, workdir: str, jobs: int | None) -> Place:
    """Return a place with a scheduler for all that it has."""
    capacity = capacity_of(location, workdir, jobs)
    return Place(connector, location, Scheduler(capacity), Scheduler(capacity.times(AHEAD)))


def _free_space(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path) or "/"
    return shutil.disk_usage(path).free // MIB
