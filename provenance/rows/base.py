"""What all classes of rows have in common.

They are data classes (`data_classes`) of which the class knows its columns too; eight are built for each job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

from ...data_classes import dataclass
from ..conflict import OnConflict

R = TypeVar("R", bound="Row")


class Row:
    """A row of a table. Two are equal when they are of one table and all columns are equal."""

    __slots__ = ()

    TABLE: ClassVar[str]
    """Name of the table."""
    COLUMNS: ClassVar[tuple[str, ...]]
    """Names of its columns, in the order of the fields."""
    KEY: ClassVar[tuple[str, ...]]
    """The columns that make up its primary key."""
    ENUMS: ClassVar[Mapping[str, type[Enum]]]
    """The columns that hold enums."""
    FLAGS: ClassVar[tuple[str, ...]]
    """The columns that hold true or false."""
    ON_CONFLICT: ClassVar[OnConflict]
    """What happens to a row whose key is there already."""
    SHARED: ClassVar[bool]
    """True for tables whose rows belong to no run."""

    STORED: ClassVar[Callable[[Row], tuple[Any, ...]]]
    """Returns the values of the columns in their order, enums by name."""
    TEXTS: ClassVar[Callable[[Row], tuple[Any, ...]]]
    """Returns the values of those columns that hold free text, or None."""

    def values(self) -> tuple[Any, ...]:
        """Return the values of the columns, in their order."""
        return tuple([getattr(self, name) for name in self.COLUMNS])


@dataclass_transform(frozen_default=True, kw_only_default=True)
def row(cls: type[R]) -> type[R]:
    """Make a data class of a class that describes a row."""
    made: type[R] = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    columns = fields(made)  # type: ignore[arg-type]
    made.COLUMNS = tuple(column.name for column in columns)
    # A getter made once reads all columns in one call, and with a dotted name the name of an enum's member.
    made.STORED = attrgetter(*(f"{name}._name_" if name in made.ENUMS else name for name in made.COLUMNS))
    made.TEXTS = attrgetter(*(column.name for column in columns if str(column.type).startswith("str")))
    return made
