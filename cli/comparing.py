"""`recrate compare`: whether two results are the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ..crates.compare import report
from ..crates.compare.files import compare_paths, overall
from ..crates.compare.runs import Comparison, compare_runs
from ..crates.compare.sides import are_files, opened
from ..crates.compare.tolerance import DEFAULT_ABSOLUTE, DEFAULT_RELATIVE, Tolerances, tolerances
from ..crates.compare.verdict import Finding, Grade
from ..crates.compare.verdicts import keep_verdict, verdicts_of
from ..errors import UsageError
from .options import AbsoluteOption, HtmlOption, JsonOption, RelativeOption, StoreOption, ToleranceOption, store_at
from .render import instant, print_json, print_table

SAME = (Grade.IDENTICAL, Grade.EQUIVALENT)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A run, a crate (folder or zip), a file or a directory.")],
    second: Annotated[
        str | None, typer.Argument(metavar="B", help="What is compared with it; without: what was found before of A.")
    ] = None,
    relative: RelativeOption = DEFAULT_RELATIVE,
    absolute: AbsoluteOption = DEFAULT_ABSOLUTE,
    tolerance: ToleranceOption = None,
    html: HtmlOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether two results are the same: exit code 0 identical or equivalent, 1 not, 2 it cannot be said."""
    if second is None:
        raise typer.Exit(_print_earlier(first, store, json))
    within = tolerances(relative, absolute, tolerance or ())
    if are_files(first, second):
        findings = compare_paths(Path(first), Path(second), within)
        _print_files(findings, within, json)
        raise typer.Exit(exit_code(overall(findings)))
    with store_at(store) as opened_store, ExitStack() as stack:
        sides = [stack.enter_context(opened(text, opened_store)) for text in (first, second)]
        comparison = compare_runs(sides[0], sides[1], within)
        if sides[1].database is opened_store.database:
            keep_verdict(opened_store, sides[0], sides[1], comparison)
    if html is not None:
        html.write_text(report.as_html(comparison), encoding="utf-8")
    if json:
        print_json(report.as_json(comparison))
    else:
        print_comparison(comparison)
    raise typer.Exit(exit_code(comparison.grade))


def _print_earlier(run: str, store: str | None, json: bool) -> int:
    """Print what is on record of how a run compares with others; return what the last comparison ended with."""
    with store_at(store) as opened_store, opened(run, opened_store) as side:
        found = verdicts_of(side.database, side.run_id)
    if not found:
        raise UsageError(f"{run} was compared with nothing yet", hint="recrate compare OTHER RUN")
    if json:
        print_json([{"instant": instant(row.instant), **report.as_json(comparison)} for row, comparison in found])
    for row, comparison in [] if json else found:
        print(f"{comparison.second} compared with {comparison.first}, {instant(row.instant)}:\n")
        print_comparison(comparison)
    return exit_code(found[-1][1].grade)


def exit_code(grade: Grade) -> int:
    """Return what a command ends with that found this grade."""
    if grade is Grade.UNVERIFIED:
        return 2
    return 0 if grade in SAME else 1


def _print_files(findings: Mapping[str, Finding], within: Tolerances, json: bool) -> None:
    verdict = overall(dict(findings))
    if json:
        shown = {name: report.finding_json(finding) for name, finding in findings.items()}
        print_json({"verdict": verdict.value, "files": shown})
        return
    _print_findings("file", findings)
    print(f"\n{verdict.value} (tolerances: {within.in_words()})")


def _print_findings(title: str, findings: Mapping[str, Finding]) -> None:
    rows = [[name, one.grade.value, one.comparator, one.detail] for name, one in findings.items()]
    print_table((title, "grade", "compared by", "detail"), rows)


def print_comparison(comparison: Comparison) -> None:
    """Print how two runs compare."""
    _print_findings("output", {one.port: one.finding for one in comparison.outputs})
    print(f"\nvalues on the way: {report.counts(comparison)}")
    for line in comparison.images:
        print(line)
    parting = comparison.parting
    if parting is not None:
        print(f"they part at job {parting.job}, output {parting.port}: {parting.cause.value}")
        for line in (parting.finding.detail, *parting.differences):
            print(f"  {line}")
    cause = f": {comparison.cause.value}" if comparison.cause else ""
    print(f"\n{comparison.grade.value}{cause} (tolerances: {comparison.tolerances.in_words()})")
