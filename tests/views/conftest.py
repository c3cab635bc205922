"""Runs to look at, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from storebed.looked_at import make_runs

from recrate.provenance.database import Database
from recrate.provenance.store import Store, open_store


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store: see `make_runs`."""
    folder = tmp_path_factory.mktemp("views")
    make_runs(folder)
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with open_store(str(folder / "store.db")) as opened:
        yield opened


@pytest.fixture
def database(store: Store) -> Iterator[Database]:
    opened = store.connect(readonly=True)
    yield opened
    opened.close()
