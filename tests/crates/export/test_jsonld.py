"""Entities in the forms that the profiles ask for."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.crates.export import jsonld

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}\+00:00")
"""What the official validator accepts of an instant."""


@given(st.floats(0, 4_000_000_000))
def test_instants_are_utc_with_milliseconds(seconds: float) -> None:
    assert INSTANT.fullmatch(str(jsonld.instant(seconds)))


def test_an_instant_that_is_not_known_is_none() -> None:
    assert jsonld.instant(None) is None


@pytest.mark.parametrize(
    "ids, value",
    [([], None), (["#a"], {"@id": "#a"}), (["#a", "#b", "#a"], [{"@id": "#a"}, {"@id": "#b"}])],
)
def test_a_single_reference_stands_alone(ids: list[str], value: object) -> None:
    assert jsonld.refs(ids) == value


def test_an_entity_has_no_empty_properties() -> None:
    assert jsonld.entity("#a", "Thing", name="x", url=None) == {"@id": "#a", "@type": "Thing", "name": "x"}


@given(st.binary())
def test_any_bytes_of_a_name_become_text_that_utf_8_can_hold(content: bytes) -> None:
    jsonld.clean(content.decode("utf-8", "surrogateescape")).encode()


def test_bytes_that_are_no_text_stand_as_escapes() -> None:
    assert jsonld.clean(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"


@given(st.text())
def test_any_name_can_be_a_part_of_an_id(name: str) -> None:
    escaped = jsonld.escaped(name)
    assert not re.search(r"[\s#<>\[\]{}/\"]", escaped)
    json.dumps(escaped).encode()


@pytest.mark.parametrize(
    "path, identity",
    [
        ("a b/c#d.txt", "a%20b/c%23d.txt"),
        ("a:b/c:d", "a%3Ab/c:d"),
        ("é☃", "é☃"),
        ("a\u2003b", "a%E2%80%83b"),
        ("50%", "50%25"),
    ],
)
def test_a_path_is_escaped_as_a_relative_reference(path: str, identity: str) -> None:
    assert jsonld.path_id(path) == identity
