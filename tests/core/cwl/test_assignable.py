"""Types of sources against types of sinks, and the types that come out of links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.cwl.assignable import Fit, fit
from recrate.core.cwl.link_types import allows_null, linked_type, optional, required, union
from recrate.core.cwl.matching import matches
from recrate.core.cwl.process import SourceLink
from recrate.core.cwl.types import ANY, FILE, NULL, ArrayType, EnumType, Field, Primitive, RecordType, Type, UnionType

INT, LONG, FLOAT, STRING = (Primitive(name) for name in ("int", "long", "float", "string"))
DIRECTORY = Primitive("Directory")


def record(**fields: Type) -> RecordType:
    return RecordType(tuple(Field(name, type_) for name, type_ in fields.items()))


CASES = [
    (INT, INT, Fit.ALWAYS),
    (INT, LONG, Fit.ALWAYS),
    (LONG, INT, Fit.SOMETIMES),
    (INT, FLOAT, Fit.ALWAYS),
    (FLOAT, INT, Fit.SOMETIMES),
    (INT, STRING, Fit.NEVER),
    (FILE, STRING, Fit.NEVER),
    (FILE, DIRECTORY, Fit.NEVER),
    (FILE, ANY, Fit.ALWAYS),
    (ANY, FILE, Fit.ALWAYS),
    (NULL, ANY, Fit.NEVER),
    (optional(FILE), FILE, Fit.SOMETIMES),
    (FILE, optional(FILE), Fit.ALWAYS),
    (optional(FILE), optional(FILE), Fit.ALWAYS),
    (optional(STRING), optional(FILE), Fit.NEVER),
    (NULL, optional(FILE), Fit.ALWAYS),
    (NULL, FILE, Fit.NEVER),
    (union([INT, STRING]), STRING, Fit.SOMETIMES),
    (STRING, union([INT, STRING]), Fit.ALWAYS),
    (FILE, ArrayType(FILE), Fit.NEVER),
    (ArrayType(FILE), FILE, Fit.NEVER),
    (ArrayType(INT), ArrayType(LONG), Fit.ALWAYS),
    (ArrayType(FILE), ArrayType(STRING), Fit.NEVER),
    (ArrayType(optional(FILE)), ArrayType(FILE), Fit.SOMETIMES),
    (EnumType(("a",)), EnumType(("a", "b")), Fit.ALWAYS),
    (EnumType(("a", "c")), EnumType(("a", "b")), Fit.SOMETIMES),
    (EnumType(("c",)), EnumType(("a", "b")), Fit.NEVER),
    (EnumType(("a",)), STRING, Fit.ALWAYS),
    (STRING, EnumType(("a",)), Fit.SOMETIMES),
    (EnumType(("a",)), INT, Fit.NEVER),
    (record(a=INT, b=FILE), record(a=INT), Fit.ALWAYS),
    (record(a=INT), record(a=INT, b=optional(FILE)), Fit.ALWAYS),
    (record(a=INT), record(a=INT, b=FILE), Fit.NEVER),
    (record(a=STRING), record(a=INT), Fit.NEVER),
    (record(a=INT), ANY, Fit.ALWAYS),
    (record(a=INT), FILE, Fit.NEVER),
]


@pytest.mark.parametrize("source, sink, how", CASES)
def test_how_a_source_fits_a_sink(source: Type, sink: Type, how: Fit) -> None:
    assert fit(source, sink) is how


SIMPLE = st.sampled_from([INT, STRING, FILE, NULL, EnumType(("a", "b")), EnumType(("b", "c"))])
TYPES: st.SearchStrategy[Type] = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(ArrayType, inner),
        st.lists(inner, min_size=1, max_size=3).map(union),
        st.dictionaries(st.sampled_from("xy"), inner, min_size=1).map(lambda fields: record(**fields)),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.sampled_from([None, 1, "a", "b", "z", {"class": "File", "location": "file:///f"}]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=5,
)


@given(TYPES)
def test_every_type_fits_itself_and_its_optional_form(type_: Type) -> None:
    assert fit(type_, type_) is fit(type_, optional(type_)) is Fit.ALWAYS


@given(TYPES, TYPES, VALUES)
def test_a_value_of_a_source_that_always_fits_is_a_value_of_the_sink(source: Type, sink: Type, value: object) -> None:
    if fit(source, sink) is Fit.ALWAYS and matches(value, source):
        assert matches(value, sink)


@given(TYPES, TYPES, VALUES)
def test_no_value_but_null_and_the_empty_list_passes_where_nothing_ever_fits(
    source: Type, sink: Type, value: object
) -> None:
    if fit(source, sink) is Fit.NEVER and isinstance(value, str | int):
        assert not (matches(value, source) and matches(value, sink))


@given(TYPES)
def test_optional_and_required_undo_each_other(type_: Type) -> None:
    assert allows_null(optional(type_))
    assert required(optional(type_)) == required(type_)


def test_unions_are_flat_and_without_repetition() -> None:
    assert union([INT, union([INT, STRING])]) == UnionType((INT, STRING))
    assert union([INT, INT]) == INT


# --- links --------------------------------------------------------------------------------------

SOURCES = {"f": FILE, "g": optional(FILE), "fs": ArrayType(FILE), "n": INT, "gs": ArrayType(optional(FILE))}

LINKS = [
    (SourceLink(("f",)), FILE),
    (SourceLink(("f",), as_list=True), FILE),
    (SourceLink(("f",), True, "merge_nested"), ArrayType(FILE)),
    (SourceLink(("fs",), True, "merge_flattened"), ArrayType(FILE)),
    (SourceLink(("f", "g"), True), ArrayType(union([FILE, NULL]))),
    (SourceLink(("f", "n"), True), ArrayType(union([FILE, INT]))),
    (SourceLink(("f", "fs"), True, "merge_nested"), ArrayType(union([FILE, ArrayType(FILE)]))),
    (SourceLink(("f", "fs"), True, "merge_flattened"), ArrayType(FILE)),
    (SourceLink(("f", "g"), True, None, "first_non_null"), FILE),
    (SourceLink(("f", "g"), True, None, "the_only_non_null"), FILE),
    (SourceLink(("f", "g"), True, None, "all_non_null"), ArrayType(FILE)),
    (SourceLink(("gs",), False, None, "all_non_null"), ArrayType(FILE)),
    (SourceLink(("gs",), False, None, "first_non_null"), FILE),
    (SourceLink(("g",), False, None, "first_non_null"), FILE),
    (SourceLink(("fs", "gs"), True, "merge_flattened", "all_non_null"), ArrayType(FILE)),
]


@pytest.mark.parametrize("link, type_", LINKS)
def test_what_comes_out_of_a_link(link: SourceLink, type_: Type) -> None:
    found = linked_type(link, SOURCES)
    assert fit(found, type_) is fit(type_, found) is Fit.ALWAYS
