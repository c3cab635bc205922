"""What the tests of the benchmarks have in common."""

from __future__ import annotations

import pytest
from storebed.benchmark_package import load_benchmarks

load_benchmarks()

from benchmarks.questions import QUESTIONS  # noqa: E402
from benchmarks.questions.base import Case  # noqa: E402

TINY = {"scatter": 3, "many": 3, "chain": 3, "fan-in": 3, "file-array": 3, "nested": 2, "expressions": 3, "staging": 1}


@pytest.fixture(params=QUESTIONS, ids=lambda question: question.name)
def tiny(request: pytest.FixtureRequest) -> Case:
    """Each question at a size that takes no time."""
    return Case(request.param, TINY.get(request.param.name, request.param.quick))
