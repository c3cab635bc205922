"""Results of other runs taken instead of made again: the same command on the same content.

What counts is the command line, standard streams, inputs and staged content, environment and image
of an attempt, and what its outputs are described as; where things lie does not count. A result is
taken only when all its files are still there with the content that is on record.

A result stands for one draw: a run never takes one of its own, nor the same one for two of its
jobs. So ten jobs that draw by chance have ten draws, also when they are taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import Any, Protocol

from ..data_classes import dataclass
from ..errors import InputInvalid, UsageError
from ..hashing import canonical_json, hash_text
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Candidate
from ..provenance.recorder import Recorder
from ..provenance.rows import ReplicaRow
from ..provenance.statements import Update
from ..provenance.store import Store
from ..redaction import MASK, Redactor
from .contents import Contents
from .layout import Layout
from .plan import CommandPlan, Stage
from .uris import is_file_uri, is_placed_uri, to_path
from .values import FileValue, Value, Values, is_reference, walk_references

ALONE_SECONDS = 1.0
"""How long a store that has no other run is taken to have none."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of an attempt of another run; `key` identifies the work."""

    outputs: Values
    attempt_id: str
    job_id: str
    run_name: str
    key: str


class Books(Protocol):
    """What a run writes down, as far as it takes results: see `ledger.Ledger`."""

    recorder: Recorder

    def claims(self, values: Values) -> list[ReplicaRow]:
        """Return the rows that say that the run needs the files of a result."""


class FromRecord(Protocol):
    """Results of a run that are taken for some steps: see `recorded.Recorded`."""

    def has(self, path: str) -> bool:
        """Tell whether the result of the job at a path is to be taken."""

    def take(self, database: Database, path: str, inputs: Values) -> Taken:
        """Return what the job at a path came to. Raises InputInvalid when it does not count."""


@dataclass(slots=True)
class Reuse:
    """Finds results in a store for one run; `enabled` is what the user said."""

    store: Store
    contents: Contents
    run_id: str
    redactor: Redactor = field(default_factory=Redactor)
    enabled: bool = False
    recorded: FromRecord | None = None
    """A run whose results are taken for those steps that are not to be carried out; None: all are."""
    has_elsewhere: Callable[[Value], Awaitable[bool]] | None = None
    """Tells whether the files of other places in a value are still to be had; None: there are no such places."""
    _reader: Database | None = field(default=None)
    _alone_until: float = 0.0
    """Until then (monotonic) the store is taken to have no other run, as it had none a moment ago."""
    _given: set[str] = field(default_factory=set)
    """Attempts whose results this run has."""

    def key(self, plan: CommandPlan, layout: Layout, signature: str, image_id: str | None) -> str | None:
        """Return what identifies the work of an attempt; None when it must not be taken or given.

        That is: when the tool forbids it or changes its inputs in place, and when a secret is in it, of
        which the store has neither the text nor anything made of it.
        """
        if not plan.request.reuse or plan.request.inplace_update or plan.secrets:
            return None
        told = {
            "argv": list(plan.argv),
            "shell": plan.shell,
            "streams": [plan.stdin, plan.stdout, plan.stderr],
            "inputs": _by_content(plan.inputs),
            "environment": dict(plan.environment),
            "stages": [self._staged(plan, stage) for stage in plan.stages],
            "image": image_id,
            "outputs": signature,
            "codes": sorted(plan.success_codes),
        }
        if self.redactor.value(told) != told:
            return None
        return hash_text(_nowhere(canonical_json(told), layout.directory))

    def _staged(self, plan: CommandPlan, stage: Stage) -> list[Any]:
        """Return a stage by its content."""
        if stage.location is None:
            return [stage.target, stage.contents, stage.writable]
        known = plan.notes.get(stage.target, {}).get("sha256") or stage.sha256
        if known is None and is_file_uri(stage.location):
            path = to_path(stage.location)
            item = {"location": stage.location}
            known = self.contents.directory_digest(item) if os.path.isdir(path) else self.contents.digest(path).sha256
        return [stage.target, known or stage.location, stage.writable]

    async def take(self, key: str | None, path: str, books: Books) -> Taken | None:
        """Return the newest result with a key whose files are all still what they were, for the job at a path.

        It is then on record that this run needs these files, so that nobody removes them.
        """
        if key is None or not self.enabled:
            return None
        reader = self._opened()
        if self._is_alone(reader):
            return None
        for found in queries.candidates(reader, key, path, self.run_id):
            if found.attempt_id in self._given:
                continue
            # Given before anything is awaited: another job must not take it meanwhile.
            self._given.add(found.attempt_id)
            outputs = await self._claimed(reader, found, books)
            if outputs is not None:
                return Taken(outputs, found.attempt_id, found.job_id, found.run_name, key)
            self._given.discard(found.attempt_id)
        return None

    def is_recorded(self, path: str) -> bool:
        """Tell whether the result of the job at a path is that of another run, whatever it would come to here."""
        return self.recorded is not None and self.recorded.has(path)

    async def take_recorded(self, path: str, inputs: Values, books: Books) -> Taken:
        """Return what the job at a path came to in the run whose results are taken; this run then needs its files.

        Raises InputInvalid: see `recorded.Recorded.take`.
        """
        assert self.recorded is not None
        reader = self._opened()
        taken = self.recorded.take(reader, path, inputs)
        if not await self._is_intact(taken.outputs):
            raise InputInvalid(f"a file that {path} made in run {taken.run_name} is not what it was")
        books.recorder.put(*queries.unclaimed(reader, books.claims(taken.outputs)))
        return taken

    def _is_alone(self, reader: Database) -> bool:
        """Tell whether the store has no other run; asked again after a while, since one may begin meanwhile."""
        now = time.monotonic()
        if now >= self._alone_until and not queries.has_other_runs(reader, self.run_id):
            self._alone_until = now + ALONE_SECONDS
        return now < self._alone_until

    def _opened(self) -> Database:
        if self._reader is None:
            self._reader = self.store.connect(readonly=True)
            self._given |= queries.taken_by(self._reader, self.run_id)
        return self._reader

    async def _claimed(self, reader: Database, found: Candidate, books: Books) -> Values | None:
        """Return a result that is intact and that this run has on record as its own; None when it is not.

        What `removal.collect` is about to remove it has marked before, in a transaction that sees all
        claims on record. So a claim that is followed by a look at the marks is safe, whoever was first.
        """
        outputs = outputs_of(reader, found.job_id)
        if outputs is None or not await self._is_intact(outputs):
            return None
        rows = queries.unclaimed(reader, books.claims(outputs))
        if not rows:
            return outputs
        await books.recorder.record(*rows)
        if self._is_kept(reader, rows):
            return outputs
        books.recorder.put(*(Update(ReplicaRow, (row.id,), {"valid": False}) for row in rows))
        return None

    async def _is_intact(self, outputs: Values) -> bool:
        """Tell whether all files of a result are still what they were."""
        here = outputs if self.has_elsewhere is None else _of_here(outputs)
        if not await asyncio.to_thread(is_intact, self.contents, here):
            return False
        return self.has_elsewhere is None or await self.has_elsewhere(outputs)

    def _is_kept(self, reader: Database, rows: Sequence[ReplicaRow]) -> bool:
        return all(queries.is_kept(reader, row) for row in rows)

    def close(self) -> None:
        """Give the connection to the store back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def outputs_of(database: Database, job_id: str) -> Values | None:
    """Return the outputs of a job, None when they are not whole: its run was removed, or they held a secret."""
    job = queries.find_job(database, job_id)
    if job is None:
        return None
    tokens = queries.outputs(database, job)
    try:
        values = queries.token_values(database, [token.id for token in tokens.values()])
    except UsageError:
        return None
    # Looked at again: a run that is removed loses all its rows at once, so that what was read is whole.
    if queries.find_job(database, job_id) is None:
        return None
    outputs = {port: values[token.id] for port, token in tokens.items()}
    return None if MASK in json.dumps(outputs) else outputs


def is_intact(contents: Contents, value: Value) -> bool:
    """Tell whether each file of a value is there with the hash that the value has."""
    for item in walk_references(value):
        location, known = item.get("location"), item.get("sha256")
        if location is None:
            continue
        if not is_file_uri(location) or known is None:
            return False
        try:
            found = _digest(contents, item)
        except (InputInvalid, OSError):
            return False
        if found != known:
            return False
    return True


def _of_here(value: Value) -> Value:
    """Return a value without the files of other places whose content is on record."""
    if isinstance(value, list):
        return [_of_here(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_reference(value) and value.get("sha256") and is_placed_uri(value.get("location") or ""):
        value = {name: item for name, item in value.items() if name not in ("location", "listing")}
    return {name: _of_here(item) for name, item in value.items()}


def _digest(contents: Contents, item: FileValue) -> str:
    if item["class"] == "Directory":
        return contents.directory_digest(item)
    return contents.digest(to_path(item["location"])).sha256


def _by_content(value: Value) -> Value:
    """Return inputs without the places where files lie whose content is known."""
    if isinstance(value, list):
        return [_by_content(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = ("location",) if is_reference(value) and value.get("sha256") is not None else ()
    return {name: _by_content(item) for name, item in value.items() if name not in hidden}


def _nowhere(text: str, directory: str) -> str:
    """Return a JSON text in which the attempt's own directory has no name, as it is another each time."""
    return text.replace(canonical_json(directory)[1:-1], "@")
