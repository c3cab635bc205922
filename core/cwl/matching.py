"""Values against types (CWL v1.2 Command Line Tool, section 5.1.1 CWLType and on)."""

from __future__ import annotations

from collections.abc import Mapping

from ..values import Value
from .type_text import type_text
from .types import ArrayType, EnumType, Primitive, RecordType, Type, UnionType

INT_LIMIT = 2**31
LONG_LIMIT = 2**63


def matches(value: Value, type_: Type) -> bool:
    """Tell whether a value has a type."""
    return mismatch(value, type_) is None


def mismatch(value: Value, type_: Type, path: str = "") -> str | None:
    """Return why a value does not have a type, else None.

    The reason is one line that begins with the path to what is wrong: `reads[2].size: expected
    int, got 'x'`. `path` is what the value itself is called.
    """
    return _mismatch(value, type_, path)


def best_alternative(value: Value, union: UnionType) -> Type | None:
    """Return the first alternative of a union that a value has, or None."""
    return next((item for item in union.alternatives if matches(value, item)), None)


def _mismatch(value: Value, type_: Type, path: str) -> str | None:
    if isinstance(type_, Primitive):
        return None if _is_primitive(value, type_.name) else _said(path, type_, value)
    if isinstance(type_, EnumType):
        return None if isinstance(value, str) and value in type_.symbols else _said(path, type_, value)
    if isinstance(type_, ArrayType):
        return _array_mismatch(value, type_, path)
    if isinstance(type_, RecordType):
        return _record_mismatch(value, type_, path)
    reasons = [_mismatch(value, item, path) for item in type_.alternatives]
    if None in reasons:
        return None
    inner = [reason for reason, item in zip(reasons, type_.alternatives, strict=True) if _is_near(value, item)]
    return inner[0] if len(inner) == 1 else _said(path, type_, value)


def _is_near(value: Value, type_: Type) -> bool:
    """Tell whether a value has the outer form of a type, so that what is wrong is inside."""
    return (isinstance(type_, ArrayType) and isinstance(value, list)) or (
        isinstance(type_, RecordType) and isinstance(value, Mapping)
    )


def _array_mismatch(value: Value, type_: ArrayType, path: str) -> str | None:
    if not isinstance(value, list):
        return _said(path, type_, value)
    for index, item in enumerate(value):
        reason = _mismatch(item, type_.items, f"{path}[{index}]")
        if reason is not None:
            return reason
    return None


def _record_mismatch(value: Value, type_: RecordType, path: str) -> str | None:
    if not isinstance(value, Mapping) or value.get("class") in ("File", "Directory"):
        return _said(path, type_, value)
    for field in type_.fields:
        inside = f"{path}.{field.name}" if path else field.name
        reason = _mismatch(value.get(field.name), field.type, inside)
        if reason is not None:
            return f"{inside}: missing" if field.name not in value else reason
    return None


def _is_primitive(value: Value, name: str) -> bool:
    if name == "null":
        return value is None
    if name == "Any":
        return value is not None
    if name == "boolean":
        return isinstance(value, bool)
    if name == "string":
        return isinstance(value, str)
    if name in ("File", "Directory"):
        return isinstance(value, Mapping) and value.get("class") == name
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if name in ("float", "double"):
        return True
    limit = INT_LIMIT if name == "int" else LONG_LIMIT
    return isinstance(value, int) and -limit <= value < limit


def _said(path: str, type_: Type, value: Value) -> str:
    place = f"{path}: " if path else ""
    return f"{place}expected {type_text(type_)}, got {shown(value)}"


def shown(value: Value) -> str:
    """Return a value in a few words."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        kind = value.get("class")
        return f"a {kind}" if kind in ("File", "Directory") else "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return repr(value if len(value) < 40 else value[:40] + "...")
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
