"""Verdicts on record: written down when two runs were compared, and read again as they were found."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ...provenance import ids, queries
from ...provenance.database import Database
from ...provenance.rows import ComparisonRow
from ...provenance.store import Store
from .report import as_json, tolerances_json
from .runs import Cause, Compared, Comparison, Parting, Side
from .tolerance import Tolerances
from .verdict import Finding, Grade


def keep_verdict(store: Store, first: Side, second: Side, comparison: Comparison) -> ComparisonRow:
    """Put on record how the second run compares with the first, and return the row. The second is in the store.

    What was found before with the same tolerances is replaced. Raises StoreFailed.
    """
    tolerances = json.dumps(tolerances_json(comparison.tolerances), sort_keys=True)
    row = ComparisonRow(
        id=ids.comparison_id(second.run_id, first.run_id, tolerances),
        run_id=second.run_id,
        other_id=first.run_id,
        other=comparison.first,
        verdict=comparison.grade.value,
        cause=None if comparison.cause is None else comparison.cause.value,
        tolerances=tolerances,
        report=json.dumps(as_json(comparison)),
        instant=time.time(),
    )
    store.write(row)
    return row


def verdicts_of(database: Database, run_id: str) -> list[tuple[ComparisonRow, Comparison]]:
    """Return what is on record of how a run compares with others, oldest first."""
    rows = queries.comparisons(database, run_id)
    return [(row, found) for row in rows if (found := verdict_of(row)) is not None]


def verdict_of(row: ComparisonRow) -> Comparison | None:
    """Return the comparison that is on record; None when its report is none."""
    try:
        said = json.loads(row.report)
        found = _comparison(said)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return found if found.grade.value == row.verdict else None


def _comparison(said: Mapping[str, Any]) -> Comparison:
    parting, within = said["parting"], said["tolerances"]
    return Comparison(
        first=str(said["first"]),
        second=str(said["second"]),
        grade=Grade(said["verdict"]),
        outputs=tuple(Compared(str(port), _finding(one)) for port, one in said["outputs"].items()),
        tokens={Grade(grade): int(count) for grade, count in said["intermediate"].items()},
        parting=None if parting is None else _parting(parting),
        cause=None if said["cause"] is None else Cause(said["cause"]),
        tolerances=Tolerances(
            float(within["relative"]),
            float(within["absolute"]),
            {str(name): float(value) for name, value in within["named"].items()},
        ),
        images=tuple(map(str, said["images"])),
    )


def _parting(said: Mapping[str, Any]) -> Parting:
    differences = tuple(map(str, said["differences"]))
    return Parting(str(said["job"]), str(said["port"]), _finding(said), Cause(said["cause"]), differences)


def _finding(said: Mapping[str, Any]) -> Finding:
    return Finding(Grade(said["grade"]), str(said["comparator"]), str(said["detail"]))
