"""SQL made of rows: pure functions. One text serves SQLite and PostgreSQL; places of values are `?`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from ..data_classes import dataclass
from .conflict import OnConflict
from .rows import TABLES, Row
from .texts import row_from_stored, to_stored

R = TypeVar("R", bound=Row)
Parameters = tuple[Any, ...]
Statement = tuple[str, list[Parameters]]
"""A text and the values for each time that it is to be executed."""

_ORDER = {table: number for number, table in enumerate(TABLES)}


@dataclass(frozen=True, slots=True)
class Update:
    """A change of some columns of the row with a key, which is there by then."""

    row: type[Row]
    key: tuple[Any, ...]
    changes: Mapping[str, Any]


def insert_sql(table: type[Row]) -> str:
    """Return the statement that inserts a row."""
    return _INSERTS[table]


def _insert_sql(table: type[Row]) -> str:
    places = ", ".join("?" * len(table.COLUMNS))
    return f"INSERT INTO {table.TABLE} ({', '.join(table.COLUMNS)}) VALUES ({places}){_conflict_sql(table)}"


def _conflict_sql(table: type[Row]) -> str:
    if table.ON_CONFLICT is OnConflict.FAIL:
        return ""
    if table.ON_CONFLICT is OnConflict.KEEP:
        return " ON CONFLICT DO NOTHING"
    others = (name for name in table.COLUMNS if name not in table.KEY)
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f" ON CONFLICT ({', '.join(table.KEY)}) DO UPDATE SET {changes}"


_INSERTS = {table: _insert_sql(table) for table in TABLES}


def update_sql(table: type[Row], columns: tuple[str, ...]) -> str:
    """Return the statement that changes columns of the row with a key. Raises ValueError for unknown ones."""
    unknown = set(columns) - set(table.COLUMNS)
    if unknown or not columns:
        raise ValueError(f"table {table.TABLE} has no column {', '.join(sorted(unknown)) or 'named'}")
    return _update_sql(table.TABLE, table.KEY, columns)


@cache
def _update_sql(name: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{column} = ?" for column in columns)
    condition = " AND ".join(f"{column} = ?" for column in key)
    return f"UPDATE {name} SET {changes} WHERE {condition}"


def select_sql(table: type[Row], alias: str = "", without: Collection[str] = ()) -> str:
    """Return `SELECT columns FROM table`, to which conditions may be added; columns `without` are not read but NULL."""
    prefix = f"{alias}." if alias else ""
    columns = ", ".join("NULL" if name in without else f"{prefix}{name}" for name in table.COLUMNS)
    return f"SELECT {columns} FROM {table.TABLE}{f' AS {alias}' if alias else ''}"


def row_maker(table: type[R]) -> Callable[[Sequence[Any]], R]:
    """Return a function that makes a row of the values of its columns, as a database gave them."""
    columns, enums, flags = table.COLUMNS, table.ENUMS, table.FLAGS

    def make(values: Sequence[Any]) -> R:
        fields = dict(zip(columns, row_from_stored(values), strict=True))
        for name, kind in enums.items():
            if fields[name] is not None:
                fields[name] = kind[fields[name]]
        for name in flags:
            fields[name] = bool(fields[name])
        return table(**fields)

    return make


def statements(changes: Iterable[Row | Update]) -> list[Statement]:
    """Return the statements that store rows and carry out updates.

    Rows are grouped by table, in the order in which tables refer to each other, and updates come
    after them, those of one key as one. Where that would swap an update and a later row of the same key,
    which only a table that replaces rows allows, a new group begins.
    """
    done: list[Statement] = []
    group = _Group({}, {}, set())
    for change in changes:
        if isinstance(change, Update):
            group.update(change)
            continue
        if change.ON_CONFLICT is OnConflict.REPLACE and type(change) in group.updated:
            done += group.statements()
            group = _Group({}, {}, set())
        group.insert(change)
    return done + group.statements()


def _parameters(table: type[Row], rows: Sequence[Row]) -> list[Parameters]:
    """Return the values of rows as they are stored.

    Nearly always no text needs to be escaped; one look at all of them together finds that out.
    """
    values = list(map(table.STORED, rows))
    texts = "".join(map(str, chain.from_iterable(map(table.TEXTS, rows))))
    if texts.isascii() and "\0" not in texts:
        return values
    return [tuple([to_stored(value) for value in row]) for row in values]


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows to be inserted, and updates that come after them: one for each key."""

    inserts: dict[type[Row], list[Row]]
    updates: dict[tuple[type[Row], Parameters], dict[str, Any]]
    updated: set[type[Row]]

    def insert(self, row: Row) -> None:
        self.inserts.setdefault(type(row), []).append(row)

    def update(self, update: Update) -> None:
        self.updates.setdefault((update.row, update.key), {}).update(update.changes)
        self.updated.add(update.row)

    def statements(self) -> list[Statement]:
        ordered = sorted(self.inserts, key=_ORDER.__getitem__)
        inserts = [(insert_sql(table), _parameters(table, self.inserts[table])) for table in ordered]
        return [*inserts, *self._update_statements()]

    def _update_statements(self) -> Iterable[Statement]:
        made: dict[str, list[Parameters]] = {}
        for (table, key), changes in self.updates.items():
            values = tuple([to_stored(value) for value in (*changes.values(), *key)])
            made.setdefault(update_sql(table, tuple(changes)), []).append(values)
        return made.items()
