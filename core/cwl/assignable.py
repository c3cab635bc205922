"""Types of links: can a value of one type be a value of another? (CWL v1.2 Workflow, section 4.1)

What is merely possible is let pass, and checked again when the value is there; only what can
never fit is refused. So an optional source may feed a required sink: it fails only on a null.
"""

from __future__ import annotations

from enum import IntEnum

from .types import ANY, NULL, ArrayType, EnumType, Primitive, RecordType, Type, UnionType

_WHOLE = ("int", "long")
_NUMBERS = ("int", "long", "float", "double")
_STRING = Primitive("string")


class Fit(IntEnum):
    """Whether values of a source are values of a sink."""

    NEVER = 0
    SOMETIMES = 1
    ALWAYS = 2


def fit(source: Type, sink: Type) -> Fit:
    """Return how well a source's type fits a sink's."""
    if source == sink:
        return Fit.ALWAYS
    if isinstance(source, UnionType):
        return _fit_union(source, sink)
    if isinstance(sink, UnionType):
        return max(fit(source, one) for one in sink.alternatives)
    if sink == ANY:
        return Fit.NEVER if source == NULL else Fit.ALWAYS
    if source == ANY:  # whoever writes Any wants no checks
        return Fit.ALWAYS
    match source, sink:
        case Primitive(), Primitive():
            return _fit_primitives(source.name, sink.name)
        case ArrayType(), ArrayType():
            return fit(source.items, sink.items)
        case RecordType(), RecordType():
            return _fit_records(source, sink)
        case EnumType(), EnumType():
            return _fit_enums(source, sink)
        case EnumType(), Primitive() if sink == _STRING:
            return Fit.ALWAYS
        case Primitive(), EnumType() if source == _STRING:
            return Fit.SOMETIMES
        case _:
            return Fit.NEVER


def _fit_union(source: UnionType, sink: Type) -> Fit:
    """A null among other things does not make a link possible: something that is not null must fit."""
    fits = {one: fit(one, sink) for one in source.alternatives}
    if all(one is Fit.ALWAYS for one in fits.values()):
        return Fit.ALWAYS
    return Fit.SOMETIMES if any(one for type_, one in fits.items() if type_ != NULL) else Fit.NEVER


def _fit_primitives(source: str, sink: str) -> Fit:
    if source not in _NUMBERS or sink not in _NUMBERS:
        return Fit.ALWAYS if source == sink else Fit.NEVER
    if source in _WHOLE and sink in _WHOLE:
        return Fit.ALWAYS if sink == "long" else Fit.SOMETIMES
    return Fit.SOMETIMES if sink in _WHOLE else Fit.ALWAYS


def _fit_records(source: RecordType, sink: RecordType) -> Fit:
    fits = []
    for wanted in sink.fields:
        given = source.field(wanted.name)
        fits.append(fit(given.type if given is not None else NULL, wanted.type))
    return min(fits, default=Fit.ALWAYS)


def _fit_enums(source: EnumType, sink: EnumType) -> Fit:
    if set(source.symbols) <= set(sink.symbols):
        return Fit.ALWAYS
    return Fit.NEVER if set(source.symbols).isdisjoint(sink.symbols) else Fit.SOMETIMES
