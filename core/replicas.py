"""Where contents lie, as one run knows: by the store, and by what this controller has seen itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import LocationRow
from .journeys import Replica

MOST_REMEMBERED = 100_000
"""Contents kept in mind, so that memory does not grow with the number of jobs."""


@dataclass(slots=True)
class Replicas:
    """The replicas that a run can use."""

    reader: Callable[[], Database]
    """Gives a connection to the store that only reads."""
    storage_of: Callable[[LocationRow], str | None]
    """Gives the storage of a location that is on record; None when this run cannot reach it."""
    _copies: OrderedDict[str, dict[str, str]] = field(default_factory=OrderedDict)
    """By hash and storage: a path that this controller has seen the content at."""
    _sure: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)
    """By storage and path: the hash that this controller knows it to have."""
    _gone: set[tuple[str, str, str]] = field(default_factory=set)
    """Storage, path and hash of what is known not to be there."""
    _lost: set[str] = field(default_factory=set)
    """Storages that do not answer."""

    def saw(self, sha256: str, replica: Replica) -> None:
        """Take note that a content is at a place: it was made, brought or checked there a moment ago."""
        self._gone.discard((replica.storage, replica.path, sha256))
        self._sure[replica.storage, replica.path] = sha256
        self._copies.setdefault(sha256, {})[replica.storage] = replica.path
        if len(self._sure) > MOST_REMEMBERED:
            self._sure.popitem(last=False)
        if len(self._copies) > MOST_REMEMBERED:
            self._copies.popitem(last=False)

    def miss(self, sha256: str, replica: Replica) -> None:
        """Take note that a content is not at a place."""
        self._gone.add((replica.storage, replica.path, sha256))
        self._sure.pop((replica.storage, replica.path), None)
        copies = self._copies.get(sha256, {})
        if copies.get(replica.storage) == replica.path:
            del copies[replica.storage]

    def doubt(self, sha256: str, replica: Replica) -> None:
        """Take it that a content may be gone from where it was, so that it is looked at before it is used again."""
        self._sure.pop((replica.storage, replica.path), None)
        for storage, path in self._copies.pop(sha256, {}).items():
            self._sure.pop((storage, path), None)

    def lose(self, storage: str) -> None:
        """Take note that a storage does not answer; what is on it is not to be had."""
        self._lost.add(storage)

    def find_again(self, storage: str) -> None:
        """Take note that a storage answers; what is on it must be looked at again."""
        if storage in self._lost:
            self._lost.discard(storage)
            for key in [key for key in self._sure if key[0] == storage]:
                del self._sure[key]
            for copies in self._copies.values():
                copies.pop(storage, None)

    def is_lost(self, storage: str) -> bool:
        """Tell whether a storage did not answer when it was asked last."""
        return storage in self._lost

    def is_sure(self, sha256: str, replica: Replica) -> bool:
        """Tell whether this controller knows that a content is at a place."""
        return replica.storage not in self._lost and self._sure.get((replica.storage, replica.path)) == sha256

    def may_be(self, sha256: str, replica: Replica) -> bool:
        """Tell whether a content can be at a place, for all that is known."""
        return replica.storage not in self._lost and (replica.storage, replica.path, sha256) not in self._gone

    def seen_on(self, sha256: str, storage: str) -> Replica | None:
        """Return where this controller has seen a content on a storage."""
        path = self._copies.get(sha256, {}).get(storage)
        return None if path is None or storage in self._lost else Replica(storage, path)

    def on_record(self, contents: Sequence[str]) -> Iterator[tuple[str, Replica]]:
        """Yield where contents may lie as far as the store knows, also what other runs have left."""
        for placed in queries.replicas_of_many(self.reader(), contents):
            storage = None if placed.location is None else self.storage_of(placed.location)
            if storage is not None:
                sha256, found = placed.replica.sha256, Replica(storage, placed.replica.path)
                if sha256 is not None and self.may_be(sha256, found):
                    yield sha256, found

    def candidates(self, sha256: str, first: Iterable[Replica]) -> list[Replica]:
        """Return where a content may be had, those that are known first, each once."""
        found = dict.fromkeys(item for item in first if self.may_be(sha256, item))
        for storage, path in self._copies.get(sha256, {}).items():
            if storage not in self._lost:
                found[Replica(storage, path)] = None
        found.update(dict.fromkeys(replica for _, replica in self.on_record([sha256])))
        return list(found)
