"""`recrate check`: how reproducible something is, and why not."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .options import JsonOption, NetworkOption, StoreOption, store_at
from .render import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..crates.reproducibility.findings import Finding


class Form(Enum):
    """A form of the findings."""

    TABLE = "table"
    JSON = "json"


class Level(Enum):
    """The least grave findings that count."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|CRATE|WORKFLOW", help="A run of the store, a crate (folder or zip), or a CWL document."
        ),
    ],
    job: Annotated[
        str | None, typer.Argument(help="Of a CWL document: job file (YAML or JSON) with the inputs.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How the findings are printed.")] = Form.TABLE,
    severity: Annotated[
        Level, typer.Option("--severity", help="The least grave findings that make the exit code 1.")
    ] = Level.WARNING,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="RULE", help="Leave out this rule; repeatable.")
    ] = None,
    enable_net: NetworkOption = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say how reproducible a workflow, a run or a crate is, and why not; exit code 1 when there is a reason."""
    from ..core.cwl.job_order import load_job_order
    from ..core.cwl.load import load_document
    from ..crates.reproducibility.check import RULES, check_named, fails, is_document
    from ..crates.reproducibility.check import check as check_document
    from ..crates.reproducibility.findings import Severity

    unknown = [rule for rule in skip or () if rule not in RULES]
    if unknown:
        raise UsageError(f"there is no rule {unknown[0]!r}", hint=f"the rules are {', '.join(RULES)}")
    if is_document(target):
        given = load_job_order(job, allow_network=enable_net).values
        findings = check_document(load_document(target, allow_network=enable_net), given, skip=skip or ())
    elif job is not None:
        raise UsageError(f"{target} is no CWL document, so that there is no job for it", hint="leave the job file out")
    else:
        with store_at(store) as opened:
            findings = check_named(target, opened, skip=skip or ())
    if json or form is Form.JSON:
        print_json(findings)
    else:
        _show(target, findings)
    raise typer.Exit(1 if fails(findings, Severity[severity.name]) else 0)


def _show(target: str, findings: Sequence[Finding]) -> None:
    if not findings:
        print(f"nothing was found that stands against reproducing {target}")
        return
    rows = [(one.severity.value, one.rule, one.where, one.detail, one.advice) for one in findings]
    print_table(("severity", "rule", "where", "what", "what to do"), rows)
    counts = {word: sum(one.severity.value == word for one in findings) for word in ("error", "warning", "note")}
    print("\n" + ", ".join(f"{count} {word}{'s'[: count != 1]}" for word, count in counts.items() if count))
