"""SQL of others: it reads the store, and can do nothing else."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from storebed.samples import Sample

from recrate.errors import StoreFailed, UsageError
from recrate.provenance.sql import ask_sql
from recrate.provenance.store import Store
from recrate.provenance.urls import Dialect, parse_store_url


def test_a_query_gives_columns_and_rows(store: Store, sample: Sample) -> None:
    answer = ask_sql(store.url, "SELECT path AS job, count(*) AS attempts FROM job JOIN attempt ON job_id = job.id "
                                "GROUP BY path ORDER BY 2 DESC, 1")  # fmt: skip
    assert answer.columns == ["job", "attempts"]
    assert answer.rows == [("/count[1]", 2), ("/count[0]", 1), ("/sum", 1)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM event",
        "UPDATE run SET name = 'x'",
        "INSERT INTO event SELECT * FROM event",
        "DROP TABLE event",
        "CREATE TABLE mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "SELECT 1; DELETE FROM event",
        "SELECT 1; COMMIT; DELETE FROM event",
        "COMMIT; DELETE FROM event",
        "WITH gone AS (DELETE FROM event RETURNING seq) SELECT * FROM gone",
        "VACUUM",
        "no sql at all",
    ],
)
def test_what_would_write_is_refused(store: Store, sample: Sample, sql: str) -> None:
    before = store.database.query("SELECT * FROM event")
    with pytest.raises(UsageError, match="refused"):
        ask_sql(store.url, sql)
    assert store.database.query("SELECT * FROM event") == before
    assert not store.database.has_table("mine")


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "SELECT load_extension('x')",
        "BEGIN IMMEDIATE",
        "VACUUM INTO 'other.db'",
    ],
)
def test_ways_around_sqlites_own_guards_are_closed(tmp_path: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from recrate.provenance.store import open_store

    with open_store(str(tmp_path / "store.db")) as store, pytest.raises(UsageError, match="refused"):
        ask_sql(store.url, sql)
    assert "other.db" not in os.listdir(tmp_path)


@pytest.mark.parametrize("end", ["", "COMMIT;"])
def test_a_transaction_made_writable_by_its_only_statement_is_undone(store: Store, sample: Sample, end: str) -> None:
    if store.url.dialect is Dialect.SQLITE:
        pytest.skip("a block is a statement of PostgreSQL")
    writable = "PERFORM set_config('transaction_read_only', 'off', true)"
    with suppress(UsageError):
        ask_sql(store.url, f"DO $$ BEGIN {writable}; DELETE FROM event; {end} END $$")
    assert store.database.query("SELECT count(*) FROM event") == [(5,)]


def test_a_setting_does_not_outlive_its_query(store: Store, sample: Sample) -> None:
    if store.url.dialect is Dialect.SQLITE:
        pytest.skip("set_config is a function of PostgreSQL")
    ask_sql(store.url, "SELECT set_config('default_transaction_read_only', 'off', false)")
    with pytest.raises(UsageError, match="refused"):
        ask_sql(store.url, "DELETE FROM event")


def test_a_query_that_takes_too_long_is_stopped(store: Store, sample: Sample) -> None:
    tables = ", ".join(f"token t{number}" for number in range(14))
    began = time.monotonic()
    with pytest.raises(StoreFailed, match=r"longer than 0\.3 s"):
        ask_sql(store.url, f"SELECT count(*) FROM {tables}", seconds=0.3)
    assert time.monotonic() - began < 5


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="cannot open the store"):
        ask_sql(parse_store_url(str(tmp_path / "none.db")), "SELECT 1")
    assert os.listdir(tmp_path) == []


def test_a_store_is_read_while_another_connection_writes(store: Store, sample: Sample) -> None:
    with store.database.transaction():
        store.database.execute("DELETE FROM event")
        assert ask_sql(store.url, "SELECT count(*) FROM event").rows == [(5,)]
