"""The three forms of the schema agree: the description, the rows, and what migrations make."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import types as sql

from recrate.provenance import make_rows, schema
from recrate.provenance.rows import TABLES
from recrate.provenance.store import Store

KINDS: dict[type[Any], str] = {sql.BigInteger: "whole", sql.Boolean: "flag", sql.Float: "real", sql.String: "text"}


def kind_of(column_type: Any) -> str:
    """Return which of the four portable types a type is."""
    if isinstance(column_type, sql.TypeDecorator):
        column_type = column_type.impl
    (kind,) = {kind for base, kind in KINDS.items() if isinstance(column_type, base)}
    return kind


def engine_of(store: Store) -> sqlalchemy.Engine:
    target = store.url.target
    if target.startswith("postgresql://"):
        return sqlalchemy.create_engine(target.replace("postgresql://", "postgresql+psycopg://"))
    return sqlalchemy.create_engine(f"sqlite:///{target}")


def described(table: Any) -> dict[str, Any]:
    """Return a table of the metadata in a form that can be compared with a reflected one."""
    return {
        "columns": [(column.name, kind_of(column.type), column.nullable) for column in table.columns],
        "key": [column.name for column in table.primary_key],
        "foreign": sorted((key.parent.name, key.target_fullname) for key in table.foreign_keys),
        "indexes": sorted((str(index.name), [column.name for column in index.columns]) for index in table.indexes),
    }


@pytest.fixture
def reflected(store: Store) -> dict[str, Any]:
    engine = engine_of(store)
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine)
    engine.dispose()
    return dict(metadata.tables)


def test_the_migrated_database_is_what_the_schema_says(reflected: dict[str, Any]) -> None:
    wanted = {str(table.__tablename__): described(table.__table__) for table in schema.TABLES}  # type: ignore[attr-defined]
    found = {name: described(table) for name, table in reflected.items() if name != "schema_version"}
    assert found == wanted


def test_there_is_one_table_more_and_it_numbers_the_schema(reflected: dict[str, Any]) -> None:
    assert described(reflected["schema_version"])["columns"] == [
        ("number", "whole", False),
        ("applied", "real", False),
        ("program", "text", False),
    ]


def test_the_index_of_sources_leaves_out_tokens_without_one(store: Store) -> None:
    if store.url.target.startswith("postgresql://"):
        found = store.database.one("SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_token_source_id'")
    else:
        found = store.database.one("SELECT sql FROM sqlite_master WHERE name = 'ix_token_source_id'")
    assert found is not None
    assert "WHERE" in found[0] and "source_id IS NOT NULL" in found[0]


def test_the_rows_are_made_of_the_schema() -> None:
    for name, text in make_rows.module_texts().items():
        stale = (make_rows.TARGET / name).read_text(encoding="utf-8") != text
        assert not stale, f"rows/{name} is stale: run python -m recrate.provenance.make_rows"


def test_each_row_class_has_the_columns_of_its_table() -> None:
    for row, table in zip(TABLES, schema.TABLES, strict=True):
        columns = [column.name for column in table.__table__.columns]  # type: ignore[attr-defined]
        assert (row.TABLE, list(row.COLUMNS)) == (table.__tablename__, columns)


def test_each_column_is_documented() -> None:
    bare = [
        f"{table.__name__}.{name}"
        for table in schema.TABLES
        for name, field in table.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_tables_come_after_those_that_they_refer_to() -> None:
    seen: set[str] = set()
    for table in schema.TABLES:
        name = str(table.__tablename__)
        for key in table.__table__.foreign_keys:  # type: ignore[attr-defined]
            target = key.target_fullname.partition(".")[0]
            assert target in seen or target == name, f"{name} comes before {target}"
        seen.add(name)
