"""Gives tests of the engine a place to run documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench in an empty directory."""
    made = Bench(tmp_path)
    yield made
    made.close()
