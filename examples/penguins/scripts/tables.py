"""Reading and writing of the files that go from one step of the experiment to the next."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABEL = "species"
"""The column that is to be predicted; all other columns are measurements."""

DIGITS = 6
"""Decimals that are kept of a number, so that machines whose last bits differ write the same file."""


@dataclass(frozen=True, slots=True)
class Example:
    """One animal: its measurements and its species."""

    features: tuple[float, ...]
    label: str


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by name of the column."""
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: str | Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows as a CSV file; the first row gives the order of the columns."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_examples(path: str | Path) -> list[Example]:
    """Return the animals of a cleaned CSV file. Raises ValueError when a measurement is not a number."""
    return [
        Example(tuple(float(value) for name, value in row.items() if name != LABEL), row[LABEL])
        for row in read_rows(path)
    ]


def read_json(path: str | Path) -> Any:
    """Return the value of a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as JSON, numbers rounded, in the one order of its keys."""
    text = json.dumps(rounded(value), indent=1, sort_keys=True)
    Path(path).write_text(text + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Return a copy of a value in which each float has `DIGITS` decimals."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def mean(numbers: Iterable[float]) -> float:
    """Return the arithmetic mean of at least one number."""
    values = list(numbers)
    return sum(values) / len(values)
