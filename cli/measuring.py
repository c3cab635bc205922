"""`recrate metrics`: what jobs recorded of themselves."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.measurements import Measurement, measurements, varying
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind, MetricSummary
from ..provenance.rows import MetricRow
from .options import StoreOption, reading
from .render import print_csv, print_json, print_table


class Format(Enum):
    """How numbers are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def metrics(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Ids or names of runs, or `last`.")],
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", metavar="NAME", help="Only these.")] = None,
    step: Annotated[str | None, typer.Option(metavar="PATH", help="Only jobs of this step and those in it.")] = None,
    least: Annotated[
        list[str] | None, typer.Option("--min", metavar="NAME", help="Show the least of this name, best job first.")
    ] = None,
    greatest: Annotated[
        list[str] | None, typer.Option("--max", metavar="NAME", help="Show the greatest of it, best job first.")
    ] = None,
    format: Annotated[
        Format, typer.Option(help="`table`: a line for each job; `csv` and `json`: every number.")
    ] = Format.TABLE,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw them as an SVG, too.")] = None,
    mlflow: Annotated[
        str | None, typer.Option(metavar="URL", help="Copy them to this tracking server of MLflow, too.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(metavar="NAME", help="Experiment there (default: the name of the workflow).")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Show the numbers that jobs wrote to the file named by RECRATE_METRICS, beside the parameters that vary."""
    with reading(store) as database:
        found = _found(database, runs, step)
        names = _names(found, metric or (), (*(least or ()), *(greatest or ())))
        ordered = _ordered(found, least or (), greatest or ())
        if format is Format.TABLE:
            _print_table(ordered, names, frozenset(least or ()), frozenset(greatest or ()))
        elif format is Format.CSV:
            print_csv(("run", "job", "attempt", "metric", "step", "value", "time"), _lines(database, ordered, names))
        else:
            print_json([_as_json(database, one, names) for one in ordered])
        if plot is not None:
            from ..views.charts import chart

            plot.write_text(chart(database, ordered, names), encoding="utf-8")
        if mlflow is not None:
            from ..crates.publishing.mlflow import mirror

            mirrored = mirror(database, found, mlflow, experiment)
            copied = f"{mirrored.copied} job{'' if mirrored.copied == 1 else 's'} copied to the tracking server"
            said = f"{copied}, {mirrored.there} there already"
            print(f"recrate: {said}", file=sys.stderr)


def _found(database: Database, runs: Sequence[str], step: str | None) -> list[Measurement]:
    """Return the jobs that recorded something. Raises UsageError when none did."""
    run_ids = dict.fromkeys(queries.resolve(database, Kind.RUN, run) for run in runs)
    found = measurements(database, run_ids)
    if step is not None:
        from ..core.machine.paths import plain_path

        wanted = "/" + step.strip("/")
        found = [one for one in found if f"{plain_path(one.job.path)}/".startswith(f"{wanted.rstrip('/')}/")]
    if not found:
        where = f"no job of step {step}" if step is not None else "no job"
        raise UsageError(
            f"{where} of {'these runs' if len(runs) > 1 else 'this run'} recorded anything",
            hint="a job writes lines of JSON to the file that RECRATE_METRICS names: see docs/ml.md",
        )
    return found


def _names(found: Sequence[Measurement], wanted: Sequence[str], sorted_by: Sequence[str]) -> list[str]:
    """Return the names that are shown. Raises UsageError for one that no job has."""
    known = list(dict.fromkeys(one.name for job in found for one in job.metrics))
    for name in (*wanted, *sorted_by):
        if name not in known:
            raise UsageError(f"no job recorded {name!r}", hint=f"there is {', '.join(known[:20])}")
    return list(dict.fromkeys((*wanted, *(name for name in sorted_by if wanted)))) or known


def _ordered(found: Sequence[Measurement], least: Sequence[str], greatest: Sequence[str]) -> list[Measurement]:
    """Return the jobs, those first that are the best by the first name asked for; those without a number come last."""
    signs = [(name, 1.0) for name in least] + [(name, -1.0) for name in greatest]
    if not signs:
        return list(found)
    name, sign = signs[0]

    def rank(one: Measurement) -> float:
        summary = one.metric(name)
        row = None if summary is None else (summary.least if sign > 0 else summary.greatest)
        return math.inf if row is None or row.value is None else sign * row.value

    return sorted(found, key=rank)


def _print_table(
    found: Sequence[Measurement], names: Sequence[str], least: frozenset[str], greatest: frozenset[str]
) -> None:
    several = len({one.run.id for one in found}) > 1
    differing = varying(one.parameters for one in found)
    heads = [f"{name} (min)" if name in least else f"{name} (max)" if name in greatest else name for name in names]
    rows = [
        [
            *([one.run.name] if several else []),
            one.job.path,
            *(one.parameters.get(name) for name in differing),
            *(_cell(one.metric(name), name in least, name in greatest) for name in names),
        ]
        for one in found
    ]
    print_table([*(["run"] if several else []), "job", *differing, *heads], rows)


def _cell(summary: MetricSummary | None, least: bool, greatest: bool) -> str:
    if summary is None:
        return ""
    row = summary.least if least else summary.greatest if greatest else summary.last
    if row is None or row.value is None:
        return "not finite"
    at = f" @{row.step}" if (least or greatest) and row.step is not None else ""
    return f"{row.value:.6g}{at}"


def _rows(database: Database, one: Measurement, names: Sequence[str]) -> list[MetricRow]:
    return [row for row in queries.metrics(database, one.attempt_id) if row.name in names]


def _lines(database: Database, found: Sequence[Measurement], names: Sequence[str]) -> Iterator[Sequence[Any]]:
    for one in found:
        for row in _rows(database, one, names):
            yield one.run.name, one.job.path, one.attempt_id, row.name, row.step, row.value, row.instant


def _as_json(database: Database, one: Measurement, names: Sequence[str]) -> dict[str, Any]:
    numbers: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(database, one, names):
        numbers.setdefault(row.name, []).append({"step": row.step, "value": row.value, "time": row.instant})
    summed = {
        summary.name: {
            "last": summary.last.value,
            "min": None if summary.least is None else summary.least.value,
            "max": None if summary.greatest is None else summary.greatest.value,
            "values": numbers.get(summary.name, []),
        }
        for summary in one.metrics
        if summary.name in names
    }
    return {
        "run": one.run.id,
        "name": one.run.name,
        "job": one.job.path,
        "attempt": one.attempt_id,
        "parameters": dict(one.parameters),
        "metrics": summed,
    }
