"""Crates that tests make, checked: one validator for all tests of a process, since it is slow to load."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from recrate.crates.validation.check import Checker
from recrate.crates.validation.report import Report, Severity


@cache
def checker(severity: Severity = Severity.REQUIRED) -> Checker:
    """Return the checker of this process."""
    return Checker(severity)


def checked(path: Path, severity: Severity = Severity.REQUIRED) -> Report:
    """Return what is wrong with a crate."""
    return checker(severity).check(str(path))


def rules(report: Report) -> set[tuple[str, str, str]]:
    """Return entity, property and rule of all issues."""
    return {(one.entity, one.property, one.rule) for one in report.issues}


def shown(reports: Iterable[Report]) -> str:
    """Return all issues as text, for the message of a test that fails."""
    return "\n".join(f"{report.crate}: {issue}" for report in reports for issue in report.issues)
