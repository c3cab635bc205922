"""The type system of CWL as data (CWL v1.2 Command Line Tool, section 5.1.1 CWLType and on)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ...data_classes import dataclass

Expression: TypeAlias = str
"""A string that may hold parameter references or expressions."""

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "string", "File", "Directory", "Any"})


@dataclass(frozen=True, slots=True)
class Binding:
    """A CommandLineBinding (section 5.1.4). `present` fields default as the specification says."""

    position: int | Expression = 0
    prefix: str | None = None
    separate: bool = True
    item_separator: str | None = None
    value_from: Expression | None = None
    shell_quote: bool = True
    load_contents: bool = False


@dataclass(frozen=True, slots=True)
class SecondaryFile:
    """A SecondaryFileSchema: `required` None means the default of its place."""

    pattern: Expression
    required: bool | Expression | None = None


@dataclass(frozen=True, slots=True)
class OutputBinding:
    """A CommandOutputBinding."""

    glob: Expression | tuple[Expression, ...] | None = None
    load_contents: bool = False
    load_listing: str | None = None
    output_eval: Expression | None = None


@dataclass(frozen=True, slots=True)
class Primitive:
    """null, boolean, int, long, float, double, string, File, Directory or Any."""

    name: str


@dataclass(frozen=True, slots=True)
class ArrayType:
    """A list of `items`."""

    items: Type
    binding: Binding | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of `symbols` (short names)."""

    symbols: tuple[str, ...]
    binding: Binding | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record, of an input or of an output."""

    name: str
    type: Type
    secondary_files: tuple[SecondaryFile, ...] = ()
    format: Expression | tuple[str, ...] | None = None
    streamable: bool = False
    load_contents: bool = False
    load_listing: str | None = None
    binding: Binding | None = None
    output_binding: OutputBinding | None = None
    label: str | None = None
    doc: str | None = None
    default: Any = None
    has_default: bool = False
    """Fields of records have no default before CWL v1.3; kept for a uniform treatment."""


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record with named fields."""

    fields: tuple[Field, ...]
    binding: Binding | None = None
    name: str | None = None

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class UnionType:
    """Any one of several types; never nested, never of one alone."""

    alternatives: tuple[Type, ...]


Type: TypeAlias = Primitive | ArrayType | EnumType | RecordType | UnionType

NULL = Primitive("null")
ANY = Primitive("Any")
FILE = Primitive("File")
DIRECTORY = Primitive("Directory")

Requirements: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Requirements or hints by class, each the normalised object as it stands in the document."""
