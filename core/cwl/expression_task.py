"""What CWL does for an ExpressionTool (CWL v1.2 Workflow Description, section "ExpressionTool")."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any

from ...connectors.base import WorkTree
from ...data_classes import dataclass
from ...errors import OutputInvalid, Where
from ..plan import CommandPlan, Request, Runtime
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue, Value, Values, map_references, walk_references
from .expressions import Evaluator
from .inputs import accept_inputs, expand
from .matching import mismatch
from .process import CommandLineTool, ExpressionTool, Output
from .requirements import Demands, evaluator_for
from .staging import location_of
from .types import ANY

_NO_EXPRESSIONS = ("id", "doc", "label", "where", "intent", "namespaces", "schemas")
_LISTING = ("LoadListingRequirement", "cwltool:LoadListingRequirement")


def listing_depth(demands: Demands, process: CommandLineTool | ExpressionTool) -> str | None:
    """Return what holds for Directories whose `loadListing` is not given (LoadListingRequirement).

    Before that existed, in v1.0, every listing was there, all the way down. Large ones are costly,
    so a v1.0 process gets them only when it speaks of listings.
    """
    found = next((demands.get(name) for name in _LISTING if demands.get(name) is not None), None)
    depth = None if found is None else found.get("loadListing")
    if process.version == "v1.0":
        parts = (process, demands.requirements, demands.hints)
        speaks = any("listing" in text for part in parts for text in texts_of(part))
        return str(depth or "deep_listing") if speaks else None
    return None if depth is None else str(depth)


def texts_of(thing: Any) -> Iterator[str]:
    """Yield the strings in a part of a description where expressions may stand."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Mapping):
        for name, item in thing.items():
            if name not in _LISTING:
                yield from texts_of(item)
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from texts_of(item)
    elif is_dataclass(thing) and not isinstance(thing, (type, Where)):
        for part in fields(thing):
            if part.name not in _NO_EXPRESSIONS:
                yield from texts_of(getattr(thing, part.name))


@dataclass(slots=True)
class CwlExpression:
    """The `TaskCode` of an ExpressionTool."""

    process: ExpressionTool
    demands: Demands
    evaluator: Evaluator = field(init=False)
    listing: str | None = field(init=False)
    _wants_paths: bool = field(init=False)
    kind: str = field(init=False, default="expression")
    signature: str = field(init=False, default="")
    uses_javascript: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.evaluator = evaluator_for(self.demands, self.process.version)
        self.listing = listing_depth(self.demands, self.process)
        texts = (self.process.expression, *self.evaluator.library)
        self._wants_paths = any("path" in text or "dirname" in text for text in texts)

    def accept(self, inputs: Values) -> Values:
        """Check and complete the values of the inputs. Raises InputInvalid."""
        return accept_inputs(
            self.process.inputs, inputs, process=self.process, evaluator=self.evaluator, listing=self.listing
        )

    def evaluate(self, inputs: Values) -> Values:
        """Return the outputs. Raises ExpressionFailed, OutputInvalid."""
        process = self.process
        seen = {name: with_local_paths(value) for name, value in inputs.items()} if self._wants_paths else inputs
        result = self.evaluator.evaluate(process.expression, seen, runtime={}, where=process.where)
        if not isinstance(result, Mapping):
            raise OutputInvalid(
                f"the expression of {process.name!r} must give an object of its outputs, not {result!r}"[:200],
                where=process.where,
            )
        known = {item["location"]: item for item in walk_references(inputs) if location_of(item) is not None}
        return {port.name: self._output(port, result.get(port.name), known) for port in process.outputs}

    def _output(self, port: Output, value: Value, known: Mapping[str, FileValue]) -> Value:
        """Return the value of one output. Null is let through as Any: what takes it in says whether it may be."""
        reason = mismatch(value, port.type)
        if reason is not None and not (value is None and port.type == ANY):
            raise OutputInvalid(f"output {port.name!r}: {reason}", where=port.where)
        return map_references(value, lambda item: self._reference(item, port, known))

    def _reference(self, item: FileValue, port: Output, known: Mapping[str, FileValue]) -> FileValue:
        item = settled(item, known)
        if port.format and item["class"] == "File" and not item.get("format"):
            name = self.evaluator.evaluate(port.format, {}, self_value=item, where=port.where)
            if isinstance(name, str):
                item["format"] = expand(name, self.process)
        return item

    def request(self, inputs: Values) -> Request:
        """An expression asks nothing of a place. Raises TypeError."""
        raise TypeError(f"{self.process.name!r} is an expression, not a command")

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """An expression runs no command. Raises TypeError."""
        raise TypeError(f"{self.process.name!r} is an expression, not a command")

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """An expression leaves no files. Raises TypeError."""
        raise TypeError(f"{self.process.name!r} is an expression, not a command")


def with_local_paths(value: Value) -> Value:
    """Return a copy of a value whose Files and Directories on this machine have their own `path`."""

    def located(item: FileValue) -> FileValue:
        location = location_of(item)
        if location is not None and is_file_uri(location):
            item["path"] = to_path(location)
            if item["class"] == "File":
                item["dirname"] = os.path.dirname(item["path"])
        for key in ("secondaryFiles", "listing"):
            if item.get(key):
                item[key] = [located(dict(member)) for member in item[key]]
        return item

    return map_references(value, located)


def settled(item: FileValue, known: Mapping[str, FileValue]) -> FileValue:
    """Return a File or Directory of an expression as it goes on: without paths, hashes only where they are sure.

    `known` are the inputs by location; one of these keeps its hashes. Literals stay literals.
    """
    item = dict(item)
    path, location = item.pop("path", None), location_of(item)
    item.pop("dirname", None)
    if location is None and isinstance(path, str) and item.get("contents") is None and item.get("listing") is None:
        location = item["location"] = path if is_file_uri(path) else to_uri(path)
    if location is None:
        item.pop("location", None)
    else:
        item.pop("contents", None)
        for key in ("size", "checksum", "sha256"):
            original = known.get(location, {})
            item.pop(key, None)
            if key in original:
                item[key] = original[key]
        if not item.get("basename"):
            item["basename"] = os.path.basename(to_path(location).rstrip("/")) if is_file_uri(location) else location
    if item["class"] == "File" and isinstance(item.get("basename"), str):
        item["nameroot"], item["nameext"] = os.path.splitext(item["basename"])
    for key in ("secondaryFiles", "listing"):
        if item.get(key):
            item[key] = [settled(member, known) for member in item[key] if isinstance(member, dict)]
    return item
