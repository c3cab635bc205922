"""How reproducible something is: the rules applied to a workflow, to a run of a store, or to a crate."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.cwl.process import LoadedDocument
from ...provenance.database import Database
from ...provenance.store import Store
from ..compare.sides import is_crate, opened
from .findings import Finding, Rule, Severity, in_order
from .run_rules import RUN_RULES, Recorded
from .tool_rules import TOOL_RULES
from .workflow_rules import GIVEN_RULES, WORKFLOW_RULES, of_given, of_workflow

_ALL: Sequence[Rule[Any]] = (*RUN_RULES, *GIVEN_RULES, *TOOL_RULES, *WORKFLOW_RULES)
RULES: Mapping[str, Rule[Any]] = {rule.id: rule for rule in _ALL}
"""All rules by id, in the order in which the docs list them."""


def check(
    document: LoadedDocument, given: Mapping[str, Any] | None = None, *, skip: Collection[str] = ()
) -> list[Finding]:
    """Return why a workflow that is not run yet may not give the same result everywhere; `given` are its inputs."""
    return _left([*of_given(given or {}), *of_workflow(document, given or {})], skip)


def check_run(database: Database, run_id: str, *, skip: Collection[str] = ()) -> list[Finding]:
    """Return why a run may not be made again with the same result: by its record, and by its workflow.

    A workflow that is not CWL is not looked at. Raises UsageError when there is no such run.
    """
    subject = Recorded(database, run_id)
    found = [finding for rule in RUN_RULES for finding in rule.findings(subject)]
    found += of_given(subject.given)
    if isinstance(subject.document, LoadedDocument):
        found += of_workflow(subject.document, subject.given)
    return _left(found, skip)


def check_named(text: str, store: Store, *, skip: Collection[str] = ()) -> list[Finding]:
    """Return what is found in what a user named: a crate (a folder or zip), or a run of the store.

    A crate is not put into the store. Raises RecrateError when it is none of these, or cannot be read.
    """
    with opened(text, store) as side:
        return check_run(side.database, side.run_id, skip=skip)


def is_document(text: str) -> bool:
    """Tell whether a text names a CWL document: a file that is no crate, or an address of the web."""
    path = text.partition("#")[0]
    return text.startswith(("http://", "https://")) or (os.path.isfile(path) and not is_crate(Path(path)))


def fails(findings: Sequence[Finding], severity: Severity) -> bool:
    """Tell whether something was found that is as grave as this."""
    return any(one.severity.rank <= severity.rank for one in findings)


def _left(found: Iterable[Finding], skip: Collection[str]) -> list[Finding]:
    return in_order(finding for finding in found if finding.rule not in skip)
