"""Journeys: what a job's inputs look like where it runs, and what must be brought there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from ..data_classes import dataclass
from .places import Place, Storage
from .values import Value, Values


@dataclass(frozen=True, slots=True)
class Replica:
    """A content at an absolute path of a storage."""

    storage: str
    path: str


@dataclass(frozen=True, slots=True)
class Move:
    """A content that is to be brought to a path of a storage, by whichever way; `first` is where it is known to lie."""

    sha256: str
    path: str
    first: Replica
    size: int | None = None
    """Bytes; None is 'not known'."""
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class Journey:
    """Inputs as a place will see them: each location is a `file://` URI without a host."""

    target: Storage
    values: Values
    moves: tuple[Move, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    """By location at the place: what it was before, where these differ."""

    @property
    def bytes(self) -> int:
        """How much is to be moved, as far as is known."""
        return sum(move.size or 0 for move in self.moves)


@dataclass(frozen=True, slots=True)
class Lost:
    """A content that is needed, and that is at none of the places where it may be."""

    replica: Replica
    sha256: str
    is_directory: bool


class Moving(Protocol):
    """Brings data to where jobs run."""

    async def journey(self, inputs: Values, place: Place) -> Journey:
        """Return how inputs get to a place; nothing is moved yet. Raises PlaceFailed, InputInvalid."""
        ...

    async def travel(self, journey: Journey) -> None:
        """Return when everything is there. Raises PlaceFailed, InputInvalid."""
        ...

    def placed(self, outputs: Values, place: Place, journey: Journey) -> Values:
        """Return what a job made at a place, with locations that hold everywhere."""
        ...

    async def collected(self, step: str, outputs: Values) -> None:
        """Bring what a job of a step made to where its ports are bound to. Raises PlaceFailed, InputInvalid."""
        ...

    @property
    def bytes_moved(self) -> int:
        """How much has moved so far."""
        ...

    def diagnosis(self) -> list[str]:
        """Return what is being moved, in a line."""
        ...

    async def fetch(self, location: str, values: Value) -> None:
        """Bring a file of another place, which stands in values, to the controller, to be read there.

        Raises PlaceFailed, InputInvalid.
        """
        ...

    def view(self, values: Values) -> Values:
        """Return values in which those files of other places that were fetched lie on this machine."""
        ...

    def unviewed(self, values: Values) -> Values:
        """Return values as they are everywhere, which were made of a `view`."""
        ...

    async def home(self, values: Values) -> Values:
        """Bring all files in values to the controller, and return the values with these."""
        ...

    async def lost(self, value: Value) -> list[Lost]:
        """Return the contents of other places in a value that are to be had nowhere any more."""
        ...

    def doubt(self, value: Value) -> None:
        """Take it that files of other places in a value may be gone: they are looked at before they are used."""
        ...
