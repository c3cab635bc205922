"""Tools, and what all processes share: from normalised nodes to the dataclasses of `process`.

Shortcuts are written out here: `stdin`, `stdout` and `stderr` as types (CWL v1.2 Command Line
Tool, sections 5.1 and 5.14), and `loadContents` in the binding of an input (v1.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...data_classes import dataclass
from ...hashing import hash_json
from .problems import Problem
from .process import CommandLineTool, ExpressionTool, Input, Operation, Output
from .readers import Reading
from .requirement_nodes import build_requirements, located, v1_0_defaults
from .tree import Map, Node, Seq, to_plain, where_of
from .type_nodes import (
    UNSAID,
    Types,
    build_binding,
    build_format,
    build_output_binding,
    build_secondary_files,
    short_name,
    text_of,
)
from .types import FILE, Binding, OutputBinding, Type

_SIMPLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Builder:
    """A normalised process node, and what is needed to build it."""

    node: Map
    id: str
    version: str
    reading: Reading
    types: Types
    schemas: tuple[str, ...]

    @property
    def problems(self) -> list[Problem]:
        """Where to note what is wrong."""
        return self.types.problems

    def common(self) -> dict[str, Any]:
        """Return the fields that all kinds of processes have; named types are known from now on."""
        node = self.node
        for key in ("requirements", "hints"):
            for item in node.get(key) or ():
                if item["class"] == "SchemaDefRequirement":
                    self.types.define(item.get("types"))
        for key in ("inputs", "outputs"):
            for item in node[key]:
                self.types.define(item.get("type"))
        return {
            "id": self.id,
            "version": self.version,
            "inputs": tuple(self.input(item) for item in self.unique("inputs", "input")),
            "requirements": build_requirements(node.get("requirements"), self.problems),
            "hints": build_requirements(node.get("hints"), self.problems),
            "label": node.get("label"),
            "doc": text_of(node.get("doc")),
            "intent": tuple(self.reading.expand(one, node.uri) for one in node.get("intent") or ()),
            "namespaces": dict(self.reading.namespaces.get(node.uri, {})),
            "schemas": self.schemas,
            "extensions": {key: to_plain(value) for key, value in node.items() if ":" in key},
            "where": where_of(node),
        }

    def unique(self, key: str, what: str) -> list[Map]:
        """Return the items of a list that have ids; two with the same id are a problem."""
        seen: dict[str, Map] = {}
        for item in self.node.get(key) or ():
            name = short_name(item["id"])
            if name in seen:
                self.problems.append(Problem(f"two {what}s are called {name!r}", where_of(item, "id")))
            seen[name] = item
        return list(seen.values())

    def type_of(self, node: Map) -> Type:
        """Return the type of a parameter."""
        return self.types.build(node["type"], node, "type") if node.get("type") is not None else UNSAID

    def format_of(self, node: Map) -> Any:
        """Return the format of a parameter."""
        return build_format(node.get("format"), node.uri, self.reading.expand)

    def default_of(self, node: Map) -> dict[str, Any]:
        """Return the default of a parameter, as the fields `default` and `has_default`."""
        default = node.get("default")
        if default is None:
            return {}
        return {"default": self._formats(located(default, node.uri), node.uri), "has_default": True}

    def _formats(self, value: Any, uri: str) -> Any:
        if isinstance(value, list):
            return [self._formats(item, uri) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: self._formats(item, uri) for key, item in value.items()}
        if made.get("class") == "File" and isinstance(made.get("format"), str):
            made["format"] = build_format(made["format"], uri, self.reading.expand)
        return made

    def input(self, node: Map) -> Input:
        """Return an input parameter."""
        binding = build_binding(node.get("inputBinding"))
        is_stdin = node.get("type") == "stdin"
        return Input(
            name=short_name(node["id"]),
            type=FILE if is_stdin else self.type_of(node),
            **self.default_of(node),
            secondary_files=build_secondary_files(node.get("secondaryFiles")),
            format=self.format_of(node),
            streamable=is_stdin or bool(node.get("streamable")),
            load_contents=bool(node.get("loadContents")) or (binding is not None and binding.load_contents),
            load_listing=node.get("loadListing"),
            binding=binding,
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )

    def output(self, node: Map, stream: str | None = None) -> Output:
        """Return an output parameter of a tool; `stream` is the file name of a standard stream."""
        binding = build_output_binding(node.get("outputBinding"))
        return Output(
            name=short_name(node["id"]),
            type=FILE if stream else self.type_of(node),
            secondary_files=build_secondary_files(node.get("secondaryFiles")),
            format=self.format_of(node),
            streamable=bool(stream) or bool(node.get("streamable")),
            binding=OutputBinding(glob=stream) if stream else binding,
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )


def build_expression_tool(builder: Builder) -> ExpressionTool:
    """Return an expression tool."""
    common = builder.common()
    outputs = tuple(builder.output(item) for item in builder.unique("outputs", "output"))
    return ExpressionTool(outputs=outputs, expression=builder.node["expression"], **common)


def build_operation(builder: Builder) -> Operation:
    """Return an operation."""
    common = builder.common()
    outputs = tuple(builder.output(item) for item in builder.unique("outputs", "output"))
    return Operation(outputs=outputs, **common)


def build_tool(builder: Builder) -> CommandLineTool:
    """Return a command line tool."""
    node, common = builder.node, builder.common()
    outputs = builder.unique("outputs", "output")
    streams = {stream: _stream(stream, outputs, node) for stream in STREAMS}
    common["hints"] |= v1_0_defaults(builder.version, common["requirements"], common["hints"])
    return CommandLineTool(
        outputs=tuple(_tool_output(builder, item, streams) for item in outputs),
        base_command=_words(node.get("baseCommand")),
        arguments=tuple(_argument(item) for item in node.get("arguments") or ()),
        stdin=_stdin(builder),
        stdout=streams["stdout"],
        stderr=streams["stderr"],
        success_codes=tuple(node.get("successCodes") or ()),
        temporary_fail_codes=tuple(node.get("temporaryFailCodes") or ()),
        permanent_fail_codes=tuple(node.get("permanentFailCodes") or ()),
        **common,
    )


def _tool_output(builder: Builder, node: Map, streams: Mapping[str, str | None]) -> Output:
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in STREAMS:
        return builder.output(node)
    if node.get("outputBinding") is not None:
        text = f"output {short_name(node['id'])!r} is {kind}, which has an outputBinding of its own"
        builder.problems.append(Problem(text, where_of(node, "outputBinding")))
    return builder.output(node, stream=streams[kind])


def _stream(stream: str, outputs: list[Map], node: Map) -> str | None:
    """Return the file name of a standard stream; one that is not named has always the same name."""
    said: str | None = node.get(stream)
    if said is not None or not any(item.get("type") == stream for item in outputs):
        return said
    return f"{hash_json([stream, _plain_text(node)])[:20]}.{stream}"


def _plain_text(node: Node) -> Any:
    """Return a node as plain data in which also numbers that JSON does not know are texts."""
    if isinstance(node, dict):
        return {key: _plain_text(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain_text(item) for item in node]
    return str(node) if isinstance(node, float) else node


def _stdin(builder: Builder) -> str | None:
    names = [short_name(item["id"]) for item in builder.node["inputs"] if item.get("type") == "stdin"]
    said: str | None = builder.node.get("stdin")
    if not names:
        return said
    if len(names) > 1 or said is not None:
        where = where_of(builder.node, "stdin") or where_of(builder.node)
        builder.problems.append(Problem("a tool has one standard input, but several things are given for it", where))
    return f"$(inputs{_accessor(names[0])}.path)"


def _accessor(name: str) -> str:
    """Return how a parameter reference reaches a field (CWL v1.2 Command Line Tool, section 3.5.1)."""
    if _SIMPLE_NAME.match(name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _words(node: Node) -> tuple[str, ...]:
    return () if node is None else tuple(node) if isinstance(node, Seq) else (node,)


def _argument(node: Node) -> Binding:
    return (build_binding(node) or Binding()) if isinstance(node, Map) else Binding(value_from=node)
