"""Numbered changes of the schema. A release never edits one that an earlier release had.

Each module has `NUMBER`, a docstring that says why, and `upgrade(connection)`, which runs inside
the transaction that also puts its number on record.
"""

from __future__ import annotations

NAMES: tuple[str, ...] = (
    "m0001_first",
    "m0002_reasons",
    "m0003_crates",
    "m0004_metrics",
    "m0005_comparisons",
    "m0006_umask",
)
"""Names of the modules, in order: the first has the number 1."""

LATEST = len(NAMES)
"""Number of the schema that this program reads and writes."""
