"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cratebed.commands import Recrate
from testbed.hosts import Hosts, make_hosts, or_skip

# No test may depend on what an earlier one, or the user's own work, left in the cache of documents.
os.environ["RECRATE_DOCUMENT_CACHE"] = ""


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    """Return the testbed that all tests of this process share; a test starts the hosts that it needs."""
    with or_skip(pytest.skip), make_hosts() as made:
        yield made


@pytest.fixture
def recrate(tmp_path: Path) -> Recrate:
    """Return the command line, called in the directory of the test."""
    return Recrate(tmp_path)
