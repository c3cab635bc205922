"""Fixtures: a fresh store in each kind of database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from storebed.samples import Sample
from storebed.servers import missing_program, running_server

from recrate.provenance.store import Store, open_store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    reason = missing_program()
    if reason is not None:
        pytest.skip(reason)
    pytest.importorskip("psycopg")
    with running_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "data" / "store.db")
    import psycopg

    server: str = request.getfixturevalue("postgres_server")
    schema = f"s{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return f"{server}?options=-csearch_path%3D{schema}"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def sample(store: Store) -> Sample:
    """A small run with a scatter, in the store."""
    return Sample.stored_in(store)
