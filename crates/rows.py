"""The rows of one run as lines of JSON, so that a crate loses nothing of what the store knows.

The first line says what follows, `["recrate-rows", {"schema": 5, "run": "...", "columns": {"run":
["id", ...], ...}}]`; each other line is a row, the name of its table and then its values in the
order of the columns, enums by name; the last line, `["end", 1234]`, counts the rows. The order of
the rows is that of the tables, and within one that of the keys, so that equal runs give equal bytes.

Left out are the lease, the crate that an imported run came from, the tokens of attempts, which are
known to their controller alone, and whether replicas are still valid, which is so or not on the
machine that they are on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, BinaryIO, TypeVar

from ..data_classes import dataclass
from ..errors import CrateInvalid, Where
from ..provenance import belonging, ids
from ..provenance.database import Database
from ..provenance.migrations import LATEST
from ..provenance.rows import TABLES, AttemptRow, CrateRow, LeaseRow, ReplicaRow, Row
from ..provenance.texts import row_from_stored, to_stored
from ..provenance.urls import Dialect
from ..redaction import Redactor, from_environment
from .safety import shown

PATH = "recrate/rows.jsonl"
"""Where the rows are in a crate."""
LONGEST_LINE = 256 << 20
"""Bytes of a line at most."""

_RUN_ID = re.compile(f"[0-9a-f]{{{ids.RUN_ID_LENGTH}}}")
_HEAD = "recrate-rows"
_END = "end"
_WHOLE = range(-(1 << 63), 1 << 63)
_LEFT_OUT: Mapping[type[Row], Mapping[str, Any]] = {AttemptRow: {"token": ""}, ReplicaRow: {"valid": False}}
"""Columns that are not written, and what they are read as."""
WRITTEN: tuple[type[Row], ...] = tuple(
    table for table in TABLES if table.TABLE in belonging.HAPPENED and table not in (CrateRow, LeaseRow)
)
"""The tables that are written, in their order."""

T = TypeVar("T")


def columns_of(table: type[Row]) -> tuple[str, ...]:
    """Return the columns of a table that are written, in their order."""
    return tuple(name for name in table.COLUMNS if name not in _LEFT_OUT.get(table, {}))


def key_of(row: Row) -> tuple[Any, ...]:
    """Return what rows of one table are in the order of: their keys as they are stored."""
    return tuple([to_stored(getattr(row, name)) for name in row.KEY])


# -- writing ---------------------------------------------------------------------------------------


def row_lines(database: Database, run_id: str, redactor: Redactor | None = None) -> Iterator[bytes]:
    """Yield the lines of a run, each with its end, in constant memory; a very long one comes in several pieces.

    Until the last one was taken the connection must not be used for anything else. Secrets are
    masked, those that RECRATE_SECRETS names when no redactor is given. Raises StoreFailed.
    """
    mask = (from_environment() if redactor is None else redactor).value
    head = {"schema": LATEST, "run": run_id, "columns": {table.TABLE: columns_of(table) for table in WRITTEN}}
    yield _line([_HEAD, head])
    count = 0
    for table in WRITTEN:
        for values in _stored_rows(database, table, run_id):
            line = [table.TABLE, *mask(values)]
            if any(each.__class__ is str and len(each) > LARGE for each in line):
                yield from _pieces(line)
            else:
                yield _line(line)
            count += 1
    yield _line([_END, count])


def _line(value: list[Any]) -> bytes:
    return f"{_encode(value)}\n".encode("ascii")


def _pieces(value: list[Any]) -> Iterator[bytes]:
    # The outputs of a large run are one text of tens of megabytes, of which there is no second copy this way.
    for number, each in enumerate(value):
        yield b"," if number else b"["
        if isinstance(each, str) and len(each) > LARGE:
            yield b'"'
            for start in range(0, len(each), LARGE):
                yield _encode(each[start : start + LARGE])[1:-1].encode("ascii")
            yield b'"'
        else:
            yield _encode(each).encode("ascii")
    yield b"]\n"


LARGE = 1 << 20
"""Characters of a text that is encoded in pieces of so many."""
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _stored_rows(database: Database, table: type[Row], run_id: str) -> Iterator[list[Any]]:
    columns = columns_of(table)
    condition, values = belonging.condition(belonging.HAPPENED[table.TABLE], run_id)
    sql = f"SELECT {', '.join(columns)} FROM {table.TABLE} WHERE {condition} ORDER BY {_order(database, table)}"
    flags = [columns.index(name) for name in table.FLAGS if name in columns]
    for row in database.stream(sql, values):
        read = row_from_stored(row)
        for index in flags:
            read[index] = bool(read[index])
        yield read


def _order(database: Database, table: type[Row]) -> str:
    """Return the key, in an order that is the same in all databases."""
    texts = {field.name for field in fields(table) if field.type not in ("int", "float")}  # type: ignore[arg-type]
    collation = ' COLLATE "C"' if database.dialect is Dialect.POSTGRESQL else ""
    return ", ".join(f"{name}{collation if name in texts else ''}" for name in table.KEY)


# -- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one run, of which the head was read; `rows` can be gone through once."""

    schema: int
    run_id: str
    rows: Iterator[Row]


def read_rows(stream: BinaryIO, name: str = PATH) -> Rows:
    """Read the head, and return what reads the rows, in constant memory.

    Args:
        stream: the lines, at their beginning.
        name: what errors call it.

    Raises:
        CrateInvalid: these are no rows, or of a newer release; also while they are gone through:
            then with the number of the line. Rows are checked one by one, not against each other.
    """
    lines = _lines(stream, name)
    number, first = next(lines, (1, None))
    head = first[1] if isinstance(first, list) and len(first) == 2 and first[0] == _HEAD else None
    if not isinstance(head, dict) or not isinstance(head.get("columns"), dict):
        raise CrateInvalid("this does not begin as rows of a run do", where=Where(name, number, 1))
    schema, run_id = head.get("schema"), head.get("run")
    if not isinstance(run_id, str) or not isinstance(schema, int):
        raise CrateInvalid("the head names no run or no schema", where=Where(name, number, 1))
    if schema > LATEST:
        raise CrateInvalid(
            f"the rows have schema {schema}, this release of Recrate knows up to {LATEST}",
            where=Where(name),
            hint="use a newer release",
        )
    makers = _makers(head["columns"], Where(name, number, 1))
    return Rows(schema, run_id, _rows(lines, makers, name))


def run_of(stream: BinaryIO) -> str:
    """Return the id of the run that rows are of, as their head says. Raises CrateInvalid."""
    run_id = read_rows(stream).run_id
    if not _RUN_ID.fullmatch(run_id):
        raise CrateInvalid(f"{shown(run_id)!r} is no id of a run", where=Where(PATH))
    return run_id


def parsed_lines(pieces: Iterator[bytes]) -> Iterator[Row]:
    """Return the rows of what `row_lines` yields."""
    numbered = enumerate(map(json.loads, _joined(pieces)), 1)
    _, head = next(numbered)
    return _rows(numbered, _makers(head[1]["columns"], Where(PATH)), PATH)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    for piece in pieces:
        begun.append(piece)
        if piece.endswith(b"\n"):
            yield b"".join(begun)
            begun.clear()


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise CrateInvalid(f"the line has more than {LONGEST_LINE >> 20} MiB", where=Where(name, number, 1))
        try:
            read = _decode(line.decode("utf-8"))
        except (ValueError, RecursionError):
            raise CrateInvalid("the line is no JSON", where=Where(name, number, 1)) from None
        yield number, read


def refuse_constant(text: str) -> Any:
    """Refuse what Python's JSON knows and JSON does not, such as `NaN`. Raises ValueError."""
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def _decode(text: str) -> Any:
    """Return the value of a line. Of a line as we write it no space is looked for, which takes the most time."""
    try:
        value, end = _DECODER.scan_once(text, 0)  # type: ignore[attr-defined]  # it is, though not documented
    except StopIteration:
        return _DECODER.decode(text)
    return value if text[end:] == "\n" else _DECODER.decode(text)


Maker = Callable[[list[Any]], Row]
"""Makes a row of the values of its columns, of which it may change the list. Raises ValueError."""


def _rows(lines: Iterator[tuple[int, Any]], makers: Mapping[str, Maker], name: str) -> Iterator[Row]:
    number = 0
    for count, (number, line) in enumerate(lines):
        first = line[0] if isinstance(line, list) and line else None
        maker = makers.get(first) if isinstance(first, str) else None
        if maker is None:
            if line == [_END, count] and isinstance(line[1], int) and next(lines, None) is None:
                return
            raise CrateInvalid("this is no row of a known table", where=Where(name, number, 1))
        try:
            row = maker(line[1:])
        except ValueError as error:
            raise CrateInvalid(str(error), where=Where(name, number, 1)) from None
        yield row
    raise CrateInvalid("the rows break off: their last line is missing", where=Where(name, number + 1, 1))


def _makers(columns: Mapping[str, Any], where: Where) -> dict[str, Maker]:
    known = {table.TABLE: table for table in WRITTEN}
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise CrateInvalid(f"there is no table {unknown[0]!r}", where=where)
    return {name: _maker(known[name], names, where) for name, names in columns.items()}


def _maker(table: type[Row], names: Any, where: Where) -> Maker:
    checks = {name: check for name, check in _checks(table).items() if name not in _LEFT_OUT.get(table, {})}
    if not isinstance(names, list) or not all(isinstance(name, str) and name in checks for name in names):
        raise CrateInvalid(f"table {table.TABLE} has columns that are not known", where=where)
    required = {name for name, check in checks.items() if not check.optional}
    if len(set(names)) != len(names) or required - set(names):
        raise CrateInvalid(f"table {table.TABLE} lacks columns, or has one twice", where=where)
    ordered = [checks[name] for name in names]
    others = _LEFT_OUT.get(table, {})
    seen: dict[tuple[type[Any], ...], list[int]] = {}

    def make(values: list[Any]) -> Row:
        # Rows of a table have few combinations of types; each tells which values must be looked at.
        types = tuple(map(type, values))
        if types not in seen:
            if len(values) != len(ordered):
                raise ValueError(f"a row of table {table.TABLE} has {len(values)} values instead of {len(ordered)}")
            seen[types] = [index for index, kind in enumerate(types) if not ordered[index].takes_all(kind)]
        for index in seen[types]:
            values[index] = ordered[index].read(table, names[index], values[index])
        read = dict(zip(names, values, strict=True))
        read.update(others)
        return table(**read)

    return make


@dataclass(frozen=True, slots=True)
class _Check:
    """What the values of a column must be."""

    kind: type[Any]
    optional: bool

    def takes_all(self, kind: type[Any]) -> bool:
        """Tell whether every value of a type is taken, as it is."""
        return (self.optional and kind is type(None)) or (kind is self.kind and kind in (str, bool))

    def read(self, table: type[Row], name: str, value: Any) -> Any:
        """Return the value of a column. Raises ValueError."""
        if value is None and self.optional:
            return None
        if type(value) is self.kind:
            if (self.kind is int and value not in _WHOLE) or (self.kind is float and not math.isfinite(value)):
                raise ValueError(f"a number in column {name} of table {table.TABLE} is out of range")
            return value
        if issubclass(self.kind, Enum) and isinstance(value, str) and value in self.kind.__members__:
            return self.kind[value]
        if self.kind is float and type(value) is int and value in _WHOLE:
            return float(value)
        raise ValueError(f"column {name} of table {table.TABLE} cannot hold {str(value)[:40]!r}")


_KINDS: Mapping[str, type[Any]] = {"str": str, "int": int, "float": float, "bool": bool}


def _checks(table: type[Row]) -> dict[str, _Check]:
    found = {}
    for column in fields(table):  # type: ignore[arg-type]
        text, optional = str(column.type).removesuffix(" | None"), str(column.type).endswith(" | None")
        found[column.name] = _Check(table.ENUMS.get(column.name) or _KINDS[text], optional)
    return found
