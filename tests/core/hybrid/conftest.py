"""Gives tests of runs on several places such places, and a bench to run documents on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...elsewhere.connector import ROOTS
from .fields import Fields


@pytest.fixture
def fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fields]:
    """Return places `east` and `west` that share nothing, and a bench."""
    made = Fields(tmp_path)

    def make(kind: str, name: str, options: Any, **stack: Any) -> Any:
        return made.connector(kind, name, options, stack)

    monkeypatch.setattr("recrate.core.sites.make_connector", make)
    ROOTS.clear()
    ROOTS.add(str(made.bench.directory))
    yield made
    made.bench.close()
