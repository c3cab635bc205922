"""Tables as text (CSV, TSV): cell by cell, numbers within the tolerances."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from .base import Sample, Unreadable
from .texts import are_equivalent
from .tolerance import Tolerances
from .verdict import Difference

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


class Table:
    """Compares tables; the cells of the first row are the names of the columns."""

    name = "table"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says that it is a table."""
        return sample.is_text and sample.ending in DELIMITERS

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first cell that differs, by row and column."""
        header: Sequence[str] = ()
        for number, (one, other) in enumerate(zip_longest(_rows(first), _rows(second)), 1):
            if one is None or other is None:
                return Difference(f"row {number}: there is one on one side only")
            if len(one) != len(other):
                return Difference.between(f"cells in row {number}", len(one), len(other))
            header = header or one
            for column, (a, b) in enumerate(zip(one, other, strict=True)):
                name = header[column] if column < len(header) else ""
                if a != b and not _are_close(a, b, tolerances, name):
                    return Difference.between(f"row {number}, column {name or column + 1}", a, b)
        return None


def _are_close(first: str, second: str, tolerances: Tolerances, name: str) -> bool:
    try:
        return tolerances.are_close(float(first), float(second), name)
    except ValueError:
        return are_equivalent(first, second, tolerances)


def _rows(path: Path) -> Iterator[list[str]]:
    delimiter = DELIMITERS.get(path.suffix.lower(), ",")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        try:
            yield from csv.reader(stream, delimiter=delimiter)
        except csv.Error as error:
            raise Unreadable(f"it is no table: {error}") from error
