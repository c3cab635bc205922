"""The rows of a crate are checked before they are stored: each by itself, and against the others.

Whoever wrote them may want to change what the store says of other runs, or what it will say. So each
row must belong to the run, each id must follow from what it is the id of, whatever a row refers to
must be there, and whatever is JSON must be what its column is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, field, replace
from typing import Any

from ..core.machine import events
from ..core.machine.paths import plain_path
from ..data_classes import dataclass
from ..errors import CrateInvalid
from ..hashing import canonical_json, digest_bytes, hash_json
from ..provenance import ids
from ..provenance import rows as tables
from ..provenance.rows import Row
from ..provenance.states import FileClass
from ..redaction import MASK
from .rows import WRITTEN, key_of, refuse_constant
from .safety import shown

_ID = re.compile(r"[0-9a-f]{8,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEEPEST = 64
_REFERRED = frozenset({
    tables.AgentRow, tables.WorkflowRow, tables.EnvironmentRow, tables.ImageRow, tables.DeploymentRow,
    tables.LocationRow, tables.StepRow, tables.JobRow, tables.AttemptRow, tables.TokenRow,
})  # fmt: skip
_ORDER = {table: number for number, table in enumerate(WRITTEN)}


class _Wrong(Exception):
    """Why a row is refused."""


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_names(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_anything(value: Any) -> bool:
    return True


_OF_A_KIND = (_is_object, _is_object_or_null, _is_anything)


def _emptied(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {}


_decode = json.JSONDecoder(parse_constant=refuse_constant).decode
_decode_kind = json.JSONDecoder(parse_constant=refuse_constant, object_pairs_hook=_emptied).decode

_JSON: Mapping[type[Row], Mapping[str, Callable[[Any], bool]]] = {
    tables.WorkflowRow: {"structure": _is_object},
    tables.EnvironmentRow: {"variables": _is_names},
    tables.DeploymentRow: {"config": _is_object},
    tables.LocationRow: {"addresses": _is_texts},
    tables.RunRow: {
        "command_line": _is_texts,
        "options": _is_object,
        "inputs": _is_anything,
        "outputs": _is_object_or_null,
    },
    tables.ComparisonRow: {"tolerances": _is_object, "report": _is_object},
    tables.RepositoryRow: {"changed": _is_texts},
    tables.StepRow: {"structure": _is_anything},
    tables.PortRow: {"type": _is_anything},
    tables.AttemptRow: {"argv": _is_texts},
    tables.TokenRow: {"value": _is_anything},
    tables.EventRow: {"body": _is_object},
}
"""The columns that hold JSON, and what tells whether a value is of the right kind."""


@dataclass(slots=True)
class Checker:
    """Goes through the rows of one run, and refuses the first that is not right."""

    run_id: str
    known: dict[type[Row], set[str]] = field(default_factory=dict)
    """Ids of the rows so far, of tables that others refer to."""
    contents: set[bytes] = field(default_factory=set)
    """SHA-256 of the files in the values of tokens."""
    folders: set[bytes] = field(default_factory=set)
    """The same of directories."""
    run: tables.RunRow | None = None
    """The run, without its inputs and outputs, which can be large."""
    _gathered: set[str] = field(default_factory=set)
    _parts: dict[str, list[str]] = field(default_factory=dict)
    _sources: set[str] = field(default_factory=set)
    _digests: dict[str, str] = field(default_factory=dict)
    _workflow: tables.WorkflowRow | None = None

    def checked(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows as they are. Raises CrateInvalid."""
        last: tuple[Any, ...] = (-1,)
        for row in rows:
            try:
                place = (_ORDER[type(row)], *key_of(row))
                if place <= last:
                    raise _Wrong("is there twice, or not in its place")
                last = place
                self._check_json(row)
                self._check(row)
            except _Wrong as wrong:
                raise CrateInvalid(f"a row of table {row.TABLE} {wrong}: {_named(row)}") from None
            yield row
        self._check_the_whole()

    def _check(self, row: Row) -> None:
        if getattr(row, "run_id", self.run_id) != self.run_id:
            raise _Wrong("belongs to another run")
        identity = getattr(row, "id", None)
        if identity is not None:
            if not _ID.fullmatch(identity):
                raise _Wrong("has an id that is no id")
            if type(row) in _REFERRED:
                self.known.setdefault(type(row), set()).add(identity)
        sha256 = getattr(row, "sha256", None)
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            raise _Wrong("has a hash that is none")
        check = getattr(self, f"_check_{row.TABLE}", None)
        if check is not None:
            check(row)

    def _check_json(self, row: Row) -> None:
        for name, is_right in _JSON.get(type(row), {}).items():
            text = getattr(row, name)
            if text is None:
                continue
            # Of a value that may be large it matters only of what kind it is: its objects are not made.
            decode = _decode_kind if is_right in _OF_A_KIND else _decode
            try:
                value = decode(text)
            except (ValueError, RecursionError):
                raise _Wrong(f"has no JSON in column {name}") from None
            if not is_right(value):
                raise _Wrong(f"has something else in column {name} than it is for")

    def _needs(self, table: type[Row], identity: str | None) -> None:
        if identity is not None and identity not in self.known.get(table, ()):
            raise _Wrong(f"refers to a {table.TABLE} that is not there")

    @staticmethod
    def _follows(identity: str, wanted: str) -> None:
        if identity != wanted:
            raise _Wrong("has an id that does not follow from what it says")

    # -- tables that runs share ------------------------------------------------------------------

    def _check_agent(self, row: tables.AgentRow) -> None:
        self._follows(row.id, ids.agent_id(row.name, row.orcid, row.affiliation, row.email))

    def _check_workflow(self, row: tables.WorkflowRow) -> None:
        if self._workflow is not None:
            raise _Wrong("is one too many")
        self._workflow = row

    def _check_document(self, row: tables.DocumentRow) -> None:
        self._needs(tables.WorkflowRow, row.workflow_id)
        if _hash_of(row.text) != row.sha256:
            raise _Wrong("has another text than its hash is of")
        self._digests[row.uri] = row.sha256

    def _check_environment(self, row: tables.EnvironmentRow) -> None:
        # A secret that was masked afterwards changes what the id followed from.
        if MASK not in row.variables:
            self._follows(row.id, hash_json(json.loads(row.variables))[: ids.ID_LENGTH])

    def _check_image(self, row: tables.ImageRow) -> None:
        self._follows(row.id, ids.image_id(row.name, row.tag, row.digest, row.platform, row.engine))

    def _check_deployment(self, row: tables.DeploymentRow) -> None:
        if MASK not in row.config:
            self._follows(row.id, ids.deployment_id(row.name, row.kind, row.config, row.wraps))

    def _check_location(self, row: tables.LocationRow) -> None:
        self._needs(tables.DeploymentRow, row.deployment_id)
        self._follows(row.id, ids.location_id(astuple(replace(row, id=""))))

    # -- the run and what is in it ---------------------------------------------------------------

    def _check_run(self, row: tables.RunRow) -> None:
        if self.run is not None or row.id != self.run_id or len(row.id) != ids.RUN_ID_LENGTH:
            raise _Wrong("is another run than the head says")
        self._needs(tables.WorkflowRow, row.workflow_id)
        self._needs(tables.AgentRow, row.agent_id)
        if self._workflow is not None:
            self._follows(self._workflow.id, ids.workflow_id(self._workflow.entry, self._digests))
        self.run = replace(row, inputs=None, outputs=None)

    def _check_comparison(self, row: tables.ComparisonRow) -> None:
        from .compare.verdicts import verdict_of

        self._follows(row.id, ids.comparison_id(self.run_id, row.other_id, row.tolerances))
        if not _ID.fullmatch(row.other_id) or verdict_of(row) is None:
            raise _Wrong("is no comparison that can be")

    def _check_step(self, row: tables.StepRow) -> None:
        self._follows(row.id, ids.step_id(self.run_id, row.path))

    def _check_port(self, row: tables.PortRow) -> None:
        self._needs(tables.StepRow, row.step_id)

    def _check_job(self, row: tables.JobRow) -> None:
        self._follows(row.id, ids.job_id(self.run_id, row.path))
        self._follows(row.step_id, ids.step_id(self.run_id, plain_path(row.path)))

    def _check_attempt(self, row: tables.AttemptRow) -> None:
        self._needs(tables.JobRow, row.job_id)
        self._follows(row.id, ids.attempt_id(row.job_id, row.number))
        self._needs(tables.LocationRow, row.location_id)
        self._needs(tables.EnvironmentRow, row.environment_id)
        self._needs(tables.ImageRow, row.image_id)

    def _check_metric(self, row: tables.MetricRow) -> None:
        self._needs(tables.AttemptRow, row.attempt_id)

    def _check_token(self, row: tables.TokenRow) -> None:
        self._needs(tables.JobRow, row.job_id)
        if row.value is None:
            self._gathered.add(row.id)
        if row.source_id is not None:
            self._sources.add(row.source_id)

    def _check_part(self, row: tables.PartRow) -> None:
        self._needs(tables.TokenRow, row.token_id)
        self._needs(tables.TokenRow, row.part_id)
        if row.part_id in self._gathered:
            self._parts.setdefault(row.token_id, []).append(row.part_id)

    def _check_file(self, row: tables.FileRow) -> None:
        self._needs(tables.TokenRow, row.token_id)
        if row.sha256 is not None:
            (self.contents if row.kind is FileClass.FILE else self.folders).add(bytes.fromhex(row.sha256))

    def _check_usage(self, row: tables.UsageRow) -> None:
        self._needs(tables.JobRow, row.job_id)
        self._needs(tables.TokenRow, row.token_id)

    def _check_transfer(self, row: tables.TransferRow) -> None:
        self._needs(tables.LocationRow, row.source_location_id)
        self._needs(tables.LocationRow, row.target_location_id)

    def _check_replica(self, row: tables.ReplicaRow) -> None:
        self._needs(tables.LocationRow, row.location_id)
        self._follows(row.id, ids.replica_id(self.run_id, row.location_id, row.path, row.sha256))
        if row.path_key != ids.path_key(row.path):
            raise _Wrong("has a key that is not its path's")

    def _check_event(self, row: tables.EventRow) -> None:
        try:
            events.decode(row.kind, json.loads(row.body))
        except (KeyError, TypeError, ValueError):
            raise _Wrong("is no event that can happen") from None

    # -- when all are there ----------------------------------------------------------------------

    def _check_the_whole(self) -> None:
        if self.run is None:
            raise CrateInvalid("the rows hold no run")
        if self._sources - self.known.get(tables.TokenRow, set()):
            raise CrateInvalid("a token was derived from one that is not there")
        level, depth = set(self._parts), 0
        while level:
            level = {part for token in level for part in self._parts.get(token, ())}
            depth += 1
            if depth > _DEEPEST:
                raise CrateInvalid("a token is a part of itself, or of too many others")
        for seen in (self.known, self._gathered, self._parts, self._sources):  # of many rows, and not needed any more
            seen.clear()


def _hash_of(text: str) -> str:
    """Return the sha256 of the bytes that a document was read from."""
    try:
        return digest_bytes(text.encode("utf-8", "surrogateescape")).sha256
    except UnicodeEncodeError:
        raise _Wrong("has a text that no document has") from None


def _named(row: Row) -> str:
    return shown(canonical_json([str(getattr(row, name)) for name in row.KEY]))
