"""Ports as FormalParameter: the types of CWL in the terms of the profile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recrate.crates.export.outline import Parameter
from recrate.crates.export.parameters import Kinds, Port, kinds_of, parameter_entity, scalar_text


def array(items: Any) -> Any:
    return {"type": "array", "items": items}


ENUM = {"type": "enum", "symbols": ["red", "green"]}
RECORD = {"type": "record", "fields": [{"name": "a", "type": "File"}]}


@pytest.mark.parametrize(
    "type_, kinds",
    [
        ("string", Kinds(("Text",), False, True, None)),
        ("long", Kinds(("Integer",), False, True, None)),
        ("double", Kinds(("Float",), False, True, None)),
        ("boolean", Kinds(("Boolean",), False, True, None)),
        ("File", Kinds(("File",), False, True, None)),
        ("Directory", Kinds(("Dataset",), False, True, None)),
        ("Any", Kinds(("DataType",), False, True, None)),
        (["null", "int"], Kinds(("Integer",), False, False, None)),
        (array("File"), Kinds(("File",), True, True, None)),
        (["null", array("string")], Kinds(("Text",), True, False, None)),
        (array(["null", "string"]), Kinds(("Text",), True, True, None)),
        (array(array("File")), Kinds(("File",), True, True, None)),
        (["File", "string", array("string")], Kinds(("File", "Text"), True, True, None)),
        (ENUM, Kinds(("Text",), False, True, "red|green")),
        (RECORD, Kinds(("PropertyValue",), True, True, None)),
        (["null"], Kinds(("DataType",), False, False, None)),
        ({"type": "something else"}, Kinds(("DataType",), False, True, None)),
    ],
)
def test_types_have_their_counterparts(type_: Any, kinds: Kinds) -> None:
    assert kinds_of(type_) == kinds


def test_a_file_that_brings_others_along_is_a_collection() -> None:
    assert kinds_of(["null", "File"], secondary=True).types == ("Collection",)


def test_a_port_says_what_its_text_says() -> None:
    parameter = Parameter("#p", "reads", json.dumps("File"), "from the rows")
    port = Port(
        default={"class": "File", "location": "file:///x/y.fq"}, formats=("http://edamontology.org/format_1930",)
    )
    assert parameter_entity(parameter, port) == {
        "@id": "#p",
        "@type": "FormalParameter",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        "name": "reads",
        "additionalType": "File",
        "description": "from the rows",
        "valueRequired": "False",
        "encodingFormat": "http://edamontology.org/format_1930",
        "defaultValue": "y.fq",
    }


def test_a_port_without_a_type_takes_anything() -> None:
    assert parameter_entity(Parameter("#p", "x", None, None), Port())["additionalType"] == "DataType"


@pytest.mark.parametrize(
    "value, text", [("a", "a"), (True, "True"), (1, "1"), (0.1, "0.1"), (None, "null"), ({"a": [1]}, '{"a": [1]}')]
)
def test_scalars_are_texts(value: Any, text: str) -> None:
    assert scalar_text(value) == text
