"""`recrate run`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api import Prepared, RunOptions, RunResult, execute, prepare_document
from ..core.cwl.job_order import JobOrder, load_job_order
from ..core.cwl.load import load_document
from ..core.cwl.parameters import parse_settings
from ..core.machine.events import OnError
from ..core.observer import Observer
from ..core.retry_rules import FORM, KINDS
from ..core.values import Value, walk_references
from ..provenance.states import Keep
from ..provenance.store import open_store
from . import failures, progress
from .options import JsonOption, NetworkOption, QuietOption, RunArgument, StoreOption
from .render import print_json, printable, size_text

MOST_OUTPUTS = 12
RetryOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE",
        help=f"Retries of some steps or kinds of failure, {FORM}; KIND is one of {', '.join(KINDS)}. "
        "Of the rules that fit, the last one counts; --retries is for the rest.",
    ),
]


def run(
    workflow: Annotated[str, typer.Argument(help="CWL document, with #id for one of several processes.")],
    job: Annotated[str | None, typer.Argument(help="Job file (YAML or JSON) with the inputs.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set an input; wins over the job file.")
    ] = None,
    outdir: Annotated[Path, typer.Option(help="Directory for the outputs.")] = Path("results"),
    name: Annotated[str | None, typer.Option(help="Readable name of the run (default: one is made).")] = None,
    store: StoreOption = None,
    work: Annotated[Path | None, typer.Option(help="Directory below which work directories are made.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time (default: as cores and memory allow).")
    ] = None,
    keep: Annotated[Keep, typer.Option(help="What stays on disk when the run has completed.")] = Keep.ALL,
    on_error: Annotated[OnError, typer.Option(help="What a failed job stops.")] = OnError.STOP,
    retries: Annotated[int, typer.Option(min=0, help="How many more times a failed attempt is tried.")] = 0,
    retry: RetryOption = None,
    containers: Annotated[str, typer.Option(metavar="ENGINE", help="auto, docker, podman or none.")] = "auto",
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take results of earlier jobs of the store instead of running them again.")
    ] = False,
    offline: Annotated[bool, typer.Option(help="Fetch nothing; list what is missing before the first job.")] = False,
    enable_net: NetworkOption = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the last run of the same, if it has not completed."),
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Run a workflow: watch it, get its outputs, and have all of it on record."""
    options = RunOptions(
        store=store,
        outdir=outdir,
        name=name,
        work=work,
        jobs=jobs,
        keep=keep,
        on_error=on_error,
        retries=retries,
        retry=tuple(retry or ()),
        containers=containers,
        offline=offline,
        reuse=reuse,
        allow_network=enable_net,
        command_line=tuple(sys.argv),
    )
    result = _run(workflow, job, settings or [], options, progress.observer(quiet=quiet or json), resume=resume)
    _report(result, options, quiet=quiet, json=json)
    raise typer.Exit(result.exit_code)


def resume(
    run: RunArgument,
    store: StoreOption = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time (default: as the run was started with).")
    ] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Go on with a run that was interrupted, failed or was cancelled: what is done stays done."""
    from ..resuming import resume_async

    observer = progress.observer(quiet=quiet or json)
    result = asyncio.run(resume_async(run, store=store, jobs=jobs, observer=observer))
    _report(result, RunOptions(store=store), quiet=quiet, json=json)
    raise typer.Exit(result.exit_code)


def _run(
    workflow: str,
    job: str | None,
    settings: list[str],
    options: RunOptions,
    observer: Observer,
    *,
    resume: bool = False,
) -> RunResult:
    """Load, check and carry out a run; what `--set` gives wins over the job file."""
    network = options.allow_network and not options.offline
    document = load_document(workflow, allow_network=network)
    order = load_job_order(job, allow_network=network)
    if settings:
        given = parse_settings(document.process, settings, allow_network=network)
        order = JobOrder({**order.values, **given}, order.requirements)
    prepared = prepare_document(document, order, options)
    earlier = _unfinished(prepared, options) if resume else None
    if earlier is not None:
        from ..resuming import resume_async

        return asyncio.run(
            resume_async(earlier, store=options.store, jobs=options.jobs, observer=observer, secrets=order)
        )
    return asyncio.run(execute(prepared, options, observer))


def _unfinished(prepared: Prepared, options: RunOptions) -> str | None:
    """Return the id of the last run of the same thing, unless that has completed."""
    from ..resuming import unfinished

    with open_store(options.store) as store:
        return unfinished(store, prepared)


def _report(result: RunResult, options: RunOptions, *, quiet: bool, json: bool) -> None:
    if json:
        print_json(
            {
                "id": result.id,
                "name": result.name,
                "state": result.state,
                "outputs": result.outputs,
                "outdir": result.outdir,
                "seconds": round(result.seconds, 3),
            }
        )
    if result.exit_code:
        with open_store(options.store) as store:
            failures.explain(store, result.id, sys.stderr)
    elif not quiet and not json:
        _print_outputs(result)


def _print_outputs(result: RunResult) -> None:
    shown = list(result.outputs.items())
    width = max((len(name) for name, _ in shown[:MOST_OUTPUTS]), default=0)
    print("\noutputs:")
    for name, value in shown[:MOST_OUTPUTS]:
        print(f"  {printable(name).ljust(width)}  {describe(value)}")
    if len(shown) > MOST_OUTPUTS:
        print(f"  ... and {len(shown) - MOST_OUTPUTS} more")
    print(f"\nrun {result.name} ({result.id}) took {result.seconds:.1f} s")
    print(f"next: recrate show {result.name}    recrate log {result.name}    recrate runs")


def describe(value: Value) -> str:
    """Return an output in a few words: where it is and how large, or the value."""
    found = [item for item in walk_references(value) if item.get("path")]
    if isinstance(value, dict) and value.get("class") == "File" and found:
        return f"{_short(str(value['path']))}  {size_text(value.get('size'))}"
    if isinstance(value, dict) and value.get("class") == "Directory" and found:
        return f"{_short(str(value['path']))}/"
    if isinstance(value, list) and found:
        return f"{len(value)} files in {_short(os.path.dirname(str(found[0]['path'])))}/"
    text = printable(_text(value))
    return text if len(text) < 100 else text[:100] + "..."


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value)


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return printable(path if relative.startswith("..") else relative)
