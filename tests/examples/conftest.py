"""Where the examples are."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def examples() -> Path:
    """The directory of the examples."""
    return Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def penguins(examples: Path) -> Path:
    """The directory of the experiment."""
    return examples / "penguins"
