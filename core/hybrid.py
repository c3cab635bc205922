"""A run on several places, put together: who chooses places, who moves data, and what both know."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from itertools import islice
from typing import Any

from ..connectors.base import HERE
from ..connectors.data import Addressed, Sending
from ..connectors.local import LocalConnector
from ..data_classes import dataclass
from ..errors import InputInvalid, PlaceFailed
from ..provenance import ids
from ..provenance.database import Database
from ..provenance.queries import replicas_of_run
from ..provenance.rows import ReplicaRow
from ..provenance.statements import Update
from ..provenance.states import ReplicaKind
from .binding import Binding, Deployment
from .bound_inputs import still_unknown
from .copying import looked_up
from .data import DataManager, uri_of
from .journeys import Replica
from .ledger import Ledger
from .model import Body
from .observer import Notice
from .placement import Placement
from .places import Place, Storage, place_here
from .plan import ImageSpec, Resources
from .planning import Plan, Planner
from .records import deployment_row, location_row
from .replicas import Replicas
from .sites import Disturb, MakeContainers, Sites, answers, undisturbed
from .transport import Limits, Moved, Transport
from .uris import split_placed_uri
from .values import Values

ROWS_AT_ONCE = 2_000
NOT_KNOWN: Mapping[str, Resources] = {}


@dataclass(slots=True)
class Hybrid:
    """What a run on several places has more than one on this machine."""

    binding: Binding
    ledger: Ledger
    connect: Callable[[], Database]
    sites: Sites
    replicas: Replicas = field(init=False)
    data: DataManager = field(init=False)
    placement: Placement = field(init=False)
    _reader: Database | None = None
    _limits: dict[str, Limits] = field(default_factory=dict)
    _addresses: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """By names of two storages: how the first reaches the second, when it can."""

    def __post_init__(self) -> None:
        self.replicas = Replicas(self._opened, self.sites.storage_on_record)
        binding = self.binding
        transport = Transport(
            self.ledger.run_id,
            self.ledger.recorder,
            self.replicas,
            self.sites.storage,
            self._suspect,
            Limits.of(binding.streams, binding.bandwidth),
            self._limits_of,
            self._moved,
            self._direct,
        )
        here = self.sites.here.storage
        self.data = DataManager(here, self.sites, self.replicas, transport, self._gone, _answers, self._bound)
        self.placement = Placement(binding, self.sites, self.data, self._warn)

    def begin(self) -> None:
        """Make those deployments now that do not wait until they are needed."""
        used = {target.deployment for step in self.binding.steps for target in step.targets}
        for name in used:
            if not self.binding.deployment(name).lazy:
                self.sites.begin(name)

    async def settle(self, inputs: Values) -> None:
        """Look up at their places those inputs that are bound there; they are completed in place.

        Raises InputInvalid for one that is not there, PlaceFailed.
        """
        for item in list(still_unknown(inputs)):
            deployment, path = split_placed_uri(item["location"])
            storage = (await self.sites.site(deployment)).of_service(None)[0].storage
            found = await looked_up(storage, path, is_directory=item["class"] == "Directory")
            if found is None:
                raise InputInvalid(f"{path!r} is not on {deployment!r}, where it is bound to")
            item.update(found)
            item["location"] = uri_of(Replica(storage.name, path))
            self.replicas.saw(item["sha256"], Replica(storage.name, path))

    async def tidy(self) -> None:
        """Remove what the run has left at other places; what is needed of it was brought to the controller."""
        for storage, path in self.sites.directories():
            try:
                await storage.connector.remove(storage.location, path)
            except PlaceFailed as error:
                self._warn(f"{path!r} is left on {storage.row.name}: {error.problem}")
        elsewhere = set(self.ledger.storages.values())
        gone = (row for row in replicas_of_run(self._opened(), self.ledger.run_id, valid=True))
        updates = (
            Update(ReplicaRow, (row.id,), {"valid": False})
            for row in gone
            if row.location_id in elsewhere and row.kind is not ReplicaKind.INPUT
        )
        while chunk := tuple(islice(updates, ROWS_AT_ONCE)):
            await self.ledger.recorder.record(*chunk)

    async def close(self) -> None:
        """End what is under way between places, and give the connection to the store back."""
        await self.data.transport.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _opened(self) -> Database:
        if self._reader is None:
            self._reader = self.connect()
        return self._reader

    async def _suspect(self, name: str) -> None:
        await self.data.suspect(name)

    async def _direct(self, source: Storage, target: Storage) -> str | None:
        """Return the address by which a storage can send to another one itself; None when it cannot."""
        pair = (source.name, target.name)
        if pair not in self._addresses:
            self._addresses[pair] = await self._address(source, target)
        return self._addresses[pair]

    async def _address(self, source: Storage, target: Storage) -> str | None:
        sending, receiving = source.connector, target.connector
        if not isinstance(sending, Sending) or not isinstance(receiving, Addressed):
            return None
        here, there = self._deployment_of(source.name), self._deployment_of(target.name)
        if here is None or there is None or (here.reaches and there.name not in here.reaches):
            return None
        address = receiving.address(target.location)
        try:
            return address if address is not None and await sending.can_send(source.location, address) else None
        except PlaceFailed:
            return None

    def _limits_of(self, name: str) -> Limits | None:
        """Return the limits of the deployment that a storage belongs to."""
        owner = None if name == HERE else self._deployment_of(name)
        if owner is None or (owner.streams is None and owner.bandwidth is None):
            return None
        if owner.name not in self._limits:
            self._limits[owner.name] = Limits.of(owner.streams, owner.bandwidth)
        return self._limits[owner.name]

    def _deployment_of(self, name: str) -> Deployment | None:
        owner = self.sites.owner(name)
        return None if owner is None else self.binding.deployment(owner)

    def _gone(self, sha256: str, replica: Replica) -> None:
        storage = self.sites.storages.get(replica.storage)
        if storage is not None:
            row = ids.replica_id(self.ledger.run_id, storage.row.id, replica.path, sha256)
            self.ledger.recorder.put(Update(ReplicaRow, (row,), {"valid": False}))

    async def _bound(self, port: str) -> Storage | None:
        target = self.binding.for_port(port)
        if target is None:
            return None
        return (await self.sites.site(target.deployment)).of_service(target.service)[0].storage

    def _warn(self, text: str) -> None:
        self.ledger.tell(Notice.WARNING, text=text)

    def _moved(self, moved: Moved) -> None:
        self.ledger.tell_bytes(f"{moved.source} to {moved.target}", moved.bytes)


async def plan_of(
    body: Body,
    inputs: Values,
    binding: Binding,
    workdir: str,
    known: Mapping[str, Resources] = NOT_KNOWN,
    containers: MakeContainers | None = None,
) -> Plan:
    """Return what a run of a body would do, as its places answer now; nothing is launched or written down.

    `known` says what jobs of a step have asked for before: see `Planner`. With `containers` the places are asked
    whether they have the images of the steps.
    """
    async with looking(binding, workdir, lambda _: None, containers) as sites:
        return await Planner(body, inputs, binding, sites, known).plan()


@asynccontextmanager
async def looking(
    binding: Binding, workdir: str, warn: Callable[[str], None], containers: MakeContainers | None = None
) -> AsyncIterator[Sites]:
    """Give sites for those who only look: nothing runs there, and nothing is written down."""
    connector = LocalConnector()
    [location] = await connector.locations()
    row = location_row(location, deployment_row("local", "local", {}).id)
    here = place_here(connector, location, row, os.path.join(workdir, "plan"), None)
    if containers is not None:
        here.containers = containers(connector, location.name, "auto")
    serving = containers or (lambda *_: NoContainers())
    sites = Sites(binding, here, "plan", _Nothing(), serving, lambda _: None, lambda _: None, warn)
    try:
        yield sites
    finally:
        await sites.close()


class _Nothing:
    """Writes nothing down."""

    def put(self, *rows: Any) -> None:
        """Do nothing."""


class NoContainers:
    """Serves no container, since nothing runs."""

    async def ready(self, image: ImageSpec) -> None:
        """Return that there is none."""


async def _answers(storage: Storage) -> bool:
    return storage.is_here or await answers(storage.connector, storage.location)


def hybrid(
    binding: Binding,
    here: Place,
    ledger: Ledger,
    connect: Callable[[], Database],
    containers: MakeContainers,
    disturb: Disturb = undisturbed,
) -> Hybrid:
    """Return what a run needs whose steps are bound to several places."""

    def announce(storage: Storage) -> None:
        ledger.storages[storage.name] = storage.row.id

    def redact(texts: list[str]) -> None:
        ledger.redactor = ledger.redactor.including(frozenset(texts))

    def warn(text: str) -> None:
        ledger.tell(Notice.WARNING, text=text)

    sites = Sites(binding, here, ledger.run_id, ledger.recorder, containers, announce, redact, warn, disturb)
    return Hybrid(binding, ledger, connect, sites)
