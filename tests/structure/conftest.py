"""Fixtures that give the source tree to the tests of its structure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from structure.source_tree import Import, Module, imports_of, read_modules


@pytest.fixture(scope="session")
def source() -> Path:
    """The root of the source tree, which is the directory of the package."""
    return Path(os.environ.get("RECRATE_SOURCE") or Path(__file__).parents[2])


@pytest.fixture(scope="session")
def modules(source: Path) -> list[Module]:
    found = read_modules(source)
    assert len(found) > 10, f"no source tree at {source}"
    return found


@pytest.fixture(scope="session")
def imports(modules: list[Module]) -> dict[str, list[Import]]:
    """By name of the module: what it imports."""
    return {module.name: imports_of(module) for module in modules}
