"""Rows of the store as tables for people and as JSON for programs."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

STYLES = {
    "completed": "green", "failed": "red", "running": "cyan", "cancelled": "yellow", "interrupted": "magenta",
    "cached": "green", "skipped": "dim", "lost": "red", "waiting": "dim", "intended": "cyan",
}  # fmt: skip


def plain(value: Any) -> Any:
    """Return a value as JSON can say it: enums by what they are shown as, rows as objects."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


_ENCODER = json.JSONEncoder(indent=2, default=plain)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output, piece by piece: a run may have very many outputs."""
    for piece in _ENCODER.iterencode(value):
        sys.stdout.write(piece)
    sys.stdout.write("\n")


def json_text(value: Any) -> str:
    """Return a value as JSON, as a text of several lines."""
    return _ENCODER.encode(value) + "\n"


def parsed(text: str | None) -> Any:
    """Return the value of a column that holds JSON."""
    return None if text is None else json.loads(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print a table; on no terminal it is as wide as its content."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=10_000, no_color=True)
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=STYLES.get(str(cell), "")) for cell in row))
    if sys.stdout.isatty():
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table as CSV (RFC 4180, with the line ends of this system); what has no value is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)


def printable(value: Any) -> str:
    """Return a cell's text without anything that would move the cursor."""
    text = "" if value is None else str(value.value if isinstance(value, Enum) else value)
    return "".join(char if char.isprintable() else "?" for char in text)


def print_fields(pairs: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one pair a line; those without a value are left out."""
    shown = [(name, printable(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in shown), default=0)
    for name, text in shown:
        print(f"{name.ljust(width)}  {text}")


def instant(seconds: float | None) -> str:
    """Return an instant in local time."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def duration(started: float | None, ended: float | None) -> str:
    """Return how long something took."""
    if started is None or ended is None:
        return ""
    seconds = max(0.0, ended - started)
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
