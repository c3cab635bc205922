"""The time of a controller is put together by phase, and what libraries do counts for whoever called them."""

from __future__ import annotations

import cProfile
import json
import time

import pytest

from recrate.core.phases import IMPORTS, REST, THREADS, by_phase, phase_of, profiled
from recrate.core.values import to_json
from recrate.hashing import hash_json


def test_a_function_of_ours_belongs_to_the_phase_of_its_module() -> None:
    assert phase_of(to_json.__code__) == "writing down"
    assert phase_of(hash_json.__code__) == "collecting and hashing outputs"
    assert phase_of(json.dumps.__code__) is None
    assert phase_of(compile("", "<frozen importlib._bootstrap>", "exec")) == IMPORTS


def test_what_a_library_does_for_a_function_counts_as_its_own() -> None:
    profile = cProfile.Profile()
    value = [{"a": number} for number in range(20_000)]
    profile.runcall(to_json, value)
    spent = by_phase(profile.getstats())
    assert spent["writing down"].calls == 1
    assert spent["writing down"].seconds > 5 * sum(one.seconds for name, one in spent.items() if name != "writing down")


def test_all_of_the_time_is_somewhere() -> None:
    begun = time.perf_counter()
    result, spent = profiled(lambda: sum(len(to_json(list(range(1000)))) for _ in range(50)), age=2.0)
    seconds = time.perf_counter() - begun
    assert result == sum(len(to_json(list(range(1000)))) for _ in range(50))
    assert sum(one.seconds for one in spent if one.phase != THREADS) == pytest.approx(2.0 + seconds, rel=0.2)
    assert spent[0].phase == IMPORTS and spent[-1].phase == THREADS
    assert {one.phase for one in spent} >= {"writing down", REST}
