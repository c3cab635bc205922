"""Crates that tests make, checked: one validator for all tests of a process, since it is slow to load."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from recrate.crates.validation.check import Checker
from recrate.crates.validation.report import Issue, Report, Severity

UNAVOIDABLE: Mapping[str, str] = {}
"""Rules that cannot be kept, with the reason."""


@cache
def checker(severity: Severity = Severity.REQUIRED, *, hashes: bool = False) -> Checker:
    """Return the checker of this process."""
    return Checker(severity, hashes=hashes)


def checked(path: Path, severity: Severity = Severity.REQUIRED, *, hashes: bool = False) -> Report:
    """Return what is wrong with a crate."""
    return checker(severity, hashes=hashes).check(str(path))


def unavoidable(issue: Issue) -> bool:
    """Tell whether an issue is one of those that docs/validation.md says nobody can do anything about."""
    return any(issue.rule == rule or re.fullmatch(rule, issue.rule) for rule in UNAVOIDABLE)


def rules(report: Report) -> set[tuple[str, str, str]]:
    """Return entity, property and rule of all issues."""
    return {(one.entity, one.property, one.rule) for one in report.issues}


def shown(reports: Iterable[Report]) -> str:
    """Return all issues as text, for the message of a test that fails."""
    return "\n".join(f"{report.crate}: {issue}" for report in reports for issue in report.issues)
