"""Ports as FormalParameter (Workflow Run Crate, section "Representing parameters"; the mapping of CWL's types)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...data_classes import dataclass
from .jsonld import Entity, clean, entity, one_or_many, ref
from .outline import Parameter

PROFILE = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_TYPES: Mapping[str, str] = {
    "string": "Text", "int": "Integer", "long": "Integer", "float": "Float", "double": "Float", "boolean": "Boolean",
    "File": "File", "Directory": "Dataset", "Any": "DataType", "stdin": "File", "stdout": "File", "stderr": "File",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Port:
    """What the text of a workflow adds to what the store says of a port.

    Attributes:
        default: JSON of its default, None when it has none.
        formats: IRIs of the formats that its files have; none that depends on an expression.
        secondary: whether its files bring others along.
    """

    default: Any = None
    formats: tuple[str, ...] = ()
    secondary: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the type of a port says in the terms of the profile."""

    types: tuple[str, ...]
    many: bool
    required: bool
    pattern: str | None


def kinds_of(type_: Any, *, secondary: bool = False) -> Kinds:
    """Return what a type, as JSON of CWL, comes to. `secondary`: a File brings others along, so is a Collection."""
    leaves = list(_leaves(type_, many=False))
    types = dict.fromkeys(leaf.kind for leaf in leaves if leaf.kind != "null")
    if secondary:
        types = dict.fromkeys("Collection" if kind == "File" else kind for kind in types)
    patterns = [leaf.pattern for leaf in leaves if leaf.pattern]
    return Kinds(
        types=tuple(types) or ("DataType",),
        many=any(leaf.many for leaf in leaves),
        required=all(leaf.kind != "null" or leaf.many for leaf in leaves),
        pattern="|".join(patterns) or None,
    )


@dataclass(frozen=True, slots=True)
class _Leaf:
    kind: str
    many: bool
    pattern: str | None = None


def _leaves(type_: Any, many: bool) -> Iterator[_Leaf]:
    if isinstance(type_, list):
        for item in type_:
            yield from _leaves(item, many)
    elif isinstance(type_, Mapping):
        match type_.get("type"):
            case "array":
                yield from _leaves(type_.get("items"), True)
            case "enum":
                symbols = [str(symbol).rpartition("#")[2].rpartition("/")[2] for symbol in type_.get("symbols") or ()]
                yield _Leaf("Text", many, "|".join(symbols))
            case "record":
                yield _Leaf("PropertyValue", True)
            case inner:
                yield from _leaves(inner, many)
    elif type_ == "null":
        yield _Leaf("null", many)
    else:
        yield _Leaf(_TYPES.get(str(type_), "DataType"), many)


def parameter_entity(parameter: Parameter, port: Port) -> Entity:
    """Return the entity of a port."""
    kinds = kinds_of(json.loads(parameter.type) if parameter.type else "Any", secondary=port.secondary)
    required = kinds.required and port.default is None
    description = port.description or parameter.description
    return entity(
        parameter.id,
        "FormalParameter",
        conformsTo=ref(PROFILE),
        name=clean(parameter.name),
        additionalType=one_or_many(kinds.types),
        description=clean(description) if description else None,
        valueRequired=str(required),
        multipleValues="True" if kinds.many else None,
        valuePattern=clean(kinds.pattern) if kinds.pattern else None,
        encodingFormat=one_or_many([clean(text) for text in port.formats]),
        defaultValue=None if port.default is None else default_text(port.default),
    )


def default_text(value: Any) -> str:
    """Return a default as text: that of a text is itself, that of a file where it is."""
    if isinstance(value, Mapping) and value.get("class") in ("File", "Directory") and value.get("location"):
        return clean(str(value["location"]).rpartition("/")[2])
    return scalar_text(value)


def scalar_text(value: Any) -> str:
    """Return the text that stands for a value in a crate: values are texts there."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=True)
