"""The metadata file, written bit by bit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.crates.export.graph import Spool, document, encoded, with_lists

TEXTS = st.text(st.characters(codec="utf-8"))
ENTITIES = st.lists(st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.lists(TEXTS)), max_size=4), max_size=6)


@given(ENTITIES, ENTITIES)
def test_what_is_written_is_what_was_added(first: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    head = [{"@id": "./"}, *first]
    with Spool() as body:
        for one in others:
            body.add(one)
        made = b"".join(document(["context"], ([encoded(one)] for one in head), [body]))
    assert json.loads(made) == {"@context": ["context"], "@graph": [*head, *others]}


@pytest.mark.parametrize(
    "ids, value", [([], None), (["#a"], {"@id": "#a"}), (["#a", "#b"], [{"@id": "#a"}, {"@id": "#b"}])]
)
def test_spooled_lists_are_as_others(ids: list[str], value: Any) -> None:
    with Spool() as objects:
        for one in ids:
            objects.add_ref(one)
        made = json.loads(b"".join(with_lists({"@id": "#x", "@type": "T"}, {"object": objects})))
    assert made.get("object") == value


def test_a_spool_can_be_filled_again() -> None:
    with Spool() as spool:
        for text in ("a" * 10, "b"):
            spool.add(text)
            assert b"".join(spool.chunks()) == encoded(text)
            spool.clear()
