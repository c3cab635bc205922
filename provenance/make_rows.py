"""Make the package `rows` of `schema.py`: `python -m recrate.provenance.make_rows [--check]`.

The modules `rows/things.py` (tables that belong to no run), `rows/runs.py` and `rows/data.py`,
and `rows/__init__.py`, are made; `rows/base.py` is not.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from . import schema

TARGET = Path(__file__).with_name("rows")

MODULES: dict[str, tuple[str, tuple[type[schema.Table], ...]]] = {
    "things": (
        "What runs refer to and share: documents, images, places, people.",
        tuple(table for table in schema.TABLES if table.shared),
    ),
    "runs": (
        "Runs, where imported ones came from, how they compare, who holds them, their steps, and what was carried out.",
        (
            schema.Run,
            schema.Crate,
            schema.Comparison,
            schema.Lease,
            schema.Software,
            schema.Repository,
            schema.Step,
            schema.Port,
            schema.Job,
            schema.Attempt,
            schema.Metric,
        ),
    ),
    "data": (
        "The values that flowed, the files in them, where these lie, and what happened.",
        (
            schema.Token,
            schema.Part,
            schema.File,
            schema.Usage,
            schema.Transfer,
            schema.Replica,
            schema.Event,
        ),
    ),
}
"""By name of a module: what its docstring says, and the tables in it."""

_LINE = 120
_NOTE = "Made of `schema.py` by `python -m recrate.provenance.make_rows`: change that, not this."


def main(arguments: list[str]) -> int:
    """Write the modules, or with `--check` tell whether they are current; return an exit code."""
    texts = module_texts()
    if "--check" in arguments:
        return 0 if all((TARGET / name).read_text(encoding="utf-8") == text for name, text in texts.items()) else 1
    for name, text in texts.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


def module_texts() -> dict[str, str]:
    """Return the text of each module that is made, by name of its file."""
    texts = {f"{name}.py": _module_text(doc, tables) for name, (doc, tables) in MODULES.items()}
    texts["__init__.py"] = _package_text()
    return texts


def _module_text(doc: str, tables: Sequence[type[schema.Table]]) -> str:
    states = sorted({kind.__name__ for table in tables for kind in _enums(table).values()})
    head = [
        f'"""{doc}',
        "",
        _NOTE,
        "Instants are seconds since 1970 UTC.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Mapping",
        "from enum import Enum",
        "from typing import ClassVar",
        "",
        "from ..conflict import OnConflict",
        *([f"from ..states import {', '.join(states)}"] if states else []),
        "from .base import Row, row",
        "",
    ]
    return "\n\n".join(["\n".join(head), *(_class_text(table) for table in tables)])


def _package_text() -> str:
    imports = []
    for module, (_, tables) in sorted(MODULES.items()):
        names = ", ".join(sorted(_class_name(table) for table in tables))
        line = f"from .{module} import {names}"
        wrapped = f"from .{module} import (\n    {names.replace(', ', f',{chr(10)}    ')},\n)"
        imports.append(line if len(line) <= _LINE else wrapped)
    classes = [_class_name(table) for table in schema.TABLES]
    listing = "\n".join(f"    {name}," for name in classes)
    public = "\n".join(f'    "{name}",' for name in sorted(["Row", "TABLES", *classes], key=_sort_key))
    return "\n".join(
        [
            f'"""Rows of the store as data classes, one for each table.\n\n{_NOTE}\n"""\n',
            "from __future__ import annotations\n",
            "from .base import Row",
            *imports,
            "",
            f"TABLES: tuple[type[Row], ...] = (\n{listing}\n)",
            '"""All classes of rows, in the order in which rows are inserted."""\n',
            f"__all__ = [\n{public}\n]\n",
        ]
    )


def _sort_key(name: str) -> tuple[bool, str]:
    return not name.isupper(), name


def _class_name(table: type[schema.Table]) -> str:
    name = str(table.__tablename__)
    return name.capitalize() + "Row"


def _class_text(table: type[schema.Table]) -> str:
    doc = " ".join((table.__doc__ or "").split())
    lines = [
        "@row",
        f"class {_class_name(table)}(Row):",
        *_wrapped(doc),
        "",
        *_constants(table),
        "",
        *_fields(table),
    ]
    return "\n".join(lines) + "\n"


def _constants(table: type[schema.Table]) -> Iterator[str]:
    columns = list(table.model_fields)
    key = [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]
    flags = [name for name in columns if _plain(table, name) is bool]
    enums = ", ".join(f'"{name}": {kind.__name__}' for name, kind in _enums(table).items())
    yield f'    TABLE: ClassVar[str] = "{table.__tablename__}"'
    yield f"    KEY: ClassVar[tuple[str, ...]] = ({_names(key)})"
    yield f"    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {{{enums}}}"
    yield f"    FLAGS: ClassVar[tuple[str, ...]] = ({_names(flags)})"
    yield f"    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.{table.on_conflict.name}"
    yield f"    SHARED: ClassVar[bool] = {table.shared}"


def _names(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return listed + "," if len(names) == 1 else listed


def _fields(table: type[schema.Table]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        suffix = " | None = None" if _is_optional(field.annotation) else ""
        yield f"    {name}: {_plain(table, name).__name__}{suffix}"
        yield from _wrapped(field.description or "")


def _enums(table: type[schema.Table]) -> dict[str, type[Enum]]:
    kinds = {name: _plain(table, name) for name in table.model_fields}
    return {name: kind for name, kind in kinds.items() if issubclass(kind, Enum)}


def _plain(table: type[schema.Table], name: str) -> type[Any]:
    annotation = table.model_fields[name].annotation
    if _is_optional(annotation):
        (kind,) = (item for item in get_args(annotation) if item is not type(None))
    else:
        kind = annotation
    assert isinstance(kind, type)
    return kind


def _is_optional(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _wrapped(doc: str, width: int = 108) -> list[str]:
    """Return a docstring, indented, in lines that are not too long."""
    lines, line = [], ""
    for word in doc.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    return [f"    {item}" for item in ('"""' + "\n".join(lines) + '"""').split("\n")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
