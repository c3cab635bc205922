"""Names and ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from storebed.samples import run_row

from recrate.provenance import ids, names
from recrate.provenance.store import Store

PARTS = st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1, max_size=4)


def test_a_name_is_readable(store: Store) -> None:
    assert re.fullmatch(r"[a-z]+-[a-z]+-[1-9][0-9]?", names.new_name(store))


def test_a_name_is_not_taken_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = iter(["calm-otter-1", "calm-otter-1", "calm-otter-2"])
    store.write(run_row("1" * 16, name="calm-otter-1"))
    monkeypatch.setattr(names, "_any_name", lambda: next(chosen))
    assert names.new_name(store) == "calm-otter-2"


def test_words_are_there_once_and_in_order() -> None:
    for words in (names.ADJECTIVES.split(), names.NOUNS.split()):
        assert words == sorted(set(words))
        assert len(words) > 90


@given(PARTS, PARTS)
def test_ids_differ_when_what_they_follow_from_differs(one: list[str], other: list[str]) -> None:
    assert (ids.derived_id(*one) == ids.derived_id(*other)) == (one == other)


def test_ids_are_hex_digits_that_do_not_change_between_releases() -> None:
    assert ids.job_id("0123456789abcdef", "/fold[3]/train~2") == "012335da7977c1c20c1d"
    assert re.fullmatch("[0-9a-f]{16}", ids.new_run_id())
    assert len(ids.new_token()) == 32


@given(st.text())
def test_the_key_of_a_path_fits_a_column(path: str) -> None:
    assert -(2**63) <= ids.path_key(path) < 2**63
