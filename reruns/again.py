"""A run carried out again, from a crate or from the store, and compared with what it was.

Workflow and inputs are taken from the rows of the run and the files that came with it, and from
nowhere else: so what a crate lacks is found out before anything runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..api import Prepared, RunOptions, RunResult, execute, prepare_document
from ..core.cwl.job_order import JobOrder
from ..core.cwl.parameters import parse_settings
from ..core.observer import Observer, Silent
from ..crates.compare.runs import Comparison, Side, compare_runs
from ..crates.compare.sides import is_crate
from ..crates.compare.tolerance import Tolerances
from ..crates.importing import import_run
from ..errors import CrateInvalid
from ..provenance import queries
from ..provenance.queries import Kind
from ..provenance.states import RunState
from ..provenance.store import Store, open_store
from ..runs import document_of
from .given import Given, require_same


@dataclass(frozen=True, slots=True)
class Rerun:
    """A run that was carried out again.

    Attributes:
        original: id of the run that it was derived from.
        result: how the new one ended.
        comparison: of the two; None when the new one did not complete.
    """

    original: str
    result: RunResult
    comparison: Comparison | None


def rerun(
    what: str,
    *,
    options: RunOptions | None = None,
    settings: Sequence[str] = (),
    tolerances: Tolerances | None = None,
    observer: Observer | None = None,
) -> Rerun:
    """Carry out a run again, and compare.

    Args:
        what: a crate (folder or zip), which is imported and checked first, or a run of the store.
        options: how to run. Results of other runs are not taken.
        settings: inputs that are to be different, `NAME=VALUE`.
        tolerances: of the comparison.
        observer: is told of what happens.

    Raises:
        CrateInvalid: the crate was changed, is not safe, or lacks what the run needs.
        Unsupported: the run needs another engine.
        RecrateError: it cannot be run: see the message.
    """
    options = replace(options or RunOptions(), cache=False)
    with open_store(options.store) as store:
        run_id = _on_record(what, store)
        prepared, again = prepare_again(store, run_id, options, settings)
        result = asyncio.run(execute(prepared, again, observer or Silent()))
        comparison = None
        if result.state is RunState.COMPLETED:
            sides = [Side(store.database, each, label) for each, label in ((run_id, what), (result.id, result.name))]
            comparison = compare_runs(sides[0], sides[1], tolerances or Tolerances())
        return Rerun(run_id, result, comparison)


def _on_record(what: str, store: Store) -> str:
    """Return the id of a run, of a crate after it was put into the store."""
    path = Path(what)
    if path.exists() and is_crate(path):
        return import_run(what, store).run_id
    return queries.resolve(store.database, Kind.RUN, what)


def prepare_again(
    store: Store, run_id: str, options: RunOptions, settings: Sequence[str] = ()
) -> tuple[Prepared, RunOptions]:
    """Return what a run was made of, ready to be run, and the options with those that change what happens.

    Raises CrateInvalid with all that is missing, Unsupported for a workflow in another language.
    """
    row = queries.get_run(store.database, run_id)
    document = document_of(store.database, row)
    language: Mapping[str, Any] = json.loads(row.options).get("language", {})
    again = replace(
        options,
        default_image=options.default_image or language.get("default_image"),
        expression_seconds=options.expression_seconds or language.get("expression_seconds"),
    )
    changed = parse_settings(document.process, settings) if settings else {}
    given = Given(store.database, row)
    values = {**{name: value for name, value in given.values() if name not in changed}, **changed}
    if given.missing:
        raise CrateInvalid(
            f"run {row.name} cannot be run again, since these inputs are not to be had: {', '.join(given.missing)}",
            hint="give them with --set, or export the run with its files",
        )
    prepared = prepare_document(document, JobOrder(values, language.get("requirements") or {}), again)
    require_same(prepared.inputs, given.contents)
    return replace(prepared, parent=run_id), again
