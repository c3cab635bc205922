"""Crates that tests make, checked: one validator for all tests of a process, since it is slow to load."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from recrate.crates.validation.check import Checker
from recrate.crates.validation.report import Issue, Report, Severity

UNAVOIDABLE: Mapping[str, str] = {
    "process-run-crate-0.[56]_5.1": "asks the workflow in the crate for an absolute URI",
    "process-run-crate-0.[56]_11.1": "an action that failed has no result",
    "workflow-run-crate-0.[56]_7.1": "a parameter without a value has no example",
    "workflow-run-crate-0.[56]_12.1": "a list of files is a PropertyValue",
    "ro-crate-1.2_43.0": "the types FormalParameter and ParameterConnection are not of Schema.org",
    "ro-crate-1.2_68.1": "what is in a directory is not described one by one",
    "ro-crate-1.2_79.0": "values that no action used are in the crate all the same",
    "ro-crate-1.2_90.1": "nobody gives an address of an organisation",
}
"""Patterns of recommended rules that our crates do not keep. docs/validation.md has each, with the reason."""


@cache
def checker(severity: Severity = Severity.REQUIRED, *, hashes: bool = False) -> Checker:
    """Return the checker of this process."""
    return Checker(severity, hashes=hashes)


def checked(path: Path, severity: Severity = Severity.REQUIRED, *, hashes: bool = False) -> Report:
    """Return what is wrong with a crate."""
    return checker(severity, hashes=hashes).check(str(path))


def unavoidable(issue: Issue) -> bool:
    """Tell whether an issue is one of those that docs/validation.md says nobody can do anything about."""
    return any(re.fullmatch(rule, issue.rule) for rule in UNAVOIDABLE)


def rules(report: Report) -> set[tuple[str, str, str]]:
    """Return entity, property and rule of all issues."""
    return {(one.entity, one.property, one.rule) for one in report.issues}


def shown(reports: Iterable[Report]) -> str:
    """Return all issues as text, for the message of a test that fails."""
    return "\n".join(f"{report.crate}: {issue}" for report in reports for issue in report.issues)
