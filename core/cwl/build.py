"""From the nodes of a document to processes: references resolved, shortcuts written out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

from ...errors import DocumentInvalid, Where
from ..values import is_reference
from .build_requirements import build_requirements
from .build_types import Names, build_binding, build_output_binding, build_secondary_files, build_type, entries, text_of
from .fields import check_fields, need
from .file_objects import absolute_location
from .process import CommandLineTool, ExpressionTool, Input, Operation, Output, Process
from .tree import Map, Node, to_plain, where_of
from .types import FILE, Binding, OutputBinding, Requirements, SecondaryFile, Type

if TYPE_CHECKING:
    from .load import Document, Loader

CLASSES = ("CommandLineTool", "ExpressionTool", "Operation", "Workflow")


@dataclass(frozen=True, slots=True)
class Context:
    """Where a process stands: its document, its URI, and the processes that are being built around it."""

    loader: Loader
    document: Document
    id: str
    chain: tuple[str, ...]
    names: Names | None = None

    @property
    def version(self) -> str:
        """The version of CWL that the document is written in."""
        return self.document.version

    def run(self, target: str, where: Where | None) -> Process:
        """Return the process that a `run` refers to."""
        uri, fragment = urldefrag(
            urljoin(self.document.uri, target) if not target.startswith("#") else self.document.uri + target
        )
        return self.loader.process(uri, fragment, self.chain, where)

    def inside(self, name: str) -> Context:
        """Return the context of a process that stands in a step."""
        return Context(
            self.loader, self.document, f"{self.id}/{name}" if "#" in self.id else f"{self.id}#{name}", self.chain
        )


def build_process(node: Map, context: Context) -> Process:
    """Return the process that a node describes. Raises DocumentInvalid."""
    kind = str(node.get("class", "")).removeprefix("cwl:")
    if kind not in CLASSES:
        problem = f"unknown class {kind!r}" if kind else "this process has no class"
        raise DocumentInvalid(problem, where=where_of(node, "class"), hint=f"known: {', '.join(CLASSES)}")
    check_fields(node, kind, context.version)
    need(node, kind, "inputs", "outputs")
    requirements = build_requirements(node.get("requirements"), node, "requirements", context)
    hints = build_requirements(node.get("hints"), node, "hints", context)
    names = schema_names(requirements, hints, context)
    base = Base(node, context, requirements, hints, names)
    if kind == "Workflow":
        from .build_workflow import build_workflow

        return build_workflow(base)
    if kind == "CommandLineTool":
        return _tool(base)
    outputs = tuple(base.output(name, item) for name, item in entries(node["outputs"], "id", "type", node, "outputs"))
    if kind == "Operation":
        return Operation(outputs=outputs, **base.common())
    need(node, kind, "expression")
    return ExpressionTool(outputs=outputs, expression=str(node["expression"]), **base.common())


def schema_names(requirements: Requirements, hints: Requirements, context: Context) -> Names:
    """Return the types that a SchemaDefRequirement defines, by name; later ones may use earlier ones."""
    names: dict[str, Type] = dict(context.names or {})
    definitions: Any = (requirements.get("SchemaDefRequirement") or hints.get("SchemaDefRequirement") or {}).get(
        "types"
    )
    for item in _flattened(definitions or []):
        if not isinstance(item, Map) or "name" not in item:
            raise DocumentInvalid("a type of SchemaDefRequirement needs a name", where=where_of(item))
        built = build_type(item, names, item, "type")
        name = str(item["name"])
        for known_as in (name, name.rpartition("#")[2], name.rpartition("#")[2].rpartition("/")[2]):
            names[known_as] = built
    return names


def _flattened(items: Any) -> list[Any]:
    return [one for item in items for one in (_flattened(item) if isinstance(item, list) else [item])]


def default_of(node: Map, base_uri: str) -> Any:
    """Return a default value; the locations of files in it are absolute."""
    return _located(to_plain(node.get("default")), base_uri)


def _located(value: Any, base_uri: str) -> Any:
    if isinstance(value, list):
        return [_located(item, base_uri) for item in value]
    if isinstance(value, dict):
        if is_reference(value):
            return absolute_location(value, base_uri)
        return {name: _located(item, base_uri) for name, item in value.items()}
    return value


def short(name: str) -> str:
    """Return the last part of an id."""
    return name.rpartition("#")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Base:
    """A process node, and what was made of it so far."""

    node: Map
    context: Context
    requirements: Requirements
    hints: Requirements
    names: Names

    def common(self) -> dict[str, Any]:
        """Return the fields that all kinds of processes have."""
        node, document = self.node, self.context.document
        return {
            "id": self.context.id,
            "version": self.context.version,
            "inputs": tuple(
                self.input(name, item) for name, item in entries(node["inputs"], "id", "type", node, "inputs")
            ),
            "requirements": self.requirements,
            "hints": self.hints,
            "label": node.get("label"),
            "doc": text_of(node.get("doc")),
            "intent": tuple(node.get("intent") or ()),
            "namespaces": document.namespaces,
            "schemas": document.schemas,
            "extensions": {key: to_plain(value) for key, value in node.items() if ":" in key},
            "where": where_of(node),
        }

    def type(self, node: Map, name: str) -> Type:
        """Return the type of a parameter."""
        if "type" not in node:
            raise DocumentInvalid(f"the parameter {name!r} has no type", where=where_of(node))
        return build_type(node["type"], self.names, node, "type")

    def input(self, name: str, node: Map) -> Input:
        """Return an input parameter."""
        check_fields(node, "InputParameter", self.context.version)
        stdin = node.get("type") == "stdin"
        return Input(
            name=short(name),
            type=FILE if stdin else self.type(node, name),
            default=default_of(node, node.uri),
            has_default="default" in node,
            secondary_files=self.secondary(node),
            format=_format(node.get("format")),
            streamable=bool(node.get("streamable")),
            load_contents=bool(node.get("loadContents")),
            load_listing=node.get("loadListing"),
            binding=build_binding(node.get("inputBinding"), node),
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )

    def secondary(self, node: Map) -> tuple[SecondaryFile, ...]:
        """Return the secondary files of a parameter, or of the array that its type is."""
        found = build_secondary_files(node.get("secondaryFiles"), node)
        kind = node.get("type")
        if not found and isinstance(kind, Map):
            found = build_secondary_files(kind.get("secondaryFiles"), kind)
        return found

    def output(self, name: str, node: Map, stream: str | None = None) -> Output:
        """Return an output parameter of a tool; `stream` is the file of a stdout or stderr shortcut."""
        check_fields(node, "OutputParameter", self.context.version)
        if stream is not None and "outputBinding" in node:
            raise DocumentInvalid("an output of type stdout or stderr has no outputBinding", where=where_of(node))
        return Output(
            name=short(name),
            type=FILE if stream is not None else self.type(node, name),
            secondary_files=self.secondary(node),
            format=node.get("format"),
            streamable=bool(node.get("streamable")),
            binding=OutputBinding(glob=stream)
            if stream is not None
            else build_output_binding(node.get("outputBinding"), node),
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )


def _format(node: Node) -> Any:
    return tuple(str(item) for item in node) if isinstance(node, list) else node


def _tool(base: Base) -> CommandLineTool:
    node = base.node
    streams = {kind: node.get(kind) for kind in ("stdout", "stderr")}
    outputs = []
    for name, item in entries(node["outputs"], "id", "type", node, "outputs"):
        kind = item.get("type")
        if kind in ("stdout", "stderr"):
            streams[kind] = streams[kind] or _generated(base.context.id, kind)
            outputs.append(base.output(name, item, stream=str(streams[kind])))
        else:
            outputs.append(base.output(name, item))
    return CommandLineTool(
        outputs=tuple(outputs),
        base_command=_words(node.get("baseCommand")),
        arguments=tuple(_argument(item, node) for item in node.get("arguments") or ()),
        stdin=_stdin(base),
        stdout=streams["stdout"],
        stderr=streams["stderr"],
        success_codes=_codes(node, "successCodes"),
        temporary_fail_codes=_codes(node, "temporaryFailCodes"),
        permanent_fail_codes=_codes(node, "permanentFailCodes"),
        **base.common(),
    )


def _stdin(base: Base) -> str | None:
    shortcuts = [
        short(name)
        for name, item in entries(base.node["inputs"], "id", "type", base.node, "inputs")
        if item.get("type") == "stdin"
    ]
    if not shortcuts:
        found: str | None = base.node.get("stdin")
        return found
    if len(shortcuts) > 1 or "stdin" in base.node:
        raise DocumentInvalid("a tool can have one standard input only", where=where_of(base.node))
    return f"$(inputs.{shortcuts[0]}.path)"


def _generated(identity: str, kind: str) -> str:
    """Return the name of a stream's file that the document does not name: the same each time."""
    return hashlib.sha256(f"{identity} {kind}".encode()).hexdigest()[:20] + f".{kind}"


def _words(node: Node) -> tuple[str, ...]:
    if node is None:
        return ()
    return tuple(str(word) for word in node) if isinstance(node, list) else (str(node),)


def _argument(item: Node, holder: Map) -> Binding:
    if isinstance(item, Map):
        found = build_binding(item, holder)
        return found or Binding()
    return Binding(value_from=str(item))


def _codes(node: Map, key: str) -> tuple[int, ...]:
    found: Any = node.get(key) or ()
    if not isinstance(found, (list, tuple)) or not all(isinstance(code, int) for code in found):
        raise DocumentInvalid(f"{key!r} must be a list of exit codes", where=where_of(node, key))
    return tuple(found)


Extensions = Mapping[str, Any]
