"""Commands that look at what is on record: `runs`, `show`, `log`, `why`."""

from __future__ import annotations

import asyncio
import json as json_module
import shlex
import socket
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from ..core.amounts import bytes_text
from ..core.machine.paths import plain_path
from ..core.sources import repository_text
from ..core.stored_outputs import read_outputs
from ..core.story import sentence, undeclared_lines, undeclared_reads, undeclared_text
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind
from ..provenance.rows import ComparisonRow, JobRow, RunRow
from ..provenance.states import JobState
from .options import JsonOption, RunArgument, StoreOption, reading
from .origins import origin_fields
from .render import duration, instant, parsed, plain, print_fields, print_json, print_table, printable

MOST_JOBS = 40
MOST_METRICS = 20
SUBJECTS = (Kind.RUN, Kind.JOB, Kind.TOKEN, Kind.ATTEMPT)


def runs(
    store: StoreOption = None,
    newest: Annotated[int | None, typer.Option("--newest", "-n", min=1, help="Only the newest so many.")] = None,
    json: JsonOption = False,
) -> None:
    """List the runs, oldest first."""
    with reading(store) as database:
        found = queries.list_runs(database, newest=newest)
    if json:
        print_json(found)
        return
    some_imported = any(run.imported for run in found)
    print_table(
        ["run", "id", "state", "workflow", "started", "took", *(["from"] if some_imported else [])],
        [
            (
                run.name,
                run.id[:8],
                run.state.value,
                run.workflow,
                instant(run.started),
                duration(run.started, run.ended),
                *(["a crate" if run.imported else ""] if some_imported else []),
            )
            for run in found
        ],
    )


def show(
    subject: Annotated[
        str, typer.Argument(metavar="RUN|JOB|TOKEN", help="An id or the beginning of one, or a run's name.")
    ],
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show all that is known of a run, a job, an attempt or a token."""
    with reading(store) as database:
        found = queries.resolve_any(database, subject, SUBJECTS)
        if found.kind is Kind.RUN:
            _show_run(database, found.id, json)
        elif found.kind is Kind.TOKEN:
            _show_token(database, found.id, json)
        else:
            job = found.id if found.kind is Kind.JOB else _job_of_attempt(database, found.id)
            _show_job(database, job, json)


def _job_of_attempt(database: Database, attempt_id: str) -> str:
    (job,) = database.one("SELECT job_id FROM attempt WHERE id = ?", (attempt_id,)) or ("",)
    return str(job)


def _show_run(database: Database, run_id: str, json: bool) -> None:
    detail = queries.run_detail(database, run_id)
    if json:
        moved = [
            plain(row) for row in queries.transfers(database, run_id, limit=queries.count_transfers(database, run_id))
        ]
        compared = [
            {**plain(one), "tolerances": parsed(one.tolerances), "report": parsed(one.report)}
            for one in queries.comparisons(database, run_id)
        ]
        outputs = None if detail.row.outputs is None else read_outputs(detail.row.outputs)
        print_json({**plain(detail), "outputs": outputs, "transfers": moved, "comparisons": compared})
        return
    row = detail.row
    print_fields(
        [
            ("run", f"{row.name} ({row.id})"),
            ("state", detail.state),
            ("error", row.error),
            ("workflow", detail.workflow.entry if detail.workflow else None),
            ("started", instant(row.started)),
            ("took", duration(row.started, row.ended)),
            ("command", shlex.join(parsed(row.command_line))),
            ("host", row.host),
            ("engine", _engine_text(detail)),
            *(("sources", repository_text(row)) for row in detail.repositories),
            ("outputs in", row.outdir),
            ("work directory", row.work_directory),
            ("chaos", _chaos_text(database, row)),
            *origin_fields(detail.crate),
            ("derived from", row.parent_id),
            *(("compared", _verdict_text(one)) for one in queries.comparisons(database, run_id)),
        ]
    )
    print()
    print_table(["step", "kind", "jobs", "took"], [_step_row(step) for step in detail.steps])
    outputs = read_outputs(row.outputs)
    if outputs:
        print("\noutputs:")
        print_fields([(f"  {name}", _value_text(value)) for name, value in outputs.items()])
    for line in undeclared_lines(undeclared_reads(database, run_id)):
        print(f"\n{printable(line)}")
    _print_transfers(database, run_id)
    _print_jobs(queries.jobs(database, run_id, limit=MOST_JOBS + 1))


def _verdict_text(row: ComparisonRow) -> str:
    because = f" ({row.cause})" if row.cause else ""
    return f"{row.verdict}{because}, with {row.other}: recrate compare {row.run_id}"


def _engine_text(detail: queries.RunDetail) -> str | None:
    crate = detail.crate
    if crate is not None and not crate.is_own:
        return None
    return f"recrate {detail.row.engine_version}, Python {detail.row.python_version}"


def _chaos_text(database: Database, row: RunRow) -> str | None:
    """Return which faults were asked for, and how many there were; None when there was no chaos."""
    asked = parsed(row.options).get("chaos")
    number = queries.count_events(database, row.id, "ChaosStruck")
    if asked is None and not number:
        return None
    return f"{asked or 'asked for later'}: {number} fault{'' if number == 1 else 's'}, each in `recrate log {row.name}`"


def _step_row(step: queries.StepSummary) -> Sequence[Any]:
    counts = ", ".join(f"{count} {state.value}" for state, count in step.counts.items()) or "not started"
    return (step.row.path, step.row.kind, counts, duration(step.started, step.ended))


def _print_transfers(database: Database, run_id: str) -> None:
    """Print what was moved between places, when anything was."""
    sums = queries.transfer_sums(database, run_id)
    if not sums:
        return
    known = [row for one in sums for row in (one.source_location_id, one.target_location_id)]
    names = {row.id: row.name for row in queries.locations(database, known).values()}
    rows = [
        (
            names.get(one.source_location_id, one.source_location_id[:8]),
            names.get(one.target_location_id, one.target_location_id[:8]),
            one.method,
            one.state.value,
            one.count,
            bytes_text(one.bytes),
        )
        for one in sums
    ]
    print()
    print_table(["moved from", "to", "how", "state", "contents", "size"], rows)


def _print_jobs(jobs: Sequence[Any]) -> None:
    print()
    print_table(
        ["job", "id", "state", "took", "error"],
        [
            (job.path, job.id[:8], job.state.value, duration(job.started, job.ended), job.error)
            for job in jobs[:MOST_JOBS]
        ],
    )
    if len(jobs) > MOST_JOBS:
        print("... more: see --json, or show one job")


def _value_text(value: Any) -> str:
    if isinstance(value, dict) and value.get("class") in ("File", "Directory"):
        place = value.get("path") or value.get("location") or value.get("basename")
        return f"{place}  {bytes_text(value.get('size'))}".rstrip()
    text = value if isinstance(value, str) else json_module.dumps(value)
    return text if len(text) < 160 else text[:160] + "..."


def _show_job(database: Database, job_id: str, json: bool) -> None:
    detail = queries.job_detail(database, job_id)
    values = queries.token_values(database, [t.id for t in (*detail.inputs.values(), *detail.outputs.values())])
    if json:
        print_json({**plain(detail), "values": values})
        return
    row = detail.row
    print_fields(
        [
            ("job", f"{row.path} ({row.id})"),
            ("state", row.state),
            ("reason", row.reason),
            ("error", row.error),
            ("tool", detail.step.tool if detail.step else None),
            ("described at", detail.step.place if detail.step else None),
            ("started", instant(row.started)),
            ("took", duration(row.started, row.ended)),
        ]
    )
    for title, tokens in (("inputs", detail.inputs), ("outputs", detail.outputs)):
        if tokens:
            print(f"\n{title}:")
            print_fields([(f"  {port}", f"{_value_text(values[t.id])}   [{t.id[:8]}]") for port, t in tokens.items()])
    undeclared = {one.attempt: one for one in undeclared_reads(database, row.run_id) if one.job == row.path}
    metrics = queries.metric_summaries(database, [attempt.row.id for attempt in detail.attempts])
    for attempt in detail.attempts:
        print(f"\nattempt {attempt.row.number}:")
        read = undeclared.get(attempt.row.number)
        told = None if read is None else undeclared_text(read.count, read.paths)
        measured = _metrics_text(metrics.get(attempt.row.id, ()))
        fields = [*_attempt_fields(attempt), ("metrics", measured), ("read", told)]
        print_fields([(f"  {name}", value) for name, value in fields])


def _metrics_text(summaries: Sequence[queries.MetricSummary]) -> str:
    shown = [f"{one.name}={'nan' if one.last.value is None else f'{one.last.value:.6g}'}" for one in summaries]
    return " ".join([*shown[:MOST_METRICS], *(["..."] if len(shown) > MOST_METRICS else [])])


def _attempt_fields(detail: queries.AttemptDetail) -> Iterator[tuple[str, Any]]:
    row = detail.row
    yield "state", row.state
    yield "reason", row.reason
    yield "error", row.error
    yield "warning", row.warning
    yield "command", row.shell if row.shell is not None else shlex.join(detail.argv or ())
    yield "location", detail.location.name if detail.location else None
    yield "host", detail.location.hostname if detail.location else None
    yield "image", f"{detail.image.name} {detail.image.digest or ''}" if detail.image else None
    yield "environment", " ".join(f"{name}={text}" for name, text in detail.environment.items())
    yield "exit code", row.exit_code
    yield "signal", row.signal
    yield "asked for", f"{row.cores:g} cores, {row.ram} MiB" if row.cores is not None else None
    yield "started", instant(row.started)
    yield "took", duration(row.started, row.ended)
    yield "CPU time", f"{row.cpu_seconds:.2f} s" if row.cpu_seconds is not None else None
    yield "peak memory", bytes_text(row.peak_rss)
    yield "directory", row.work_directory
    yield "stdout", row.stdout
    yield "stderr", row.stderr


def _show_token(database: Database, token_id: str, json: bool) -> None:
    detail = queries.token_detail(database, token_id)
    value = queries.token_value(database, token_id)
    if json:
        print_json({**plain(detail), "value": value})
        return
    row = detail.row
    print_fields(
        [
            ("token", row.id),
            ("port", f"{row.path} {row.port}"),
            ("origin", row.origin),
            ("made by job", row.job_id),
            ("derived from", row.source_id),
            ("value", _value_text(value)),
        ]
    )
    files = queries.files_of(database, token_id)
    if files:
        print()
        rows = []
        for file in files:
            held = queries.replicas_of(database, file.sha256) if file.sha256 else []
            rows.append(
                (
                    file.basename,
                    bytes_text(file.size),
                    (file.sha256 or "")[:16],
                    _place_of(held[0]) if held else "gone",
                )
            )
        print_table(["file", "size", "sha256", "still at"], rows)


def _place_of(held: queries.Placed) -> str:
    """Return where a replica lies: its path, and the location when that is another machine."""
    location = held.location
    here = location is None or location.hostname == socket.gethostname()
    return held.replica.path if here or location is None else f"{location.name}:{held.replica.path}"


def log(
    run: RunArgument,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|EVENT",
            help="Show the state of the run then: after an event's number, or at 14:30, 2026-11-25T14:30:00Z or +90s.",
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Tell the story of a run: what happened, in order, with the numbers of the events."""
    with reading(store) as database:
        run_id = queries.resolve(database, Kind.RUN, run)
        if at is not None:
            from .past import show_past

            show_past(database, run_id, at, json=json)
            return
        started = queries.get_run(database, run_id).started
        cached = {job.path: job.reason or "" for job in queries.jobs(database, run_id, states=(JobState.CACHED,))}
        for event in queries.events(database, run_id):
            if json:
                print(json_module.dumps(plain({**plain(event), "body": parsed(event.body)})))
            else:
                text = sentence(event.kind, parsed(event.body), cached)
                print(f"{event.seq:>6}  {event.instant - started:10.3f} s  {printable(text)}")


def why(
    step: Annotated[
        str,
        typer.Argument(
            metavar="STEP|JOB",
            help="RUN/step, such as calm-otter-42/train, or the id of a job; with --workflow the path of a step.",
        ),
    ] = "/",
    workflow: Annotated[
        str | None, typer.Option("--workflow", "-w", help="Say what would run if this workflow were run now.")
    ] = None,
    job: Annotated[str | None, typer.Option("--job", "-j", help="Job file for --workflow.")] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say why a step ran, was taken from the cache, or would run: what is new or has changed."""
    if workflow is not None:
        _foresee(workflow, job, step, store, json)
        return
    with reading(store) as database:
        row = queries.get_job(database, queries.resolve(database, Kind.JOB, step))
        earlier = queries.earlier_job(database, row.id)
        changes = queries.changes(database, earlier.id, row.id) if earlier is not None else []
        since = queries.get_run(database, earlier.run_id).name if earlier is not None else None
    if json:
        print_json({"job": row, "earlier": earlier, "changes": changes})
        return
    print(f"{row.path} {_did(row.state)} {_because(row, since, len(changes))}")
    for change in changes:
        print(f"  {printable(str(change))}")


def _foresee(workflow: str, job: str | None, step: str, store: str | None, json: bool) -> None:
    """Print what would become of the jobs of a step, and why."""
    from ..api import RunOptions, foresee, prepare

    options = RunOptions(store=store)
    told = asyncio.run(foresee(prepare(workflow, job, options), options))
    below = step.rstrip("/") + "/"
    chosen = [item for item in told if item.path == step or plain_path(item.path + "/").startswith(below)]
    if json:
        print_json(chosen)
        return
    for item in chosen:
        print(f"{item.path} {item.fate.value}: {printable(item.reason)}")
        for change in item.changes:
            print(f"  {printable(str(change))}")


def _did(state: JobState) -> str:
    return {JobState.SKIPPED: "was skipped", JobState.CACHED: "was taken from the cache"}.get(state, "ran")


def _because(job: JobRow, since: str | None, changes: int) -> str:
    if job.state in (JobState.SKIPPED, JobState.CACHED):
        return f"because {job.reason}"
    if since is None:
        return "because it has never completed before in this store"
    if not changes:
        return f"although nothing changed since run {since}, whose result was not reused"
    return (
        f"because of {changes} changes since run {since}:" if changes > 1 else f"because of a change since run {since}:"
    )
