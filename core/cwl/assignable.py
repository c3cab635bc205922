"""Types of links: can a value of one type ever be a value of another? (CWL v1.2 Workflow, section 4.2)

What is merely possible is accepted, and checked again when the value is there; only what can
never fit is refused. An optional source may feed a required sink: it is an error only when the
value is null.
"""

from __future__ import annotations

from collections.abc import Sequence

from .type_text import type_text
from .types import ANY, NULL, ArrayType, EnumType, Primitive, RecordType, Type, UnionType

WIDER = {
    "int": frozenset({"int", "long", "float", "double"}),
    "long": frozenset({"int", "long", "float", "double"}),
    "float": frozenset({"int", "long", "float", "double"}),
    "double": frozenset({"int", "long", "float", "double"}),
}


def can_flow(source: Type, sink: Type) -> bool:
    """Tell whether some value of the source's type is a value of the sink's type."""
    if ANY in (source, sink):
        return True
    if isinstance(source, UnionType):
        rest = [item for item in source.alternatives if item != NULL]
        return any(can_flow(item, sink) for item in (rest or source.alternatives))
    if isinstance(sink, UnionType):
        return any(can_flow(source, item) for item in sink.alternatives)
    if isinstance(source, Primitive) and isinstance(sink, Primitive):
        return source == sink or sink.name in WIDER.get(source.name, ())
    if isinstance(source, ArrayType) and isinstance(sink, ArrayType):
        return can_flow(source.items, sink.items)
    if isinstance(source, RecordType) and isinstance(sink, RecordType):
        return _record_flows(source, sink)
    if isinstance(source, EnumType) and isinstance(sink, EnumType):
        return not set(source.symbols).isdisjoint(sink.symbols)
    string = Primitive("string")
    return (isinstance(source, EnumType) and sink == string) or (source == string and isinstance(sink, EnumType))


def _record_flows(source: RecordType, sink: RecordType) -> bool:
    for field in sink.fields:
        found = source.field(field.name)
        if found is None:
            if not can_flow(NULL, field.type):
                return False
        elif not can_flow(found.type, field.type):
            return False
    return True


def sink_text(sinks: Sequence[Type]) -> str:
    """Return in words what a sink takes."""
    return " or ".join(type_text(item) for item in sinks) or "no list"
