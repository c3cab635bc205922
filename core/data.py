"""The data manager: brings contents to where they are needed, once, on record, by the shortest way.

A token says where its file was made; where else the content lies, the store knows. What a job
needs and its place has not is moved there before: checked where it leaves by the hash that it has
on record, checked again where it arrives, and tried again when it did not arrive intact.
"""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..data_classes import dataclass
from ..errors import InputInvalid, PlaceFailed
from . import copying
from .journeys import Journey, Lost, Move, Replica
from .places import Place, Storage
from .replicas import Replicas
from .transport import Transport
from .uris import is_file_uri, is_placed_uri, split_placed_uri, to_path, to_placed_uri, to_uri
from .values import FileValue, Value, Values, is_reference, walk_references

MEMBERS = ("secondaryFiles", "listing")


class Storages(Protocol):
    """The storages of a run."""

    async def storage(self, name: str) -> Storage:
        """Return a storage by name; its deployment is made when it is not there yet. Raises PlaceFailed."""
        ...

    def is_known(self, name: str) -> bool:
        """Tell whether a name is that of a storage which this run can reach."""
        ...


def replica_of(item: FileValue) -> Replica | None:
    """Return where a File or Directory lies; None for a literal, and for what is on the web."""
    location = item.get("location")
    if not isinstance(location, str):
        return None
    if is_file_uri(location):
        return Replica("", to_path(location))
    return Replica(*split_placed_uri(location)) if is_placed_uri(location) else None


def uri_of(replica: Replica) -> str:
    """Return the URI of a file."""
    return to_placed_uri(replica.storage, replica.path) if replica.storage else to_uri(replica.path)


@dataclass(slots=True)
class DataManager:
    """Knows how the contents of a run get where they are needed. See `journeys.Moving`."""

    here: Storage
    storages: Storages
    replicas: Replicas
    transport: Transport
    gone: Callable[[str, Replica], None]
    """Puts on record that a content is not at a place."""
    check: Callable[[Storage], Awaitable[bool]]
    """Tells whether a storage answers; takes its time before it says no."""
    bound: Callable[[str], Awaitable[Storage | None]]
    """Gives the storage that the files of a port are bound to, by the path of the port."""
    _fetched: dict[str, str] = field(default_factory=dict)
    """By location elsewhere: where the controller has a file, which it reads for expressions."""
    _fetched_folders: dict[str, str] = field(default_factory=dict)

    # -- to a place --------------------------------------------------------------------------

    async def journey(self, inputs: Values, place: Place) -> Journey:
        """Return how inputs get to a place; nothing is moved yet. Raises PlaceFailed, InputInvalid."""
        plan = _Planning(self, place.storage)
        found = [item for value in inputs.values() for item in _outermost(value)]
        await self._look_on(place.storage, found)
        values = {name: plan.there(value) for name, value in inputs.items()}
        return Journey(place.storage, values, tuple(plan.moves.values()), plan.origins)

    async def _look_on(self, target: Storage, items: Iterable[FileValue]) -> None:
        """See whether the target has some of the contents already, without this controller's having seen it."""
        unseen: dict[str, str] = {}
        for item in items:
            sha256, own = item.get("sha256"), replica_of(item)
            if sha256 is None or own is None or own.storage == target.name:
                continue
            if self.replicas.seen_on(sha256, target.name) is None:
                unseen[sha256] = item["class"]
        files: dict[str, str] = {}
        directories: dict[str, str] = {}
        for sha256, found in self.replicas.on_record(list(unseen)):
            if found.storage == target.name:
                (directories if unseen[sha256] == "Directory" else files)[found.path] = sha256
        await self._checked(target, files, directories)

    async def _checked(self, storage: Storage, files: dict[str, str], directories: dict[str, str]) -> None:
        """Look whether contents are where they may be on a storage; take note of what was found."""
        if not files and not directories:
            return
        found = await copying.hashes(storage, list(files), list(directories))
        for path, sha256 in {**files, **directories}.items():
            replica = Replica(storage.name, path)
            if found[path] == sha256:
                self.replicas.saw(sha256, replica)
            else:
                self.replicas.miss(sha256, replica)
                self.gone(sha256, replica)

    def planned(self, item: FileValue, target: Storage) -> tuple[str, Move | None]:
        """Return the path at which a File or Directory will be on a storage, and how it gets there.

        Raises InputInvalid when nobody knows its content.
        """
        own = replica_of(item)
        assert own is not None
        if own.storage == target.name:
            return own.path, None
        sha256 = item.get("sha256")
        if not isinstance(sha256, str):
            raise InputInvalid(f"{item['location']!r} cannot be moved: its content is not on record")
        seen = self.replicas.seen_on(sha256, target.name)
        if seen is not None:
            return seen.path, None
        name = posixpath.basename(own.path.rstrip("/")) or "content"
        path = f"{target.directory}/{sha256[:2]}/{sha256}/{name}"
        return path, Move(sha256, path, own, item.get("size"), item["class"] == "Directory")

    def cost(self, inputs: Values, target: Storage) -> int:
        """Return how many bytes of inputs a storage has not, as far as is known."""
        items = [item for value in inputs.values() for item in _outermost(value)]
        return sum(item.get("size") or 0 for item in items if not self._is_on(item, target))

    def _is_on(self, item: FileValue, target: Storage) -> bool:
        return _is_on(item, target.name) or self.replicas.seen_on(item.get("sha256", ""), target.name) is not None

    async def travel(self, journey: Journey) -> None:
        """Return when everything is there. Raises PlaceFailed, InputInvalid."""
        if journey.moves:
            await self.transport.bring(journey.moves, journey.target)

    def placed(self, outputs: Values, place: Place, journey: Journey) -> Values:
        """Return what a job made at a place, with locations that hold everywhere."""
        storage = place.storage

        def everywhere(location: str) -> str:
            if location in journey.origins:
                return journey.origins[location]
            return uri_of(Replica(storage.name, to_path(location))) if is_file_uri(location) else location

        made: Values = _relocated(outputs, everywhere)
        for item in walk_references(made):
            replica, sha256 = replica_of(item), item.get("sha256")
            if replica is not None and sha256 is not None and replica.storage:
                self.replicas.saw(sha256, replica)
        return made

    @property
    def bytes_moved(self) -> int:
        """How much has moved so far."""
        return self.transport.bytes_moved

    def diagnosis(self) -> list[str]:
        """Return what is being moved, in a line."""
        number = self.transport.under_way
        if not number:
            return []
        failed = f"; the last try failed: {self.transport.trouble}" if self.transport.trouble else ""
        return [f"{number} transfer{'s are' if number > 1 else ' is'} under way{failed}"]

    async def collected(self, step: str, outputs: Values) -> None:
        """Bring what a job of a step made to where its ports are bound to. Raises PlaceFailed, InputInvalid."""
        for port, value in outputs.items():
            target = await self.bound(f"{step.rstrip('/')}/{port}") if _has_files(value) else None
            if target is not None:
                plan = _Planning(self, target)
                plan.there(value)
                await self.transport.bring(list(plan.moves.values()), target)

    # -- to the controller ---------------------------------------------------------------------

    async def fetch(self, location: str, values: Value) -> None:
        """Bring a file of another place, or the directory that it is in, to the controller, to be read there.

        `values` are those that it stands in.
        """
        item = next((item for item in walk_references(values) if _holds(item, location) and item.get("sha256")), None)
        if item is None:
            raise InputInvalid(f"{location!r} cannot be read: its content is not on record")
        path, move = self.planned(item, self.here)
        if move is not None:
            await self.transport.bring([move], self.here)
        fetched = self._fetched_folders if item["class"] == "Directory" else self._fetched
        fetched[item["location"]] = to_uri(path)

    def view(self, values: Values) -> Values:
        """Return values in which those files of other places that were fetched lie on this machine."""
        if not self._fetched and not self._fetched_folders:
            return values
        return dict(_relocated(values, lambda location: _changed(location, self._fetched, self._fetched_folders)))

    def unviewed(self, values: Values) -> Values:
        """Return values as they are everywhere, which were made of a `view`."""
        if not self._fetched and not self._fetched_folders:
            return values
        files = {copy: location for location, copy in self._fetched.items()}
        folders = {copy: location for location, copy in self._fetched_folders.items()}
        return dict(_relocated(values, lambda location: _changed(location, files, folders)))

    async def home(self, values: Values) -> Values:
        """Bring all files in values to the controller, and return the values with these."""
        found = [item for value in values.values() for item in _outermost(value)]
        await self._look_on(self.here, found)
        plan = _Planning(self, self.here)
        there = {name: plan.there(value) for name, value in values.items()}
        if plan.moves:
            await self.transport.bring(list(plan.moves.values()), self.here)
        return there

    # -- what is there -------------------------------------------------------------------------

    async def lost(self, values: Value) -> list[Lost]:
        """Return the contents of other places in a value that are to be had nowhere any more."""
        unsure = [item for item in _outermost(values) if self._is_unsure(item)]
        for storage in dict.fromkeys(replica.storage for replica in map(replica_of, unsure) if replica is not None):
            await self._look(storage, [item for item in unsure if _is_on(item, storage)])
        missing = [item for item in unsure if not self._is_sure(item)]
        return [_lost(item) for item in missing if not await self._is_elsewhere(item)]

    async def has(self, values: Value) -> bool:
        """Tell whether all files of other places in a value are to be had."""
        known = all(self.storages.is_known(replica.storage) for replica in _elsewhere(values))
        return known and not await self.lost(values)

    def doubt(self, values: Value) -> None:
        """Take it that files of other places in a value may be gone: they are looked at before they are used."""
        for item in _outermost(values):
            replica, sha256 = replica_of(item), item.get("sha256")
            if replica is not None and replica.storage and sha256:
                self.replicas.doubt(sha256, replica)

    def _is_unsure(self, item: FileValue) -> bool:
        replica = replica_of(item)
        return replica is not None and bool(replica.storage and item.get("sha256")) and not self._is_sure(item)

    def _is_sure(self, item: FileValue) -> bool:
        replica = replica_of(item)
        return replica is not None and self.replicas.is_sure(item["sha256"], replica)

    async def _look(self, name: str, items: Sequence[FileValue]) -> None:
        """Look whether contents are where they were made; a storage that does not answer is lost."""
        files = {_path(item): item["sha256"] for item in items if item["class"] == "File"}
        folders = {_path(item): item["sha256"] for item in items if item["class"] == "Directory"}
        try:
            storage = await self.storages.storage(name)
            await self._checked(storage, files, folders)
        except PlaceFailed:
            await self.suspect(name)

    async def suspect(self, name: str) -> None:
        """Find out whether a storage that did not do its part answers at all."""
        try:
            if name and not await self.check(await self.storages.storage(name)):
                self.replicas.lose(name)
        except PlaceFailed:
            self.replicas.lose(name)

    async def _is_elsewhere(self, item: FileValue) -> bool:
        """Tell whether a content lies anywhere else; each place where it may be is looked at."""
        sha256, folder = item["sha256"], item["class"] == "Directory"
        for replica in self.replicas.candidates(sha256, ()):
            if self.replicas.is_sure(sha256, replica):
                return True
            try:
                storage = await self.storages.storage(replica.storage)
                only = {replica.path: sha256}
                await self._checked(storage, {} if folder else only, only if folder else {})
            except PlaceFailed:
                await self.suspect(replica.storage)
            if self.replicas.is_sure(sha256, replica):
                return True
        return False


@dataclass(slots=True)
class _Planning:
    """Values on their way to one storage."""

    data: DataManager
    target: Storage
    moves: dict[str, Move] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def there(self, value: Value) -> Value:
        """Return a value as it will be there."""
        if isinstance(value, list):
            return [self.there(item) for item in value]
        if not isinstance(value, dict):
            return value
        if not is_reference(value):
            return {name: self.there(item) for name, item in value.items()}
        return self._reference(value)

    def _reference(self, item: FileValue) -> FileValue:
        own = replica_of(item)
        if own is None:
            return {**item, **{name: self.there(item[name]) for name in MEMBERS if item.get(name)}}
        path, move = self.data.planned(item, self.target)
        if move is not None:
            self.moves[move.sha256] = move
        moved = self._moved(item, own.path, path)
        if item.get("secondaryFiles"):
            moved["secondaryFiles"] = self.there(item["secondaryFiles"])
        return moved

    def _moved(self, item: FileValue, before: str, now: str) -> FileValue:
        """Return a File or Directory at another path, with what is in it."""
        moved = dict(item)
        own = replica_of(item)
        if own is not None:
            moved["location"] = to_uri(now + own.path[len(before) :])
            if moved["location"] != item["location"]:
                self.origins[moved["location"]] = item["location"]
        if item.get("listing"):
            moved["listing"] = [self._moved(member, before, now) for member in item["listing"]]
        return moved


def _outermost(value: Value) -> Iterable[FileValue]:
    """Yield the Files and Directories of a value that are moved: a Directory with a location as a whole."""
    if isinstance(value, list):
        for item in value:
            yield from _outermost(item)
    elif isinstance(value, dict):
        if not is_reference(value):
            for item in value.values():
                yield from _outermost(item)
            return
        if value.get("location") is not None:
            yield value
        elif value.get("listing"):
            yield from _outermost(value["listing"])
        if value.get("secondaryFiles"):
            yield from _outermost(value["secondaryFiles"])


def _relocated(value: Value, change: Callable[[str], str]) -> Any:
    """Return a copy of a value with other locations in its Files and Directories."""
    if isinstance(value, list):
        return [_relocated(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: _relocated(item, change) if isinstance(item, (dict, list)) else item for name, item in value.items()}
    if is_reference(value) and isinstance(value.get("location"), str):
        made["location"] = change(value["location"])
    return made


def _has_files(value: Value) -> bool:
    return next(walk_references(value), None) is not None


def _elsewhere(value: Value) -> Iterable[Replica]:
    """Yield where the files of other places in a value are."""
    return (replica for item in _outermost(value) if (replica := replica_of(item)) is not None and replica.storage)


def _changed(location: str, files: dict[str, str], folders: dict[str, str]) -> str:
    """Return the other location of a file, or of what is a directory or in one; itself when it has none."""
    if location in files:
        return files[location]
    for one, other in folders.items():
        if location == one or location.startswith(f"{one}/"):
            return other + location[len(one) :]
    return location


def _path(item: FileValue) -> str:
    replica = replica_of(item)
    assert replica is not None
    return replica.path


def _is_on(item: FileValue, storage: str) -> bool:
    replica = replica_of(item)
    return replica is not None and replica.storage == storage


def _holds(item: FileValue, location: str) -> bool:
    own = item.get("location")
    return isinstance(own, str) and (own == location or location.startswith(f"{own.rstrip('/')}/"))


def _lost(item: FileValue) -> Lost:
    replica = replica_of(item)
    assert replica is not None
    return Lost(replica, item["sha256"], item["class"] == "Directory")
