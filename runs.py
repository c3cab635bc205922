"""What is done with a run that is on record: gone on with, watched, ended.

`recrate.resume` takes everything from the store: the texts of the workflow, the inputs, the
options, and how far the run had come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .api import Prepared, chaos_of, limits_of, notebook_observer
from .core.blocking import to_its_end
from .core.contents import Contents
from .core.cwl.description import describe_document
from .core.cwl.job_order import JobOrder
from .core.cwl.load import load_document
from .core.cwl.process import LoadedDocument, Process
from .core.cwl.secrets import secret_inputs, secret_texts
from .core.cwl.translate import Translator
from .core.following import follow
from .core.model import Body
from .core.observer import Observer, Silent
from .core.session import GIVEN, Description, Session
from .core.settings import Settings
from .core.stopping import CANCELLED, Stopping
from .core.stored_outputs import read_outputs
from .core.values import Values, to_json
from .data_classes import dataclass
from .errors import RunFailed, StoreFailed, Unsupported, UsageError
from .provenance import ids, queries
from .provenance.asking import ask_to_cancel, wait_for_end
from .provenance.database import Database
from .provenance.rows import RunRow, TokenRow, WorkflowRow
from .provenance.states import RunState
from .provenance.store import Store, open_store
from .redaction import MASK, from_environment
from .result import RunResult, result_of


def resume(
    run: str, *, store: str | None = None, jobs: int | None = None, observer: Observer | None = None
) -> RunResult:
    """Go on with a run that was interrupted, failed or was cancelled, and wait for its end.

    What is done stays done; jobs that still run are awaited; what had failed is tried again. For a
    run that has completed, its result is returned.

    Args:
        run: id of the run, its name, or `last`.
        store: path or URL of the store that it is in; None: RECRATE_STORE, or the user's own.
        jobs: jobs at a time; None: as the run was started with.
        observer: is told of what happens.

    Raises:
        RunIsHeld: another controller carries the run out.
        RecrateError: it cannot be gone on with: see the message.
    """
    return to_its_end(resume_async(run, store=store, jobs=jobs, observer=observer or notebook_observer()))


async def resume_async(
    run: str,
    *,
    store: str | None = None,
    jobs: int | None = None,
    observer: Observer | None = None,
    secrets: JobOrder | None = None,
    chaos: str | None = None,
) -> RunResult:
    """As `resume`, in the event loop of the caller.

    `secrets` are inputs again, of which the secret ones are used; `chaos` is as in RunOptions, where None
    leaves it as the run was started.
    """
    opened = open_store(store)
    try:
        row = queries.get_run(opened.database, queries.resolve(opened.database, queries.Kind.RUN, run))
        if row.state is RunState.COMPLETED:
            return _on_record(row, store)
        session, inputs = session_of(opened, row, secrets, observer or Silent())
        if jobs is not None:
            session.settings = replace(session.settings, jobs=jobs)
        if chaos is not None:
            session.settings = replace(session.settings, chaos=chaos_of(chaos))
        with Stopping(session) as stopping:
            finished = await session.resume(inputs)
        return result_of(finished, stopping.exit_code, store)
    finally:
        opened.close()


def attach(run: str, *, store: str | None = None, observer: Observer | None = None) -> RunResult:
    """Wait for the end of a run that another process carries out, and return how it ended.

    Args:
        run: its id or the beginning of one, its name, or `last`.
        store: path or URL of the store; None as in RunOptions.
        observer: is told of what happens.

    Raises:
        UsageError: there is no such run.
        RunFailed: its controller is gone, so that nobody carries it out.
    """
    with open_store(store) as opened:
        run_id = queries.resolve(opened.database, queries.Kind.RUN, run)
        row, state = follow(opened, run_id, observer or Silent())
    if state is RunState.INTERRUPTED:
        raise RunFailed(
            f"run {row.name} was interrupted: its controller is gone", hint=f"go on with: recrate resume {row.name}"
        )
    return _on_record(row, store)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a run that somebody wanted to end.

    Attributes:
        id: identity of the run.
        name: its readable name.
        state: where it is now; RUNNING when it did not end in time.
        was_over: it had ended before anybody was asked.
    """

    id: str
    name: str
    state: RunState
    was_over: bool


def cancel(run: str, *, store: str | None = None, seconds: float = 60.0) -> Cancelled:
    """Ask the controller of a run, wherever it is, to end it, and wait for that for so many seconds.

    A run whose controller is gone is ended here: its jobs that still run are.

    Raises UsageError when there is no such run.
    """
    with open_store(store) as opened:
        run_id = queries.resolve(opened.database, queries.Kind.RUN, run)
        asked = ask_to_cancel(opened, run_id)
        row, state = asked.run, asked.state
        was_over = state is not RunState.RUNNING
        if not was_over:
            row, state = wait_for_end(opened, run_id, seconds)
        if state is RunState.INTERRUPTED:
            state, was_over = to_its_end(_ended(opened, row)), False
        return Cancelled(row.id, row.name, state, was_over)


async def _ended(store: Store, row: RunRow) -> RunState:
    """End a run whose controller is gone, and the jobs that it left behind."""
    session, inputs = session_of(store, row, None, Silent())
    return (await session.resume(inputs, cancelled=True)).state


def session_of(store: Store, row: RunRow, secrets: JobOrder | None, observer: Observer) -> tuple[Session, Values]:
    """Return the session of a run that is on record, and the inputs that it was given."""
    if queries.crate_of(store.database, row.id) is not None:
        raise UsageError(f"run {row.name} was imported: it was carried out elsewhere, and cannot be gone on with here")
    language = json.loads(row.options).get("language", {})
    process, body = body_of(store.database, row)
    contents = Contents()
    inputs = _given(store.database, row, process, body, contents, secrets)
    redactor = from_environment().including(secret_texts(process, inputs))
    session = Session(
        store=store,
        body=body,
        description=Description(workflow_id=row.workflow_id or "", language_options=language),
        settings=Settings.of(row),
        observer=observer,
        redactor=redactor,
        contents=contents,
        run_id=row.id,
        name=row.name,
    )
    return session, inputs


def body_of(database: Database, row: RunRow) -> tuple[Process, Body]:
    """Return what a run carries out, made of the texts that the store has of it. Raises as `document_of`."""
    language: Mapping[str, Any] = json.loads(row.options).get("language", {})
    process = document_of(database, row).process
    translator = Translator(language.get("default_image"), limits_of(language.get("expression_seconds")))
    return process, translator.body(process, language.get("requirements") or {})


def document_of(database: Database, row: RunRow) -> LoadedDocument:
    """Return the workflow of a run, loaded from the texts that the store has of it.

    Raises StoreFailed when it has none, Unsupported for a workflow in another language.
    """
    workflow = None if row.workflow_id is None else database.row(WorkflowRow, row.workflow_id)
    if workflow is None:
        raise StoreFailed(
            f"the store does not have the workflow of run {row.name}",
            hint="what an imported crate does not hold cannot be run",
        )
    if not workflow.language.lower().startswith("cwl"):
        raise Unsupported(
            f"the workflow of run {row.name} is written in {workflow.language}, for which its own engine is needed",
            hint="the run can be looked at with: recrate show, recrate query, recrate audit",
        )
    texts = {document.uri: document.text.encode() for document in queries.documents(database, workflow.id)}
    return load_document(workflow.entry, texts=texts)


def _given(
    database: Database, row: RunRow, process: Process, body: Body, contents: Contents, secrets: JobOrder | None
) -> Values:
    """Return the inputs of a run as they are on record, secret ones from what is given again."""
    tokens = {name: ids.token_id(row.id, "/", name, GIVEN) for name in body.inputs}
    found = queries.get_tokens(database, tokens.values())
    if len(found) < len(tokens) or not queries.last_event(database, row.id):
        values = {} if row.inputs is None else json.loads(row.inputs)
        return _accepted(values if secrets is None else secrets.values, body, contents)
    texts = {name: _text(found[token]) for name, token in tokens.items()}
    secret = frozenset(texts) if from_environment().secrets else secret_inputs(process)
    masked = [name for name, text in texts.items() if MASK in text and name in secret]
    if masked and secrets is None:
        raise UsageError(
            f"input {masked[0]!r} of run {row.name} holds a secret, which the store does not have",
            hint="repeat the command of the run, with --resume",
        )
    again = _accepted(secrets.values, body, contents) if masked and secrets is not None else {}
    return {name: again.get(name) if name in masked else json.loads(text) for name, text in texts.items()}


def _accepted(values: Values, body: Body, contents: Contents) -> Values:
    accepted = body.code.accept(dict(values))
    contents.complete(accepted)
    return {**dict.fromkeys(body.inputs), **accepted}


def _text(row: TokenRow) -> str:
    return row.value if row.value is not None else "null"


def _on_record(row: RunRow, store: str | None) -> RunResult:
    """Return the result of a run that is over, as the store knows it: not by which signal it was cancelled,
    nor what kind of error made it fail."""
    exit_codes = {RunState.COMPLETED: 0, RunState.CANCELLED: CANCELLED}
    return RunResult(
        id=row.id,
        name=row.name,
        state=row.state,
        outputs=read_outputs(row.outputs),
        outdir=row.outdir,
        seconds=0.0 if row.ended is None else row.ended - row.started,
        exit_code=exit_codes.get(row.state, 1),
        store=store,
    )


def unfinished(store: Store, prepared: Prepared) -> str | None:
    """Return the id of the newest run of a workflow with the same inputs, unless that has completed."""
    workflow = describe_document(prepared.document, prepared.body).workflow_id
    given = to_json(prepared.redactor.value(prepared.order.values))
    rows = store.database.rows(
        RunRow,
        "WHERE workflow_id = ? AND inputs = ? AND id NOT IN (SELECT run_id FROM crate) "
        "ORDER BY started DESC, id DESC LIMIT 1",
        (workflow, given),
    )
    return rows[0].id if rows and rows[0].state is not RunState.COMPLETED else None
