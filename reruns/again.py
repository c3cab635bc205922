"""A run carried out again, from a crate or from the store, and compared with what it was.

Workflow and inputs are taken from the rows of the run and the files that came with it, and from
nowhere else: so what a crate lacks is found out before anything runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..api import Prepared, RunOptions, RunResult, execute, prepare_document, said_binding
from ..core.binding import Binding
from ..core.cwl.parameters import parse_settings
from ..core.cwl.relocating import relocated
from ..core.observer import Observer, Silent
from ..core.settings import Settings
from ..core.surroundings import as_before
from ..crates.compare.runs import Comparison, Side, compare_runs
from ..crates.compare.sides import is_crate
from ..crates.compare.tolerance import Tolerances
from ..crates.compare.verdicts import keep_verdict
from ..crates.importing import import_crate
from ..crates.signing.sshsig import Signers
from ..data_classes import dataclass
from ..errors import CrateInvalid, NoRun
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind, StepPlace
from ..provenance.rows import RunRow
from ..provenance.states import RunState
from ..provenance.store import Store, open_store
from ..runs import document_of
from .exact import exact_images, other_images
from .foretold import other_software, other_surroundings, require_places, several_surroundings, surroundings_of
from .given import Given, require_same
from .partial import recorded
from .placing import Ask, placed
from .plain import main_workflow, require_inputs


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different from the run that was.

    Attributes:
        settings: inputs, `NAME=VALUE`.
        maps: what places are called now that steps ran on, `OLD=NEW`: see `placing.parsed_maps`.
        only: steps that are carried out; all else is taken from what is on record. See `partial.recorded`.
        since: those that are, with all that depends on what they make.
    """

    settings: Sequence[str] = ()
    maps: Sequence[str] = ()
    only: Sequence[str] = ()
    since: Sequence[str] = ()

    @property
    def are_partial(self) -> bool:
        """Tell whether only some steps are carried out."""
        return bool(self.only or self.since)


@dataclass(frozen=True, slots=True)
class Talk:
    """Who is told, a line at a time, what will not be as it was, and perhaps asked; and whom they trust to sign."""

    tell: Callable[[str], None] = lambda _: None
    ask: Ask | None = None
    signers: Signers | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """A run that was carried out again.

    Attributes:
        original: id of the run that it was derived from; None when there was none, but a workflow alone.
        result: how the new one ended.
        comparison: of the two; None when the new one did not complete, unless only some steps were carried out.
    """

    original: str | None
    result: RunResult
    comparison: Comparison | None


def rerun(
    what: str,
    *,
    options: RunOptions | None = None,
    changes: Changes | None = None,
    tolerances: Tolerances | None = None,
    observer: Observer | None = None,
    talk: Talk | None = None,
) -> Rerun:
    """Carry out a run again, and compare.

    Args:
        what: a crate (folder or zip), which is imported and checked first, or a run of the store. The main
            workflow of a crate that is about no run is run for the first time.
        options: how to run. Results of other runs are not taken.
        changes: what is to be different.
        tolerances: of the comparison.
        observer: is told of what happens.
        talk: is told, before anything runs, what will not be as it was.

    Raises:
        CrateInvalid: the crate was changed, is not safe, or lacks what the run needs.
        Unsupported: the run needs another engine, or a step of it can run nowhere.
        RecrateError: it cannot be run: see the message.
    """
    options, changes, talk = replace(options or RunOptions(), cache=False), changes or Changes(), talk or Talk()
    with open_store(options.store) as store:
        run_id = _on_record(what, store, talk)
        if run_id is None:
            return Rerun(None, _run_first(what, options, changes, observer or Silent()), None)
        with exact_images(what, store.database, run_id) as images:
            prepared, again = prepare_again(store, run_id, replace(options, images=images), changes, talk)
            with as_before(prepared.surroundings):
                result = asyncio.run(execute(prepared, again, observer or Silent()))
        comparison = None
        if result.state is RunState.COMPLETED or (changes.are_partial and result.state is RunState.FAILED):
            sides = [Side(store.database, each, label) for each, label in ((run_id, what), (result.id, result.name))]
            comparison = compare_runs(sides[0], sides[1], tolerances or Tolerances())
            keep_verdict(store, sides[0], sides[1], comparison)
        return Rerun(run_id, result, comparison)


def _run_first(what: str, options: RunOptions, changes: Changes, observer: Observer) -> RunResult:
    """Run the main workflow of a crate that is about no run."""
    with main_workflow(what) as document:
        values = parse_settings(document.process, changes.settings) if changes.settings else {}
        order = require_inputs(document.process, values, f"the workflow of {what}")
        return asyncio.run(execute(prepare_document(document, order, options), options, observer))


def _on_record(what: str, store: Store, talk: Talk) -> str | None:
    """Return the id of a run, of a crate after it was put into the store; None of one that is about no run."""
    path = Path(what)
    if path.exists() and is_crate(path):
        try:
            imported = import_crate(what, store, signers=talk.signers)[0]
        except NoRun:
            return None
        if imported.crate is not None and imported.crate.signer is not None:
            talk.tell(f"the crate is signed by {imported.crate.signer}")
        for note in imported.notes if imported.crate is not None and imported.crate.is_own else ():
            talk.tell(note)
        return imported.run_id
    return queries.resolve(store.database, Kind.RUN, what)


def prepare_again(
    store: Store, run_id: str, options: RunOptions, changes: Changes, talk: Talk
) -> tuple[Prepared, RunOptions]:
    """Return what a run was made of, ready to be run, and the options with those that change what happens.

    Raises CrateInvalid with all that is missing, Unsupported for a workflow in another language, or when a step
    can run nowhere.
    """
    row = queries.get_run(store.database, run_id)
    given = Given(store.database, row)
    document = document_of(store.database, row)
    document = replace(document, process=relocated(document.process, given.of_document))
    language: Mapping[str, Any] = json.loads(row.options).get("language", {})
    again = replace(
        options,
        default_image=options.default_image or language.get("default_image"),
        expression_seconds=options.expression_seconds or language.get("expression_seconds"),
    )
    changed = parse_settings(document.process, changes.settings) if changes.settings else {}
    names = {port.name for port in document.process.inputs} - changed.keys()
    values = {**dict(given.values(names)), **changed}
    if given.missing:
        raise CrateInvalid(
            f"run {row.name} cannot be run again, since these inputs are not to be had: {', '.join(given.missing)}",
            hint="give them with --set, or export the run with its files",
        )
    places = queries.step_places(store.database, run_id)
    bound = placed(_binding(store.database, row, again), values, places, changes.maps, talk.ask)
    again = replace(again, binding=bound.binding, on=None)
    order = require_inputs(document.process, values, f"run {row.name}")
    prepared = prepare_document(document, replace(order, requirements=language.get("requirements") or {}), again)
    require_same(prepared.inputs, given.contents)
    taken = recorded(store.database, row, prepared.body, changes.only, changes.since)
    around = surroundings_of(row, places, elsewhere=bool(bound.binding.deployments))
    told = (*several_surroundings(row, places), *other_surroundings(around))
    for line in (*bound.unnamed, *other_software(store.database, run_id), *told):
        talk.tell(line)
    for line in asyncio.run(_foretold(prepared, again, places)):
        talk.tell(line)
    return replace(prepared, parent=run_id, recorded=taken, surroundings=around), again


async def _foretold(prepared: Prepared, options: RunOptions, places: Sequence[StepPlace]) -> list[str]:
    return [*await require_places(prepared, options, places), *await other_images(prepared, options)]


def _binding(database: Database, row: RunRow, options: RunOptions) -> Binding:
    """Return where steps run: as is said now, else as the run was told, when that was here."""
    if options.binding is not None or options.on is not None:
        return said_binding(options) or Binding()
    made_here = queries.crate_of(database, row.id) is None
    return (Settings.of(row).binding if made_here else None) or Binding()
