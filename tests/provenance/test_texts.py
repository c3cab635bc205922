"""Every text comes back as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storebed.samples import event_row, run_row

from recrate.provenance import ids
from recrate.provenance.recorder import Recorder
from recrate.provenance.rows import EventRow, RunRow
from recrate.provenance.store import Store
from recrate.provenance.texts import escape, to_stored, unescape

ANY_TEXT = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from("a\x00\udcff\ud800\u241b0DF%?'\\"), max_size=12
)


@given(ANY_TEXT)
def test_unescape_undoes_escape(text: str) -> None:
    assert unescape(escape(text)) == text


@given(ANY_TEXT)
def test_what_is_stored_is_valid_utf8_without_nul(text: str) -> None:
    assert b"\0" not in escape(text).encode("utf-8")


@given(ANY_TEXT, ANY_TEXT)
def test_two_texts_are_never_stored_alike(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


def test_an_ordinary_text_is_stored_as_it_is() -> None:
    assert escape("naïve 日本 \N{GRINNING FACE} 'quoted'\n") == "naïve 日本 \N{GRINNING FACE} 'quoted'\n"


def test_a_name_that_is_not_utf8_is_stored_in_a_readable_form() -> None:
    assert escape(b"\xff.txt".decode("utf-8", "surrogateescape")) == "\u241bDCFF.txt"


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="column"):
        to_stored(["a list"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_TEXT, ANY_TEXT)
def test_any_text_survives_the_database(store: Store, text: str, other: str) -> None:
    run = ids.new_run_id()
    store.write(run_row(run, name=text, cwd=other), event_row(run, 1, body=text))
    [row] = store.database.rows(RunRow, "WHERE id = ? AND name = ?", (run, text))
    assert (row.name, row.cwd) == (text, other)
    assert store.database.rows(EventRow, "WHERE run_id = ?", (run,)) == [event_row(run, 1, body=text)]


NUMBERS = st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, REALS)
def test_any_number_survives_the_database(store: Store, number: int, real: float) -> None:
    run = ids.new_run_id()
    event = EventRow(run_id=run, seq=number, kind="k", body="{}", instant=real)
    store.write(run_row(run), event)
    assert store.database.rows(EventRow, "WHERE run_id = ?", (run,)) == [event]


def test_the_recorder_stores_odd_texts_too(store: Store) -> None:
    odd: Any = "\udcff\0\u241b"

    async def record() -> None:
        recorder = Recorder(store)
        await recorder.record(run_row("a" * 16, name=odd))
        await recorder.close()

    asyncio.run(record())
    assert [row.name for row in store.database.rows(RunRow)] == [odd]
