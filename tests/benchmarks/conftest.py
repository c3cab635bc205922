"""The benchmarks as a package for their tests: the tests' own directory has the same name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def load_benchmarks() -> None:
    """Import the package from the tree; its root must not be on the path, where its parts would hide others."""
    folder = ROOT / "benchmarks"
    spec = importlib.util.spec_from_file_location(
        "benchmarks", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmarks"] = module
    spec.loader.exec_module(module)


load_benchmarks()

from benchmarks.questions import QUESTIONS  # noqa: E402
from benchmarks.questions.base import Case  # noqa: E402

TINY = {"scatter": 3, "many": 3, "chain": 3, "fan-in": 3, "file-array": 3, "nested": 2, "expressions": 3, "staging": 1}


@pytest.fixture(params=QUESTIONS, ids=lambda question: question.name)
def tiny(request: pytest.FixtureRequest) -> Case:
    """Each question at a size that takes no time."""
    return Case(request.param, TINY.get(request.param.name, request.param.quick))
