"""Amounts and texts as pages show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.views.words import bytes_text, clean, counted, instant, seconds_text, shortened


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.0, "0 ms"),
        (0.047, "47 ms"),
        (1.25, "1.2 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (18200, "5 h 03 min"),
        (190000, "2 d 4 h"),
    ],
)
def test_a_span_of_time_reads_well(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    "amount, text", [(None, ""), (0, "0 bytes"), (999, "999 bytes"), (28164, "28.2 kB"), (10**15, "1000.0 TB")]
)
def test_an_amount_of_bytes_reads_well(amount: int | None, text: str) -> None:
    assert bytes_text(amount) == text


def test_an_instant_is_utc() -> None:
    assert instant(0.0) == "1970-01-01 00:00:00"
    assert instant(None) == ""


def test_what_would_turn_text_round_or_move_a_cursor_is_replaced() -> None:
    assert clean("a\u202eb\x1b[31m\x00c\ud800") == "a\ufffdb\ufffd[31m\ufffdc\ufffd"
    assert clean("täglich 每天\n\tok") == "täglich 每天\n\tok"


@given(st.text())
def test_a_clean_text_can_be_written_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned
    assert len(cleaned) == len(text)


@given(st.text(), st.integers(1, 50))
def test_a_shortened_text_is_never_longer(text: str, most: int) -> None:
    assert len(shortened(text, most)) <= most


def test_one_thing_has_no_plural() -> None:
    assert (counted(1, "job"), counted(1200, "job")) == ("1 job", "1,200 jobs")
