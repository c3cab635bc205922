"""Sites: the deployments of a run, made when they are first needed, with their places and storages."""

from __future__ import annotations

import asyncio
import os
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from typing import Any, Protocol, TypeVar

from ..connectors.base import HERE, Connector, Location, storage_of
from ..connectors.data import Data
from ..connectors.registry import make_connector
from ..data_classes import dataclass
from ..errors import PlaceFailed, RecrateError, UsageError
from ..provenance.rows import DeploymentRow, LocationRow
from . import records
from .binding import LOCAL, Binding, Deployment, order_of_undeployment
from .places import AHEAD, MIB, ContainerService, Place, Storage
from .scheduling import UNLIMITED, Capacity, Scheduler

T = TypeVar("T")
Disturb = Callable[[Connector, bool], Connector]
"""Given a connector, and whether it is stacked on another one: what the engine sees of it."""
PING_SECONDS = 30.0
FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0
PATIENCE_SECONDS = 90.0
"""A place that does not answer for so long is lost."""
DEFAULT_WORKDIR = "~/.recrate"
_MAKE = """d=$1
case $d in '~') d=$HOME;; '~/'*) d=$HOME/${d#'~/'};; esac
mkdir -p -- "$d" && cd -- "$d" && pwd -P && printf ."""
"""Prints the real path of a directory, and a dot so that newlines in names are kept."""
MakeContainers = Callable[[Connector, str, str], ContainerService]
"""Given a connector, one of its locations and the wanted engine: what serves containers there."""


def undisturbed(connector: Connector, is_stacked: bool) -> Connector:
    """Return a connector as it is."""
    return connector


@dataclass(slots=True)
class Site:
    """A deployment that is there."""

    deployment: Deployment
    row: DeploymentRow
    connector: Connector
    places: list[Place] = field(default_factory=list)

    def of_service(self, service: str | None) -> list[Place]:
        """Return the places of a service; without one, those that belong to none, or else all.

        Raises UsageError when it has no such service.
        """
        found = [place for place in self.places if place.location.service == service]
        if service is None:
            return found or self.places
        if not found and all(place.location.service is None for place in self.places):
            return self.places  # its services are ways to run a command, and not places
        if not found:
            known = ", ".join(sorted({place.location.service or "" for place in self.places} - {""}))
            raise UsageError(f"deployment {self.deployment.name!r} has no service {service!r}", hint=f"it has: {known}")
        return found


class Puts(Protocol):
    """What rows are written by: see `provenance.recorder.Recorder`."""

    def put(self, *rows: Any) -> None:
        """Write rows with the next commit."""
        ...


@dataclass(slots=True)
class Sites:
    """Makes the deployments of a run, and knows its places and storages."""

    binding: Binding
    here: Place
    run_id: str
    recorder: Puts
    containers: MakeContainers
    announce: Callable[[Storage], None]
    """Is told of each storage that is there."""
    redact: Callable[[list[str]], None]
    """Is told of texts that are secret."""
    warn: Callable[[str], None]
    """Tells people of something in one line."""
    disturb: Disturb = undisturbed
    """Gives what the engine sees of a connector."""
    storages: dict[str, Storage] = field(default_factory=dict)
    _sites: dict[str, asyncio.Task[Site]] = field(default_factory=dict)
    _directories: dict[tuple[str, str], str] = field(default_factory=dict)
    _names: Mapping[str, str] = field(init=False)
    """By id of the row of a deployment: its name."""

    def __post_init__(self) -> None:
        self.storages[HERE] = self.here.storage
        self._names = {self.row_of(name).id: name for name in self.binding.deployments}

    @property
    def made(self) -> dict[str, Site]:
        """The deployments that are there, by name."""
        return {
            name: task.result()
            for name, task in self._sites.items()
            if task.done() and not task.cancelled() and task.exception() is None
        }

    async def site(self, name: str) -> Site:
        """Return a deployment, made when it is not there yet. Raises PlaceFailed, Unsupported, UsageError."""
        return await asyncio.shield(self.begin(name))

    def begin(self, name: str) -> asyncio.Task[Site]:
        """Begin to make a deployment, when it is not there yet and not being made; one that failed is made again."""
        task = self._sites.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._sites[name] = asyncio.get_running_loop().create_task(self._make(name))
        return task

    async def storage(self, name: str) -> Storage:
        """Return a storage by name; its deployment is made when it is not there yet. Raises PlaceFailed."""
        if name not in self.storages:
            owner = self.owner(name)
            if owner is None:
                raise PlaceFailed(f"no deployment of the binding has the files of {name!r}")
            await self.site(owner)
        if name not in self.storages:
            raise PlaceFailed(f"deployment {self.owner(name)!r} has no location that is called as in {name!r}")
        return self.storages[name]

    def is_known(self, name: str) -> bool:
        """Tell whether a name is that of a storage which this run can reach."""
        return name in self.storages or self.owner(name) is not None

    def owner(self, name: str) -> str | None:
        """Return the deployment that a storage is named after."""
        found = [known for known in self.binding.deployments if name == known or name.endswith(f".{known}")]
        return max(found, key=len, default=None)

    def storage_on_record(self, row: LocationRow) -> str | None:
        """Return the storage of a location that is on record; None when this run cannot reach it."""
        if row.deployment_id == self.here.row.deployment_id:
            return HERE if row.hostname == self.here.row.hostname else None
        name = self._names.get(row.deployment_id)
        return None if name is None else storage_of(Location(row.name, name))

    def row_of(self, name: str) -> DeploymentRow:
        """Return the row of a deployment."""
        deployment = self.binding.deployment(name)
        wraps = None if deployment.wraps is None else self.row_of(deployment.wraps.deployment).id
        return records.deployment_row(deployment.name, deployment.kind, deployment.config, wraps)

    async def place_on_record(self, row: LocationRow) -> Place:
        """Return the place that is on record. Raises PlaceFailed when it is not reached from here."""
        if row.deployment_id == self.here.row.deployment_id:
            if row.hostname != self.here.row.hostname:
                raise UsageError(
                    f"jobs of this run may still run on {row.hostname}, which cannot be asked from here",
                    hint=f"resume it on {row.hostname}",
                )
            return self.here
        name = self._names.get(row.deployment_id)
        if name is None:
            raise UsageError(f"jobs of this run may still run on {row.name!r}, which no deployment of the binding has")
        for place in (await self.site(name)).places:
            if place.location.name == row.name:
                return place
        raise UsageError(f"deployment {name!r} has no location {row.name!r} any more, on which jobs may still run")

    def diagnosis(self) -> list[str]:
        """Return a line for each deployment that is being made."""
        return [f"deployment {name} is being made" for name, task in self._sites.items() if not task.done()]

    # -- making ----------------------------------------------------------------------------------

    async def _make(self, name: str) -> Site:
        deployment = self.binding.deployment(name)
        if deployment.kind == LOCAL:
            return self._local(deployment)
        inner, inner_place = None, None
        if deployment.wraps is not None:
            inner = await self.site(deployment.wraps.deployment)
            inner_place = inner.of_service(deployment.wraps.service)[0]
        connector = make_connector(
            deployment.kind,
            name,
            self._options(deployment),
            workdir=self._workdir(deployment),
            inner=None if inner is None else inner.connector,
            inner_location=None if inner_place is None else inner_place.location.name,
        )
        for remark in getattr(connector, "remarks", ()):
            self.warn(remark)
        connector = self.disturb(connector, inner is not None)
        await connector.deploy()
        row = self.row_of(name)
        site = Site(deployment, row, connector)
        self.recorder.put(row)
        gate = _gate(deployment)
        for location in await connector.locations():
            place = await self._place(site, location, gate)
            self.recorder.put(place.row)
            site.places.append(place)
        if not site.places:
            raise PlaceFailed(f"deployment {name!r} has no location")
        return site

    def _local(self, deployment: Deployment) -> Site:
        """Return a deployment that is this machine: what it has is shared with all others that are."""
        here = replace(self.here, gate=_gate(deployment))
        if deployment.name == LOCAL and deployment.workdir is None:
            return Site(deployment, self.row_of(LOCAL), here.connector, [here])
        row = self.row_of(deployment.name)
        location = replace(here.location, name=deployment.name, deployment=deployment.name)
        workdir = here.workdir if deployment.workdir is None else self.run_directory(deployment.workdir)
        place = replace(here, row=records.location_row(location, row.id), workdir=workdir)
        self.recorder.put(row, place.row)
        return Site(deployment, row, here.connector, [place])

    def _options(self, deployment: Deployment) -> dict[str, Any]:
        """Return the configuration of a deployment with its secrets. Raises UsageError for one that is not set."""
        options = dict(deployment.config)
        for key, variable in deployment.secrets.items():
            if variable not in os.environ:
                raise UsageError(
                    f"deployment {deployment.name!r} takes {key!r} from the environment variable {variable}, "
                    "which is not set"
                )
            options[key] = os.environ[variable]
        self.redact([os.environ[variable] for variable in deployment.secrets.values()])
        if deployment.external:
            options["external"] = True
        return options

    def _workdir(self, deployment: Deployment) -> str | None:
        """Return the directory for work that a deployment has, or that it has from what it is stacked on."""
        if deployment.workdir is not None or deployment.wraps is None:
            return deployment.workdir
        return self._workdir(self.binding.deployment(deployment.wraps.deployment))

    async def _place(self, site: Site, location: Location, gate: Scheduler | None) -> Place:
        connector, deployment = site.connector, site.deployment
        top = await self.directory(connector, location.name, self._workdir(deployment) or DEFAULT_WORKDIR)
        row = records.location_row(location, site.row.id)
        workdir = self.run_directory(top)
        name = storage_of(location)
        storage = self.storages.get(name)
        if storage is None:
            storage = self.storages[name] = Storage(name, connector, location.name, row, f"{workdir}/data")
            self.announce(storage)
        capacity = await _capacity(connector, location, top)
        containers = self.containers(connector, location.name, deployment.containers)
        schedulers = Scheduler(capacity), Scheduler(capacity.times(AHEAD))
        return Place(connector, location, row, storage, workdir, *schedulers, gate, containers)

    async def directory(self, connector: Connector, location: str, path: str) -> str:
        """Make a directory on a location, and return its path without links in it. Raises PlaceFailed."""
        done = await connector.run(location, ["sh", "-c", _MAKE, "sh", path], timeout=PING_SECONDS)
        if done.code != 0:
            words = done.stderr.decode("utf-8", "replace").strip()
            raise PlaceFailed(
                f"cannot make the directory {path!r} on {location}: {words}", hint="say another `workdir`"
            )
        return os.fsdecode(done.stdout[: done.stdout.rindex(b"\n")])

    async def run_directory_at(self, place: Place, top: str) -> str:
        """Return the directory of this run below another directory for work of a place. Raises PlaceFailed."""
        key = (place.row.id, top)
        if key not in self._directories:
            if place.storage.is_here:
                top = os.path.abspath(os.path.expanduser(top))
            else:
                top = await self.directory(place.connector, place.location.name, top)
            self._directories[key] = self.run_directory(top)
        return self._directories[key]

    def run_directory(self, top: str) -> str:
        """Return the directory of this run below a directory for work."""
        return posixpath.join(top, self.run_id)

    def directories(self) -> list[tuple[Storage, str]]:
        """Return the directories that the run has made on storages elsewhere."""
        found = {
            (place.storage.name, place.workdir): None
            for site in self.made.values()
            for place in site.places
            if not place.storage.is_here
        }
        places = {place.row.id: place for site in self.made.values() for place in site.places}
        for (location_id, _), path in self._directories.items():
            place = places.get(location_id)
            if place is not None and not place.storage.is_here:
                found[place.storage.name, path] = None
        return [(self.storages[name], path) for name, path in found]

    # -- the end ---------------------------------------------------------------------------------

    async def close(self) -> list[RecrateError]:
        """Undo all deployments, those first that are stacked on others; return what went wrong."""
        problems: list[RecrateError] = []
        for task in self._sites.values():
            if not task.done():
                task.cancel()
        await asyncio.gather(*self._sites.values(), return_exceptions=True)
        made = self.made
        for name in order_of_undeployment(self.binding.deployments, made):
            connector = made[name].connector
            if connector is not self.here.connector:
                try:
                    await connector.undeploy()
                except RecrateError as error:
                    problems.append(error)
        self._sites.clear()
        await self.here.connector.undeploy()
        return problems


def _gate(deployment: Deployment) -> Scheduler | None:
    """Return what counts the jobs in flight of a deployment, when it has a limit of these."""
    return None if deployment.jobs is None else Scheduler(Capacity(UNLIMITED, UNLIMITED, jobs=deployment.jobs))


async def _capacity(connector: Connector, location: Location, directory: str) -> Capacity:
    """Return what a location has; what is not known is taken to be enough."""
    facts, disk = location.facts, UNLIMITED
    if isinstance(connector, Data):
        free = (await connector.space(location.name, directory)).free_bytes
        disk = UNLIMITED if free is None else free // MIB
    unknown = UNLIMITED if location.slots is not None else 1
    return Capacity(
        cores=facts.cores or unknown,
        ram=facts.memory or UNLIMITED,
        disk=disk,
        gpus=facts.gpus if facts.gpus is not None else (UNLIMITED if location.slots is not None else 0),
        jobs=location.slots or UNLIMITED,
    )


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Return what some work gives; it is tried again while it raises PlaceFailed, until patience is at an end."""
    deadline, wait = time.monotonic() + PATIENCE_SECONDS, FIRST_WAIT
    while True:
        try:
            return await work()
        except PlaceFailed:
            if time.monotonic() + wait > deadline:
                raise
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


async def answers(connector: Connector, location: str, patience: float | None = None) -> bool:
    """Tell whether a location answers; one that does not is asked again until patience, in seconds, is at an end."""
    deadline = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    wait = FIRST_WAIT
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                done = await connector.run(location, ["sh", "-c", "exit 0"], timeout=PING_SECONDS)
            if done.code == 0:
                return True
        except (PlaceFailed, TimeoutError):
            pass
        if time.monotonic() + wait > deadline:
            return False
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
