"""The outputs of a tool, collected from what a job left (CWL v1.2 Command Line Tool, sections 4.4 and 5.1.6).

`cwl.output.json` in the output directory is the outputs object when it is there; otherwise each
output is made of the files that its glob matches. Every File comes with its location on the
place, size, checksum and sha256, every Directory with its location, and neither with a path.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ...connectors.base import EntryKind, WorkTree
from ...data_classes import dataclass
from ...errors import OutputInvalid, Where
from ..plan import CommandPlan
from ..uris import is_file_uri, to_path
from ..values import FileValue, Value, Values, is_reference, kept_once
from .environment import runtime_names
from .file_objects import CONTENTS_LIMIT, contents_text
from .inputs import expand
from .matching import mismatch
from .process import CommandLineTool
from .secondary import is_required, secondary_names
from .staging import location_of
from .types import ArrayType, OutputBinding, Primitive, RecordType, SecondaryFile, Type, UnionType
from .work_files import Found, WorkFiles

if TYPE_CHECKING:
    from .expressions import Evaluator

OUTPUTS_FILE = "cwl.output.json"
_OF_THE_JOB = ("path", "dirname", "location", "contents", "listing", "secondaryFiles")
"""Fields of a File or Directory that change when the job is over, or that are set anew."""


def collect(
    tool: CommandLineTool,
    plan: CommandPlan,
    tree: WorkTree,
    exit_code: int,
    evaluator: Evaluator,
    listing: str | None = None,
) -> Values:
    """Return the outputs that an attempt left.

    Args:
        tool: the tool.
        plan: the attempt's plan; its runtime says how the job saw the output directory.
        tree: reading access to that directory on the place.
        exit_code: of the command, for `runtime.exitCode`.
        evaluator: of the tool's expressions.
        listing: what LoadListingRequirement says, for bindings that do not say themselves.

    Raises:
        OutputInvalid: an output is missing or has not the type that is promised.
        ExpressionFailed: an expression failed.
        PlaceFailed: the place cannot be read.
    """
    collector = _Collector(
        tool, plan, WorkFiles(plan, tree), evaluator, runtime_names(plan.runtime, exit_code), listing
    )
    values = collector.written()
    if values is None:
        values = {port.name: collector.output(_Port.of(port.name, port, port.binding)) for port in tool.outputs}
    for port in tool.outputs:
        reason = mismatch(values[port.name], port.type)
        if reason is not None:
            raise OutputInvalid(f"output {port.name!r}: {reason}", where=port.where)
    return values


@dataclass(frozen=True, slots=True)
class _Port:
    """An output, or a field of one that is a record."""

    name: str
    type: Type
    binding: OutputBinding | None
    secondary_files: tuple[SecondaryFile, ...]
    format: Any
    where: Where | None

    @classmethod
    def of(cls, name: str, port: Any, binding: OutputBinding | None, where: Where | None = None) -> _Port:
        """Return the port of an Output or a Field."""
        return cls(name, port.type, binding, port.secondary_files, port.format, getattr(port, "where", where))

    @property
    def alternatives(self) -> tuple[Type, ...]:
        """The types that it may have."""
        return self.type.alternatives if isinstance(self.type, UnionType) else (self.type,)

    @property
    def nullable(self) -> bool:
        """True when null is among the types."""
        return any(isinstance(item, Primitive) and item.name == "null" for item in self.alternatives)

    @property
    def single(self) -> bool:
        """True when one File or Directory is among the types."""
        return any(isinstance(item, Primitive) and item.name in ("File", "Directory") for item in self.alternatives)

    @property
    def plural(self) -> bool:
        """True when a list is among the types."""
        return any(isinstance(item, ArrayType) for item in self.alternatives)


@dataclass(slots=True)
class _Collector:
    """Collects the outputs of one attempt."""

    tool: CommandLineTool
    plan: CommandPlan
    files: WorkFiles
    evaluator: Evaluator
    runtime: Mapping[str, Any]
    listing: str | None
    _known: dict[str, Found] = field(default_factory=dict)
    """By location: what the globs found."""

    def evaluate(self, text: Value, value: Value, where: Where | None) -> Value:
        return self.evaluator.evaluate(text, self.plan.inputs, self_value=value, runtime=self.runtime, where=where)

    # -- cwl.output.json -------------------------------------------------------------------------

    def written(self) -> Values | None:
        """Return the outputs object that the job wrote itself, or None."""
        found = self.files.at(OUTPUTS_FILE)
        if found is None or found.kind is not EntryKind.FILE:
            return None
        content = self.files.tree.read(found.source, found.size + 1)
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise OutputInvalid(f"{OUTPUTS_FILE} of {self.tool.name!r} is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise OutputInvalid(f"{OUTPUTS_FILE} of {self.tool.name!r} holds {_kind(values)}, not an object")
        return {port.name: self.final(values.get(port.name), port.name, port.where) for port in self.tool.outputs}

    # -- one output ------------------------------------------------------------------------------

    def output(self, port: _Port) -> Value:
        """Return the value of an output, or of a field of a record."""
        if port.binding is None:
            record = next((item for item in port.alternatives if isinstance(item, RecordType)), None)
            return None if record is None else self._record(port, record)
        value = self._evaluated(port, port.binding)
        value = (
            [self._completed(item, port) for item in value] if isinstance(value, list) else self._completed(value, port)
        )
        return self.final(value, port.name, port.where)

    def _record(self, port: _Port, record: RecordType) -> Value:
        try:
            return {
                item.name: self.output(_Port.of(f"{port.name}.{item.name}", item, item.output_binding, port.where))
                for item in record.fields
            }
        except OutputInvalid:
            if port.nullable:
                return None
            raise

    def _evaluated(self, port: _Port, binding: OutputBinding) -> Value:
        """Return what glob and outputEval give."""
        patterns = list(self._patterns(port, binding))
        objects = [self._loaded(found, binding, port) for found in self._globbed(patterns)]
        if binding.output_eval is not None:
            return _unwrapped(self.evaluate(binding.output_eval, objects, port.where), port)
        if binding.glob is None:
            return None
        if not objects:
            if port.nullable:
                return None
            if port.plural or not port.single:
                return []
            named = ", ".join(map(repr, patterns)) or "null"
            raise OutputInvalid(
                f"output {port.name!r} matches nothing: glob {named} in {self.files.tree.root!r}", where=port.where
            )
        if port.single and len(objects) == 1:
            return objects[0]
        if port.single and not port.plural:
            named = ", ".join(str(item["basename"]) for item in objects[:3])
            raise OutputInvalid(
                f"output {port.name!r} is one file, but {len(objects)} match: {named}"
                + (", ..." if len(objects) > 3 else ""),
                where=port.where,
            )
        return objects

    def _patterns(self, port: _Port, binding: OutputBinding) -> Iterator[str]:
        globs = binding.glob if isinstance(binding.glob, tuple) else (binding.glob,)
        for glob in globs:
            value = self.evaluate(glob, None, port.where)
            for pattern in value if isinstance(value, list) else [value]:
                if isinstance(pattern, str):
                    yield pattern
                elif is_reference(pattern) and isinstance(pattern.get("path"), str):
                    yield pattern["path"]
                elif pattern is not None:
                    raise OutputInvalid(
                        f"the glob of output {port.name!r} gave {_kind(pattern)}, not a pattern", where=port.where
                    )

    def _globbed(self, patterns: Sequence[str]) -> Iterator[Found]:
        """Yield what the patterns match, in their order, each path once."""
        seen: set[str] = set()
        for pattern in patterns:
            for found in self.files.glob(pattern):
                if found.path not in seen:
                    seen.add(found.path)
                    yield found

    def _loaded(self, found: Found, binding: OutputBinding, port: _Port) -> FileValue:
        """Return what was found as the expressions of a binding see it."""
        item = self._object(found)
        if found.kind is EntryKind.DIRECTORY:
            depth = binding.load_listing or self.listing
            if depth in ("shallow_listing", "deep_listing"):
                item["listing"] = self._members(found, deep=depth == "deep_listing")
            return item
        if binding.load_contents:
            item["contents"] = self._contents(found, port)
        if "checksum" in (binding.output_eval or ""):
            item.update({key: text for key, text in self.files.hashes(found).items() if key != "sha256"})
        return item

    def _object(self, found: Found) -> FileValue:
        item = self.files.object_of(found)
        self._known[item["location"]] = found
        return item

    def _members(self, found: Found, *, deep: bool) -> list[FileValue]:
        members = []
        for member in self.files.below(found):
            item = self._object(member)
            if deep and member.kind is EntryKind.DIRECTORY:
                item["listing"] = self._members(member, deep=True)
            members.append(item)
        return members

    def _contents(self, found: Found, port: _Port) -> str:
        content = self.files.tree.read(found.source, CONTENTS_LIMIT + 1)
        if len(content) > CONTENTS_LIMIT and self.tool.version != "v1.0":
            raise OutputInvalid(
                f"output {port.name!r}: {found.path!r} is larger than 64 KiB, the most that loadContents may load",
                where=port.where,
            )
        return contents_text(content[:CONTENTS_LIMIT], found.path, self.tool.version, port.where)

    # -- secondary files and format --------------------------------------------------------------

    def _completed(self, item: Value, port: _Port) -> Value:
        """Return a File or Directory of an output with its secondary files and format."""
        if not is_reference(item) or not (port.secondary_files or port.format):
            return item
        item = dict(item)
        if port.secondary_files:
            present = list(item.get("secondaryFiles") or ())
            for secondary in port.secondary_files:
                present += self._secondary(secondary, item, present, port)
            if present:
                item["secondaryFiles"] = present
        if port.format and item["class"] == "File":
            name = self.evaluate(port.format, item, port.where)
            if isinstance(name, str):
                item["format"] = expand(name, self.tool)
        return item

    def _secondary(
        self, secondary: SecondaryFile, item: FileValue, present: Sequence[FileValue], port: _Port
    ) -> Iterator[FileValue]:
        """Yield the secondary files of one pattern that are there and not among those present."""

        def evaluate(text: Value, primary: FileValue) -> Value:
            return self.evaluate(text, primary, port.where)

        for named in secondary_names(item, secondary, evaluate):
            name = named if isinstance(named, str) else str(named.get("basename") or named.get("path"))
            if any(other.get("basename") == name for other in present):
                continue
            other = self._beside(item, name) if isinstance(named, str) else self._existing(named)
            if other is not None:
                yield other
            elif is_required(secondary, item, evaluate, default=False):
                raise OutputInvalid(
                    f"output {port.name!r}: the secondary file {name!r} of {item.get('basename')!r} is missing",
                    where=port.where,
                )

    def _beside(self, item: FileValue, name: str) -> FileValue | None:
        path = item.get("path")
        if path is None:
            primary = self._found(item)
            path = primary.path if primary is not None else ""
        found = self.files.lookup(posixpath.join(posixpath.dirname(path), name))
        return None if found is None else self._object(found)

    def _existing(self, item: FileValue) -> FileValue | None:
        if "contents" in item or "listing" in item:
            return item
        return None if self._found(item) is None else item

    # -- values as they leave the job --------------------------------------------------------------

    def final(self, value: Value, name: str, where: Where | None) -> Value:
        """Return a value whose Files and Directories say where they lie, and what their content is."""
        if isinstance(value, list):
            return [self.final(item, name, where) for item in value]
        if not isinstance(value, Mapping):
            return value
        if not is_reference(value):
            return {key: self.final(item, name, where) for key, item in value.items()}
        return self._final_reference(dict(value), name, where)

    def _final_reference(self, item: FileValue, name: str, where: Where | None) -> FileValue:
        if self._is_literal(item):
            gone = ("secondaryFiles", "listing", "location", "path", "dirname")
            final = {key: part for key, part in item.items() if key not in gone}
            if item.get("listing") is not None:
                final["listing"] = self.final(item["listing"], name, where)
        elif is_elsewhere(item):
            final = item
        else:
            final = self._final_located(item, name, where)
        if item.get("secondaryFiles"):
            final["secondaryFiles"] = self.final(item["secondaryFiles"], name, where)
        return final

    def _is_literal(self, item: FileValue) -> bool:
        """Tell whether a File or Directory is a literal, also one of the inputs, which has a path."""
        if location_of(item) is not None or (item.get("contents") is None and item.get("listing") is None):
            return False
        path = item.get("path")
        return path is None or (path.startswith("/") and self.files.inside(path) is None)

    def _final_located(self, item: FileValue, name: str, where: Where | None) -> FileValue:
        found = self._found(item) if item.get("location") or item.get("path") else None
        if found is None:
            named = item.get("path") or item.get("location")
            raise OutputInvalid(f"output {name!r} names {named!r}, which is not there", where=where)
        kind = "Directory" if found.kind is EntryKind.DIRECTORY else "File"
        if kind != item["class"]:
            raise OutputInvalid(f"output {name!r}: {found.path!r} is a {kind}, not a {item['class']}", where=where)
        basename = item.get("basename") or posixpath.basename(str(item.get("path") or "").rstrip("/")) or found.name
        final: FileValue = {"class": kind, "location": self.files.location(found), "basename": basename}
        if kind == "Directory":
            final = {**self.files.whole(found), "basename": basename}
            final.pop("path", None)
        else:
            # The files of a scatter mostly have the same name, which needs to be kept once.
            final["basename"] = kept_once(basename)
            final["nameroot"], final["nameext"] = map(kept_once, os.path.splitext(basename))
            final.update(self.files.hashes(found))
        kept = {key: part for key, part in item.items() if key not in final and key not in _OF_THE_JOB}
        return _without_paths({**final, **kept})

    def _found(self, item: FileValue) -> Found | None:
        """Return what a File or Directory of an expression or of `cwl.output.json` stands for."""
        location = item.get("location")
        if isinstance(location, str):
            known = self._known.get(location)
            if known is not None:
                return known
            if is_file_uri(location):
                return self.files.lookup(to_path(location))
            if item.get("path") is None:
                return self.files.lookup(location) or self.files.lookup(unquote(location))
        return self.files.lookup(str(item["path"]))


def is_elsewhere(item: FileValue) -> bool:
    """Tell whether a File or Directory lies on no file system that a job sees (`http:` and the like)."""
    location = item.get("location")
    return isinstance(location, str) and "://" in location and not is_file_uri(location)


def _without_paths(item: FileValue) -> FileValue:
    """Return a copy without the job's paths in the listing of a literal."""
    if "listing" not in item:
        return item
    members = [
        {key: part for key, part in _without_paths(member).items() if key not in ("path", "dirname")}
        for member in item["listing"]
    ]
    return {**item, "listing": members}


def _unwrapped(value: Value, port: _Port) -> Value:
    """Return what outputEval gave, as one value where it is a list of one and the type is no list."""
    if not isinstance(value, list) or port.plural or mismatch(value, port.type) is None:
        return value
    if not value and port.nullable:
        return None
    return value[0] if len(value) == 1 and port.single else value


def _kind(value: Value) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
