"""Fixtures for tests of crates."""

from __future__ import annotations

import pytest
from storebed.samples import Sample

from recrate.provenance.store import Store


@pytest.fixture
def sample(store: Store) -> Sample:
    """Return a run with a row of every kind, in the `store` of the module that asks."""
    return Sample.stored_in(store)
