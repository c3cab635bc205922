"""Types of CWL written out: as JSON, and in a few words for people."""

from __future__ import annotations

from typing import Any

from .types import ArrayType, EnumType, Primitive, RecordType, Type


def type_json(type_: Type) -> Any:
    """Return a type as a CWL document would say it (CWL v1.2, section 5.1.1)."""
    if isinstance(type_, Primitive):
        return type_.name
    if isinstance(type_, ArrayType):
        return {"type": "array", "items": type_json(type_.items)}
    if isinstance(type_, EnumType):
        return {"type": "enum", "symbols": list(type_.symbols)}
    if isinstance(type_, RecordType):
        fields = [{"name": field.name, "type": type_json(field.type)} for field in type_.fields]
        return {"type": "record", "fields": fields}
    return [type_json(alternative) for alternative in type_.alternatives]


def type_text(type_: Type) -> str:
    """Return a type in a few words: `File[]?`, `one of a, b`, `record of x, y`."""
    if isinstance(type_, Primitive):
        return type_.name
    if isinstance(type_, ArrayType):
        return f"{_grouped(type_.items)}[]"
    if isinstance(type_, EnumType):
        return "one of " + ", ".join(type_.symbols)
    if isinstance(type_, RecordType):
        return "record of " + ", ".join(field.name for field in type_.fields)
    rest = [item for item in type_.alternatives if item != Primitive("null")]
    if len(rest) < len(type_.alternatives):
        return f"{_grouped(rest[0])}?" if len(rest) == 1 else f"({' or '.join(map(type_text, rest))})?"
    return " or ".join(map(type_text, rest))


def _grouped(type_: Type) -> str:
    text = type_text(type_)
    return f"({text})" if " " in text else text
