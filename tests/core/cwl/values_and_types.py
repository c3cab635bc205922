"""Strategies for types of CWL, values that fit them by construction, and values that cannot."""

from typing import Any

from hypothesis import strategies as st

from recrate.core.cwl.types import ArrayType, EnumType, Field, Primitive, RecordType, Type, UnionType

NAMES = st.text("abcdefgh_", min_size=1, max_size=4)
PRIMITIVE_NAMES = ["null", "boolean", "int", "long", "float", "double", "string", "File", "Directory", "Any"]
FLAT = st.sampled_from([Primitive(name) for name in PRIMITIVE_NAMES]) | st.lists(
    NAMES, min_size=1, max_size=3, unique=True
).map(lambda names: EnumType(tuple(names)))


def _record(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.dictionaries(NAMES.filter(lambda name: name != "class"), inner, max_size=3).map(
        lambda fields: RecordType(tuple(Field(name, type_) for name, type_ in fields.items()))
    )


def _union(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    single = inner.filter(lambda type_: not isinstance(type_, UnionType))
    return st.lists(single, min_size=2, max_size=3).map(lambda items: UnionType(tuple(items)))


TYPES: st.SearchStrategy[Type] = st.recursive(
    FLAT, lambda inner: inner.map(ArrayType) | _record(inner) | _union(inner), max_leaves=5
)

SCALARS = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False) | st.integers(),
    "double": st.floats(allow_nan=False) | st.integers(),
    "string": st.text(max_size=5),
    "File": st.just({"class": "File", "location": "file:///a"}),
    "Directory": st.just({"class": "Directory", "location": "file:///a"}),
}
ANYTHING = st.one_of(*(strategy for name, strategy in SCALARS.items() if name != "null"), st.lists(st.none()))


def fitting(type_: Type) -> st.SearchStrategy[Any]:
    """Values that have a type."""
    if isinstance(type_, Primitive):
        return ANYTHING if type_.name == "Any" else SCALARS[type_.name]
    if isinstance(type_, EnumType):
        return st.sampled_from(type_.symbols)
    if isinstance(type_, ArrayType):
        return st.lists(fitting(type_.items), max_size=3)
    if isinstance(type_, RecordType):
        return st.fixed_dictionaries({field.name: fitting(field.type) for field in type_.fields})
    return st.one_of(*(fitting(item) for item in type_.alternatives))


KINDS = {
    "null": st.none(),
    "boolean": st.booleans(),
    "whole": st.integers(2**40, 2**63 - 1),
    "huge": st.integers(2**63, 2**70) | st.integers(-(2**70), -(2**63) - 1),
    "fraction": st.floats(0.1, 0.9),
    "string": st.text("ÄÖÜ", min_size=1),
    "File": SCALARS["File"],
    "Directory": SCALARS["Directory"],
    "list": st.just([None]),
    "object": st.just({"\0": 1}),
}
"""Kinds of values, none of which is of two; the strings are symbols of no enum here."""

ACCEPTED = {
    "null": {"null"},
    "boolean": {"boolean"},
    "int": set(),
    "long": {"whole"},
    "float": {"whole", "huge", "fraction"},
    "double": {"whole", "huge", "fraction"},
    "string": {"string"},
    "File": {"File"},
    "Directory": {"Directory"},
    "Any": set(KINDS) - {"null"},
}


def accepted(type_: Type) -> set[str]:
    """The kinds of which some value may have a type."""
    if isinstance(type_, Primitive):
        return ACCEPTED[type_.name]
    if isinstance(type_, EnumType):
        return set()
    if isinstance(type_, ArrayType):
        return {"list"}
    if isinstance(type_, RecordType):
        return {"object"}
    return set().union(*(accepted(item) for item in type_.alternatives))


def unfitting(type_: Type) -> st.SearchStrategy[Any]:
    """Values that do not have a type: of a kind that it has no value of, or with something such inside."""
    choices = [strategy for kind, strategy in KINDS.items() if kind not in accepted(type_)]
    if isinstance(type_, ArrayType):
        inner = unfitting(type_.items)
        choices.append(
            st.tuples(st.lists(fitting(type_.items), max_size=2), inner).map(lambda pair: [*pair[0], pair[1]])
        )
    if isinstance(type_, RecordType) and type_.fields:
        choices.append(st.sampled_from(type_.fields).flatmap(lambda field: _spoilt(type_, field)))
    return st.one_of(*choices)


def _spoilt(type_: RecordType, field: Field) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {other.name: unfitting(other.type) if other is field else fitting(other.type) for other in type_.fields}
    )
