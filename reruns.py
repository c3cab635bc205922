"""A run carried out again, from a crate or from the store, and compared with what it was.

Workflow and inputs are taken from the rows of the run and the files that came with it, and from
nowhere else: so what a crate lacks is found out before anything runs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .api import Prepared, RunOptions, RunResult, execute, prepare_document
from .core.cwl.job_order import JobOrder
from .core.cwl.load import load_document
from .core.cwl.parameters import parse_settings
from .core.cwl.process import LoadedDocument
from .core.observer import Observer, Silent
from .core.session import GIVEN
from .core.uris import to_uri
from .core.values import FileValue, Value, Values, is_reference, walk_references
from .crates.compare.runs import Comparison, Side, compare_runs
from .crates.compare.sides import is_crate
from .crates.compare.tolerance import Tolerances
from .crates.importing import import_crate
from .errors import CrateInvalid, InputInvalid, StoreFailed, Unsupported
from .provenance import ids, queries
from .provenance.database import Database
from .provenance.queries import Kind
from .provenance.rows import RunRow, WorkflowRow
from .provenance.states import RunState
from .provenance.store import Store, open_store
from .redaction import MASK

KEPT = ("class", "basename", "format", "contents")
"""What of a File or Directory object goes into the inputs of a new run as it is."""


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
        run_id = _imported(what, store)
        prepared, again = prepare_again(store, run_id, options, settings)
        result = asyncio.run(execute(prepared, again, observer or Silent()))
        comparison = None
        if result.state is RunState.COMPLETED:
            sides = [Side(store.database, each, label) for each, label in ((run_id, what), (result.id, result.name))]
            comparison = compare_runs(sides[0], sides[1], tolerances or Tolerances())
        return Rerun(run_id, result, comparison)


def _imported(what: str, store: Store) -> str:
    """Return the id of a run, of a crate after it was put into the store."""
    path = Path(what)
    if not (path.exists() and is_crate(path)):
        return queries.resolve(store.database, Kind.RUN, what)
    runs = import_crate(what, store)
    if not runs:
        raise CrateInvalid(f"{what} is about no run", hint="run its workflow with: recrate run")
    return runs[0].run_id


def prepare_again(
    store: Store, run_id: str, options: RunOptions, settings: Sequence[str] = ()
) -> tuple[Prepared, RunOptions]:
    """Return what a run was made of, ready to be run, and the options with those that change what happens.

    Raises CrateInvalid with all that is missing, Unsupported for a workflow in another language.
    """
    row = queries.get_run(store.database, run_id)
    document = _document(store.database, row)
    language: Mapping[str, Any] = json.loads(row.options).get("language", {})
    again = replace(
        options,
        default_image=options.default_image or language.get("default_image"),
        expression_seconds=options.expression_seconds or language.get("expression_seconds"),
    )
    changed = parse_settings(document.process, settings) if settings else {}
    given = _Given(store.database, row)
    values = {**{name: value for name, value in given.values() if name not in changed}, **changed}
    if given.missing:
        raise CrateInvalid(
            f"run {row.name} cannot be run again, since these inputs are not to be had: {', '.join(given.missing)}",
            hint="give them with --set, or export the run with its files",
        )
    prepared = prepare_document(document, JobOrder(values, language.get("requirements") or {}), again)
    _require_same(prepared.inputs, given.contents)
    return replace(prepared, parent=run_id), again


def _document(database: Database, row: RunRow) -> LoadedDocument:
    workflow = None if row.workflow_id is None else database.row(WorkflowRow, row.workflow_id)
    if workflow is None:
        raise StoreFailed(f"the store does not have the workflow of run {row.name}")
    if not workflow.language.lower().startswith("cwl"):
        raise Unsupported(
            f"the workflow of run {row.name} is written in {workflow.language}, for which its own engine is needed",
            hint="the run can be looked at with: recrate show, recrate query, recrate audit",
        )
    texts = {document.uri: document.text.encode() for document in queries.documents(database, workflow.id)}
    return load_document(workflow.entry, texts=texts)


@dataclass(slots=True)
class _Given:
    """The inputs of a run, with their files where these lie on this machine now."""

    database: Database
    row: RunRow
    missing: list[str] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    """Hash by URI: what a file had when it was an input."""

    def values(self) -> Iterator[tuple[str, Value]]:
        """Yield the inputs that were given, by name."""
        given: Mapping[str, Value] = json.loads(self.row.inputs or "{}")
        tokens = {name: ids.token_id(self.row.id, "/", name, GIVEN) for name in given}
        known = queries.get_tokens(self.database, tokens.values())
        for name, value in given.items():
            row = known.get(tokens[name])
            found = value if row is None else queries.token_value(self.database, row.id)
            if MASK in json.dumps(found):
                self.missing.append(f"{name} (it holds a secret)")
            yield name, self._here(found, name)

    def _here(self, value: Value, name: str) -> Value:
        if isinstance(value, list):
            return [self._here(item, name) for item in value]
        if not isinstance(value, Mapping):
            return value
        if not is_reference(value):
            return {key: self._here(item, name) for key, item in value.items()}
        return self._file(dict(value), name)

    def _file(self, item: FileValue, name: str) -> FileValue:
        here: FileValue = {key: item[key] for key in KEPT if key in item}
        if "secondaryFiles" in item:
            here["secondaryFiles"] = self._here(item["secondaryFiles"], name)
        if item["class"] == "Directory" and "listing" in item:
            return {**here, "listing": self._here(item["listing"], name)}
        if item.get("contents") is not None and item.get("location") is None:
            return here
        path = Side(self.database, self.row.id, "").locate(item)
        if path is None:
            self.missing.append(f"{item.get('basename') or item.get('location')} of {name}")
            return here
        here["location"] = to_uri(str(path))
        self.contents[here["location"]] = item["sha256"]
        return here


def _require_same(inputs: Values, contents: Mapping[str, str]) -> None:
    """Raise InputInvalid when a file is not what it was when the run had it."""
    for item in walk_references(inputs):
        said = contents.get(item.get("location", ""))
        if said is not None and item.get("sha256") not in (None, said):
            raise InputInvalid(
                f"{item.get('basename')} is not what it was when the run had it: its sha256 is {item['sha256']}",
                hint="the file was changed; take an intact crate",
            )
