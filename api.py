"""Runs workflows from Python: `recrate.run` and `recrate.run_async`, which the command line uses too.

result = recrate.run("workflow.cwl", {"reads": "sample.fastq"}, outdir="results")
result.outputs["report"]["path"]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .connectors.local import LocalConnector
from .core import foresight
from .core.binding import Binding, window_of
from .core.blocking import to_its_end
from .core.bound_inputs import bound_inputs
from .core.containers import ExactImage, LazyContainers
from .core.contents import Contents
from .core.cwl.description import describe_document
from .core.cwl.inputs import unknown_inputs
from .core.cwl.javascript import DEFAULT_LIMITS, Limits
from .core.cwl.job_order import JobOrder, load_job_order
from .core.cwl.load import load_document
from .core.cwl.preflight import images, require_ready
from .core.cwl.process import LoadedDocument, Process
from .core.cwl.secrets import secret_texts
from .core.cwl.translate import Translator
from .core.foresight import Foreseen
from .core.machine.events import OnError
from .core.model import Body
from .core.observer import Notice, Observer, Progress, Silent
from .core.retry_rules import parse_rules
from .core.session import Description, Session
from .core.settings import Settings
from .core.stopping import Stopping
from .core.values import Value, Values
from .data_classes import dataclass
from .errors import RecrateError, UsageError
from .provenance.asking import ask_to_cancel
from .provenance.ids import new_run_id
from .provenance.states import Keep
from .provenance.store import default_data_directory, open_store
from .redaction import Redactor, from_environment
from .result import RunResult as RunResult
from .result import result_of

if TYPE_CHECKING:
    from .core.health import Finding
    from .core.planning import Plan
    from .core.recorded import Recorded
    from .core.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is made.

    Attributes:
        store: path or URL of the provenance store; None: RECRATE_STORE, or the user's own.
        outdir: directory for the outputs; None leaves them in the run's work directory.
        name: a readable name; None makes one.
        work: directory below which work directories are made; None: beside the user's own store.
        jobs: jobs at a time; None: as many as the cores and the memory allow.
        keep: what stays on disk when the run has completed.
        on_error: what a failed job stops.
        retries: how many more times a failed attempt is tried.
        retry: rules of retries for some steps or kinds of failure, as `--retry` takes them: of those
            that fit, the last one counts.
        containers: `auto`, `docker`, `podman` or `none`.
        default_image: container image for tools that name none.
        offline: nothing may be fetched; what is missing is listed before the first job.
        cache: what other runs of the store have made of the same is taken instead of made again.
        allow_network: documents and inputs may be fetched by http(s).
        expression_seconds: time limit of one JavaScript expression; None: 20.
        on: path of a binding file, which says where steps run; `#name` for one of its workflows.
        binding: the same, as data; wins over `on`.
        images: by full name of an image: what it has to be, since an earlier run had it.
        command_line: what the user typed, for the record.
        audit: find out which files commands of this machine read that nobody declared (by strace); no
            result of another run is taken then.
        audit_ignore: files and directories that this is not about, beside those of the system.
        chaos: faults that are to happen, as `--chaos` takes them, to see that the result is the same.
    """

    store: str | None = None
    outdir: str | os.PathLike[str] | None = None
    name: str | None = None
    work: str | os.PathLike[str] | None = None
    jobs: int | None = None
    keep: Keep = Keep.ALL
    on_error: OnError = OnError.STOP
    retries: int = 0
    retry: Sequence[str] = ()
    containers: str = "auto"
    default_image: str | None = None
    offline: bool = False
    cache: bool = True
    allow_network: bool = False
    expression_seconds: float | None = None
    on: str | None = None
    binding: Binding | None = None
    images: Mapping[str, ExactImage] = field(default_factory=dict)
    command_line: Sequence[str] = ()
    audit: bool = False
    audit_ignore: Sequence[str] = ()
    chaos: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that was checked and can start: its workflow, inputs and secrets."""

    document: LoadedDocument
    order: JobOrder
    body: Body
    inputs: Values
    redactor: Redactor
    contents: Contents = field(default_factory=Contents)
    warnings: Sequence[str] = ()
    """What is odd about the inputs and no reason not to run."""
    parent: str | None = None
    """Id of the run that this one is derived from."""
    recorded: Recorded | None = None
    """A run whose results are taken for the steps that are not to be carried out."""
    surroundings: Surroundings | None = None
    """Those of an earlier run, which jobs are to have; None: this machine's."""

    @property
    def process(self) -> Process:
        """The process that is run."""
        return self.document.process


def run(
    workflow: str | os.PathLike[str],
    inputs: Mapping[str, Value] | str | os.PathLike[str] | None = None,
    *,
    options: RunOptions | None = None,
    observer: Observer | None = None,
    **changes: Any,
) -> RunResult:
    """Run a CWL document and wait for its end.

    Args:
        workflow: path or URI of the document, with `#id` for one of several processes in it.
        inputs: values by name, or the path of a job file. Files are objects of class File with a
            `path`, or as a shorthand a `pathlib.Path`.
        options: how to run; `changes` are single fields of it, such as `outdir="results"`.
        observer: is told of what happens.

    Raises:
        RecrateError: the document, the inputs or the options are wrong, or the store fails. A
            run whose jobs fail gives a result with the state `failed`.
    """
    options, run_id = _options(options, changes), new_run_id()
    watching = observer or notebook_observer() or Silent()
    return to_its_end(_run(workflow, inputs, options, watching, run_id), partial(_ask_to_end, options.store, run_id))


async def _run(
    workflow: str | os.PathLike[str],
    inputs: Mapping[str, Value] | str | os.PathLike[str] | None,
    options: RunOptions,
    observer: Observer,
    run_id: str | None = None,
) -> RunResult:
    return await execute(prepare(workflow, inputs, options), options, observer, run_id)


def _ask_to_end(store: str | None, run_id: str) -> None:
    """Have a run of this process ended; one that has not begun is left alone."""
    with open_store(store) as opened, suppress(UsageError):
        ask_to_cancel(opened, run_id, wakes=False)


def notebook_observer() -> Observer | None:
    """Return what shows progress in the cell of a notebook; None when this is none."""
    if "IPython" not in sys.modules:
        return None
    from .views import notebook

    return notebook.notebook_observer()


async def run_async(
    workflow: str | os.PathLike[str],
    inputs: Mapping[str, Value] | str | os.PathLike[str] | None = None,
    *,
    options: RunOptions | None = None,
    observer: Observer | None = None,
    **changes: Any,
) -> RunResult:
    """As `run`, in the event loop of the caller."""
    return await _run(workflow, inputs, _options(options, changes), observer or Silent())


def _options(options: RunOptions | None, changes: Mapping[str, Any]) -> RunOptions:
    known = {item.name for item in fields(RunOptions)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}", hint=f"known: {', '.join(sorted(known))}")
    return replace(options or RunOptions(), **changes)


def prepare(
    workflow: str | os.PathLike[str],
    inputs: Mapping[str, Value] | str | os.PathLike[str] | None,
    options: RunOptions,
) -> Prepared:
    """Load and check a workflow and its inputs; nothing runs and nothing is written down.

    Raises DocumentInvalid, InputInvalid, Unsupported.
    """
    network = options.allow_network and not options.offline
    order = load_job_order(_plain(inputs), allow_network=network)
    return prepare_document(load_document(os.fspath(workflow), allow_network=network), order, options)


def prepare_document(document: LoadedDocument, order: JobOrder, options: RunOptions) -> Prepared:
    """As `prepare`, for a document and inputs that were loaded."""
    require_ready(document, options.containers)
    redactor = from_environment().including(secret_texts(document.process, order.values))
    body = Translator(options.default_image, limits_of(options.expression_seconds)).body(
        document.process, order.requirements
    )
    contents = Contents()
    binding, values = binding_of(options), dict(order.values)
    if binding is not None and binding.ports:
        values = bound_inputs(values, binding, order.folder)
    accepted = body.code.accept(values)
    contents.complete(accepted)
    inputs = {**dict.fromkeys(body.inputs), **accepted}
    return Prepared(document, order, body, inputs, redactor, contents, unknown_inputs(document.process, order.values))


def limits_of(seconds: float | None) -> Limits:
    """Return the limits of expressions; None: the usual ones."""
    return DEFAULT_LIMITS if seconds is None else Limits(seconds=seconds)


def _plain(inputs: Mapping[str, Value] | str | os.PathLike[str] | None) -> Mapping[str, Value] | str | None:
    """Return inputs with each `pathlib.Path` in them as a File or Directory object."""
    if isinstance(inputs, Mapping):
        return {name: _value(value) for name, value in inputs.items()}
    return None if inputs is None else os.fspath(inputs)


def _value(value: Value) -> Value:
    if isinstance(value, Path):
        return {"class": "Directory" if value.is_dir() else "File", "path": str(value.absolute())}
    if isinstance(value, Mapping):
        return {name: _value(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    return value


async def execute(prepared: Prepared, options: RunOptions, observer: Observer, run_id: str | None = None) -> RunResult:
    """Carry out a run that was prepared. Raises Unsupported when it is offline and lacks something.

    The first Ctrl-C, SIGTERM or SIGHUP ends the run cleanly, the second one at once: see `Stopping`.
    """
    if options.offline:
        await _require_offline(prepared, options)
    settings = replace(
        _settings(options, prepared.body), recorded=prepared.recorded, surroundings=prepared.surroundings
    )
    store = open_store(options.store)
    try:
        session = Session(
            store=store,
            body=prepared.body,
            description=_description(prepared, options),
            settings=settings,
            observer=observer,
            redactor=prepared.redactor,
            contents=prepared.contents,
            run_id=run_id or new_run_id(),
        )
        for text in prepared.warnings:
            observer.notify(Progress(Notice.WARNING, session.run_id, text=text))
        with Stopping(session) as stopping:
            finished = await session.run(prepared.inputs)
    finally:
        store.close()
    return result_of(finished, stopping.exit_code, options.store)


async def foresee(prepared: Prepared, options: RunOptions) -> list[Foreseen]:
    """Return what a run would do with the results that the store has: which jobs run, and why.

    Nothing is launched and nothing is written to the store.
    """
    settings = replace(
        _settings(replace(options, retry=()), prepared.body),
        outdir=None,
        cache=True,
        launches=False,
        offline=True,
        on_error=OnError.CONTINUE,
        retries=0,
    )
    store = open_store(options.store)
    try:
        return await foresight.foresee(
            lambda own: Session(
                store=own,
                body=prepared.body,
                description=_description(prepared, options),
                settings=settings,
                redactor=prepared.redactor,
                contents=prepared.contents,
                earlier=store,
            ),
            prepared.inputs,
            store,
            prepared.process.id.partition("#")[0],
        )
    finally:
        store.close()


async def plan_run(prepared: Prepared, options: RunOptions) -> Plan:
    """Return where the steps of a run would be carried out, what would be moved, and what each place answers.

    The places are reached; nothing is launched and nothing is written to the store.
    """
    from .core.hybrid import plan_of

    return await plan_of(prepared.body, prepared.inputs, options.binding or Binding(), work_directory(options))


async def examine(options: RunOptions) -> list[Finding]:
    """Return what there is to mend at the places of a binding, and at this machine, its store included.

    The places are reached and asked; nothing runs there but short commands, and nothing stays there.
    """
    from .core import doctor
    from .core.health import Finding

    found = await doctor.examine(options.binding or Binding(), work_directory(options))
    try:
        open_store(options.store).close()
    except RecrateError as error:
        return [Finding.of("local", "store", error), *found]
    return found


async def _require_offline(prepared: Prepared, options: RunOptions) -> None:
    """Refuse to start a run that would have to fetch something, with the list of what is missing."""
    wanted = list(images(prepared.process))
    if not wanted or options.containers == "none" or binding_of(options) is not None:
        return  # elsewhere each place has images of its own
    here = LazyContainers(LocalConnector(), options.containers, True, lambda image: image.id, exact=options.images)
    await here.require(wanted)


def _description(prepared: Prepared, options: RunOptions) -> Description:
    described = describe_document(prepared.document, prepared.body)
    return Description(
        workflow_id=described.workflow_id,
        parent_id=prepared.parent,
        rows=described.rows,
        run_rows=described.run_rows,
        command_line=options.command_line or sys.argv,
        given=prepared.order.values,
        language_options={
            "default_image": options.default_image,
            "expression_seconds": options.expression_seconds,
            "requirements": dict(prepared.order.requirements),
        },
    )


def work_directory(options: RunOptions) -> str:
    """Return the directory below which runs make their work directories."""
    return os.path.abspath(options.work or os.path.join(default_data_directory(), "work"))


def _settings(options: RunOptions, body: Body) -> Settings:
    limits, policies = parse_rules([options.retry] if isinstance(options.retry, str) else options.retry, body)
    binding = binding_of(options)
    return Settings(
        name=options.name,
        outdir=os.path.abspath(options.outdir) if options.outdir is not None else None,
        work=work_directory(options),
        jobs=options.jobs,
        keep=options.keep,
        on_error=options.on_error,
        retries=options.retries,
        limits=limits,
        policies=policies,
        containers=options.containers,
        offline=options.offline,
        cache=options.cache and not options.audit,
        audit=_audit(options),
        binding=binding,
        images=options.images,
        window=window_of(binding),
        chaos=chaos_of(options.chaos),
    )


def _audit(options: RunOptions) -> tuple[str, ...] | None:
    """Return what an audit ignores, None when none is wanted. Raises Unsupported when it cannot be made here."""
    if not options.audit:
        return None
    from .core.tracing import find_tracer

    find_tracer()
    return tuple(map(os.path.abspath, options.audit_ignore))


def chaos_of(text: str | None) -> str | None:
    """Return the faults that are to happen as they go on record; None for none. Raises UsageError."""
    if text is None:
        return None
    from .core.disturbing import seeded

    return seeded(text)


def binding_of(options: RunOptions) -> Binding | None:
    """Return where steps run; None when nothing is bound to another place. Raises DocumentInvalid."""
    binding = said_binding(options)
    return binding if binding is not None and binding.is_elsewhere else None


def said_binding(options: RunOptions) -> Binding | None:
    """Return the binding that is named, with all its deployments. Raises DocumentInvalid."""
    if options.binding is None and options.on is not None:
        from .binding.file import binding_at

        return binding_at(options.on)
    return options.binding
