"""What `--chaos` asks for: what is written is read back, and what is wrong is told with what is allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.chaos.spec import ALLOWED, ChaosSpec, parse_chaos
from recrate.errors import UsageError

SHARES = st.integers(0, 10_000).map(lambda number: number / 10_000)
SPECS = st.builds(
    ChaosSpec,
    corrupt=SHARES,
    cut=SHARES,
    kill=SHARES,
    drop=SHARES,
    delay=st.integers(0, 600_000).map(lambda number: number / 1000),
    seed=st.none() | st.integers(0, 10**18 - 1),
)


@given(SPECS.filter(bool))
def test_what_is_shown_is_read_back(spec: ChaosSpec) -> None:
    again = parse_chaos(str(spec))
    assert again.seed == spec.seed
    for name in ("corrupt", "cut", "kill", "drop", "delay"):
        assert getattr(again, name) == pytest.approx(getattr(spec, name))
    assert str(again) == str(spec)


@given(st.text(max_size=30))
def test_any_other_text_is_refused_with_what_is_allowed(text: str) -> None:
    if text.strip() == "none":
        assert not parse_chaos(text)
        return
    with pytest.raises(UsageError) as caught:
        parse_chaos(text)
    assert ALLOWED in caught.value.render() and "--chaos" in caught.value.problem


def test_words_come_in_any_order_with_spaces_around() -> None:
    spec = parse_chaos(" seed=7, delay=0.25s ,kill=12.5% ")
    assert spec == ChaosSpec(kill=0.125, delay=0.25, seed=7)
    assert parse_chaos("delay=250ms").delay == spec.delay


def test_none_asks_for_nothing() -> None:
    assert not parse_chaos("none")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is none of its words"),
        ("crash=5%", "'crash=5%' is none of its words"),
        ("kill", "'kill' is none of its words"),
        ("kill=5", "kill=5 is no percentage"),
        ("kill=101%", "kill=101% is no percentage"),
        ("kill=-1%", "kill=-1% is no percentage"),
        ("kill=1%,kill=2%", "kill is given twice"),
        ("kill=0%", "'kill=0%' asks for nothing"),
        ("seed=3", "'seed=3' asks for nothing"),
        ("kill=1%,seed=x", "seed=x is no whole number"),
        ("delay=3", "delay=3 is no time"),
        ("delay=1000s", "delay=1000s is no time of at most 600 s"),
        ("none,kill=1%", "'none' is none of its words"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_chaos(text)
    assert said in caught.value.problem
    assert caught.value.exit_code == 2
