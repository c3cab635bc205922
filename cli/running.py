"""`recrate run`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..api import Prepared, RunOptions, RunResult, execute, prepare_document
from ..binding.sniffing import is_binding_file
from ..core.cwl.cache import user_cache
from ..core.cwl.job_order import JobOrder, load_job_order
from ..core.cwl.load import load_document
from ..core.cwl.parameters import parse_settings
from ..core.machine.events import OnError
from ..core.observer import Observer
from ..core.retry_rules import FORM, KINDS
from ..data_classes import dataclass
from ..provenance.states import Keep
from ..provenance.store import open_store
from ..runs import resume_async, unfinished
from . import progress
from .background import run_detached
from .options import (
    ChaosOption,
    ContainersOption,
    DetachOption,
    JobsOption,
    JsonOption,
    NameOption,
    NetworkOption,
    NoCacheOption,
    OnOption,
    OutdirOption,
    QuietOption,
    ResumeOption,
    RunArgument,
    SettingsOption,
    StoreOption,
    WorkOption,
)
from .results import report

RetryOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE",
        help=f"Retries of some steps or kinds of failure, {FORM}; KIND is one of {', '.join(KINDS)}. "
        "Of the rules that fit, the last one counts; --retries is for the rest.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """How a run is begun and shown."""

    resume: bool
    detach: bool
    profile: bool
    quiet: bool
    json: bool


def run(
    workflow: Annotated[
        str, typer.Argument(help="CWL document, with #id for one of several processes; or a binding file.")
    ],
    job: Annotated[str | None, typer.Argument(help="Job file (YAML or JSON) with the inputs.")] = None,
    settings: SettingsOption = None,
    outdir: OutdirOption = Path("results"),
    name: NameOption = None,
    store: StoreOption = None,
    work: WorkOption = None,
    jobs: JobsOption = None,
    keep: Annotated[Keep, typer.Option(help="What stays on disk when the run has completed.")] = Keep.ALL,
    on_error: Annotated[OnError, typer.Option(help="What a failed job stops.")] = OnError.STOP,
    retries: Annotated[int, typer.Option(min=0, help="How many more times a failed attempt is tried.")] = 0,
    retry: RetryOption = None,
    containers: ContainersOption = "auto",
    no_cache: NoCacheOption = False,
    offline: Annotated[bool, typer.Option(help="Fetch nothing; list what is missing before the first job.")] = False,
    enable_net: NetworkOption = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Find out which files jobs of this machine read that nobody declared.")
    ] = False,
    audit_ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="A file or directory that --audit leaves out; repeatable."),
    ] = None,
    on: OnOption = None,
    resume: ResumeOption = False,
    detach: DetachOption = False,
    profile: Annotated[bool, typer.Option("--profile", help="Print where the controller's time went.")] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    chaos: ChaosOption = None,
) -> None:
    """Run a workflow: watch it, get its outputs, and have all of it on record."""
    flags = Flags(resume=resume, detach=detach, profile=profile, quiet=quiet, json=json)
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
        cache=not no_cache,
        allow_network=enable_net,
        audit=audit,
        audit_ignore=tuple(audit_ignore or ()),
        on=on,
        command_line=tuple(sys.argv),
        chaos=chaos,
    )
    raise typer.Exit(_made(workflow, job, options, settings or [], flags))


def _made(workflow: str, job: str | None, options: RunOptions, settings: list[str], flags: Flags) -> int:
    """Make the runs that are asked for, of which a binding file may have several; return the exit code."""
    if not is_binding_file(workflow) and options.on is None:
        return _run(workflow, job, options, settings, flags)
    from .bound_runs import run_bound

    def again(workflow: str, job: str | None, options: RunOptions) -> int:
        return _run(workflow, job, options, settings, flags)

    return run_bound(workflow, job, options, again)


def _run(workflow: str, job: str | None, options: RunOptions, settings: list[str], flags: Flags) -> int:
    """Make one run, and return its exit code."""
    watching = progress.observer(quiet=flags.quiet or flags.json)

    def carried_out() -> RunResult:
        prepared = _prepared(workflow, job, settings, options)
        earlier = _unfinished(prepared, options) if flags.resume else None
        if earlier is not None:
            return _gone_on(prepared, options, watching, earlier)
        if flags.detach:
            raise typer.Exit(run_detached(prepared, options, quiet=flags.quiet, json=flags.json))
        return asyncio.run(execute(prepared, options, watching))

    result = _profiled(carried_out, flags.profile)
    return report(result, options.store, quiet=flags.quiet, json=flags.json, audit=options.audit)


def _profiled(carried_out: Callable[[], RunResult], profile: bool) -> RunResult:
    if not profile:
        return carried_out()
    from .profiling import with_profile

    return with_profile(carried_out)


def resume(
    run: RunArgument,
    store: StoreOption = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Jobs at a time (default: as it was started with).")] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
    chaos: ChaosOption = None,
) -> None:
    """Go on with a run that was interrupted, failed or was cancelled: what is done stays done."""
    watching = progress.observer(quiet=quiet or json)
    result = asyncio.run(resume_async(run, store=store, jobs=jobs, observer=watching, chaos=chaos))
    raise typer.Exit(report(result, store, quiet=quiet, json=json, audit=True))


def _unfinished(prepared: Prepared, options: RunOptions) -> str | None:
    with open_store(options.store) as store:
        return unfinished(store, prepared)


def _gone_on(prepared: Prepared, options: RunOptions, observer: Observer, run: str) -> RunResult:
    """Go on with an earlier run of the same; secrets come from the inputs that are given now."""
    return asyncio.run(
        resume_async(
            run,
            store=options.store,
            jobs=options.jobs,
            observer=observer,
            secrets=prepared.order,
            chaos=options.chaos,
        )
    )


def _prepared(workflow: str, job: str | None, settings: list[str], options: RunOptions) -> Prepared:
    """Load and check a run; what `--set` gives wins over the job file."""
    network = options.allow_network and not options.offline
    document = load_document(workflow, allow_network=network, cache=user_cache())
    order = load_job_order(job, allow_network=network)
    if settings:
        given = parse_settings(document.process, settings, allow_network=network)
        order = JobOrder({**order.values, **given}, order.requirements)
    return prepare_document(document, order, options)
