"""One document of everything that a process runs: a `$graph` whose parts refer to one another by id.

It is written from the loaded processes, so all that was imported or abbreviated stands in it in
full: references to types are replaced by the types, locations and formats are absolute. Fields of
foreign namespaces are kept on processes. A process whose version differs from that of the main one
says so itself, since its expressions keep the rules of that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ...data_classes import dataclass
from .process import (
    CommandLineTool,
    ExpressionTool,
    Input,
    LoadedDocument,
    LoopSpec,
    Output,
    Process,
    SourceLink,
    StepInput,
    Workflow,
    WorkflowOutput,
    WorkflowStep,
)
from .requirement_nodes import LOOP, V1_0_DEFAULTS
from .schema import CORE_NAMES, CWLTOOL, EXTENSION
from .types import (
    ArrayType,
    Binding,
    EnumType,
    Field,
    OutputBinding,
    Primitive,
    RecordType,
    Requirements,
    SecondaryFile,
    Type,
)

MAIN = "main"
_METHODS = {"last_iteration": "last", "all_iterations": "all"}
_OLD_NAMES = {core: extension for extension, core in CORE_NAMES.items() if extension.startswith(EXTENSION)}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed document, and by id of a process how it is called there; those written inside a step have no name."""

    document: Json
    names: Mapping[str, str]


def pack(document: LoadedDocument) -> Json:
    """Return the packed document as JSON; the main process has the id `main` and stands last."""
    return pack_with_names(document).document


def pack_with_names(document: LoadedDocument) -> Packed:
    """As `pack`, with the names of the processes."""
    packer = _Packer(document.process.version)
    packer.name(document.process, MAIN)
    packer.add(document.process)
    packed: Json = {"cwlVersion": document.process.version}
    if packer.uses_extensions:
        packed["$namespaces"] = {EXTENSION[:-1]: CWLTOOL}
    if packer.schemas:
        packed["$schemas"] = list(packer.schemas)
    return Packed(packed | {"$graph": packer.graph}, packer.names)


@dataclass(slots=True)
class _Packer:
    """Writes each process once."""

    version: str
    graph: list[Json] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """By id of a process: its name in the graph."""
    schemas: dict[str, None] = field(default_factory=dict)
    uses_extensions: bool = False

    def name(self, process: Process, wanted: str) -> str:
        """Give a process a name that no other one has."""
        taken = set(self.names.values())
        number, name = 1, wanted
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        self.names[process.id] = name
        return name

    def add(self, process: Process) -> None:
        """Append a process, and before it all that it runs."""
        made = self._process(process, {"id": self.names[process.id]})
        self.graph.append(made)

    def _process(self, process: Process, made: Json) -> Json:
        self.schemas.update(dict.fromkeys(process.schemas))
        made["class"] = type(process).__name__
        if process.version != self.version:
            made["cwlVersion"] = process.version
        made |= _said(label=process.label, doc=process.doc, intent=list(process.intent) or None)
        made["inputs"] = [_input(port, process.version) for port in process.inputs]
        if isinstance(process, Workflow):
            made["outputs"] = [_workflow_output(port, process.version) for port in process.outputs]
            made["steps"] = [self._step(step, process) for step in process.steps]
        else:
            made["outputs"] = [_output(port, process.version) for port in process.outputs]
        if isinstance(process, CommandLineTool):
            made |= _tool(process)
        elif isinstance(process, ExpressionTool):
            made["expression"] = process.expression
        made |= self._demands(process.requirements, process.hints, process.version)
        return made | {_full(key, process.namespaces): value for key, value in process.extensions.items()}

    def _demands(self, requirements: Requirements, hints: Requirements, version: str) -> Json:
        made: Json = {}
        for key, group in (("requirements", requirements), ("hints", hints)):
            items = [
                _requirement(name, item, version) for name, item in group.items() if _is_written(name, item, version)
            ]
            self.uses_extensions |= any(item["class"].startswith(EXTENSION) for item in items)
            if items:
                made[key] = items
        return made

    def _step(self, step: WorkflowStep, workflow: Workflow) -> Json:
        made: Json = {"id": step.name} | _said(label=step.label, doc=step.doc)
        made["in"] = [_step_input(item) for item in step.inputs]
        made["out"] = list(step.outputs)
        made["run"] = self._run(step, workflow)
        made |= _said(scatter=list(step.scatter) or None, scatterMethod=step.scatter_method, when=step.when)
        requirements = dict(step.requirements)
        if step.loop is not None and workflow.version >= "v1.3":
            made |= {"when": step.loop.when, "loop": _loop_inputs(step.loop, "outputSource")}
            made["outputMethod"] = step.loop.output_method
        elif step.loop is not None:
            requirements[LOOP] = _loop_requirement(step.loop)
        return made | self._demands(requirements, step.hints, workflow.version)

    def _run(self, step: WorkflowStep, workflow: Workflow) -> str | Json:
        process = step.run
        if process.id in (f"{workflow.id}/{step.name}", f"{workflow.id}#{step.name}"):
            return self._process(process, {})
        if process.id not in self.names:
            self.name(process, _stem(process.id))
            self.add(process)
        return f"#{self.names[process.id]}"


def _stem(identity: str) -> str:
    uri, _, fragment = identity.partition("#")
    return fragment.replace("/", "_") or uri.rpartition("/")[2]


def _full(key: str, namespaces: Mapping[str, str]) -> str:
    prefix, _, rest = key.partition(":")
    return namespaces[prefix] + rest if prefix in namespaces else key


def _said(**values: Any) -> Json:
    """Return the fields that have a value."""
    return {name: value for name, value in values.items() if value is not None}


# -- ports -------------------------------------------------------------------------------------


def _port(port: Input | Output | WorkflowOutput | Field, version: str) -> Json:
    formats = list(port.format) if isinstance(port.format, tuple) else port.format
    return {"type": _type(port.type, version)} | _said(
        label=port.label,
        doc=port.doc,
        secondaryFiles=[_secondary(one) for one in port.secondary_files] or None,
        format=formats,
        streamable=port.streamable or None,
    )


def _input(port: Input, version: str) -> Json:
    made: Json = {"id": port.name} | _port(port, version) | _said(loadListing=port.load_listing)
    if port.load_contents and version != "v1.0":
        made["loadContents"] = True
    binding = port.binding
    if port.load_contents and version == "v1.0" and binding is None:
        binding = Binding(load_contents=True)
    if binding is not None:
        made["inputBinding"] = _binding(binding)
    return made | ({"default": port.default} if port.has_default else {})


def _output(port: Output, version: str) -> Json:
    made: Json = {"id": port.name} | _port(port, version)
    return made | ({"outputBinding": _output_binding(port.binding)} if port.binding is not None else {})


def _workflow_output(port: WorkflowOutput, version: str) -> Json:
    return {"id": port.name} | _port(port, version) | _link(port.link, "outputSource")


def _link(link: SourceLink, key: str) -> Json:
    sources: Any = list(link.sources) if link.as_list else next(iter(link.sources), None)
    return _said(**{key: sources, "linkMerge": link.link_merge, "pickValue": link.pick_value})


def _step_input(item: StepInput) -> Json:
    made: Json = {"id": item.name} | _link(item.link, "source")
    made |= _said(valueFrom=item.value_from, loadListing=item.load_listing, label=item.label)
    if item.load_contents:
        made["loadContents"] = True
    return made | ({"default": item.default} if item.has_default else {})


def _loop_inputs(loop: LoopSpec, key: str) -> list[Json]:
    return [
        {"id": item.name}
        | _link(item.link, key)
        | _said(valueFrom=item.value_from)
        | ({"default": item.default} if item.has_default else {})
        for item in loop.inputs
    ]


def _loop_requirement(loop: LoopSpec) -> Json:
    return {
        "class": LOOP,
        "loopWhen": loop.when,
        "loop": _loop_inputs(loop, "loopSource"),
        "outputMethod": _METHODS[loop.output_method],
    }


# -- tools, types, bindings ----------------------------------------------------------------------


def _tool(tool: CommandLineTool) -> Json:
    return _said(
        baseCommand=list(tool.base_command) or None,
        arguments=[_binding(binding) for binding in tool.arguments] or None,
        stdin=tool.stdin,
        stdout=tool.stdout,
        stderr=tool.stderr,
        successCodes=list(tool.success_codes) or None,
        temporaryFailCodes=list(tool.temporary_fail_codes) or None,
        permanentFailCodes=list(tool.permanent_fail_codes) or None,
    )


def _type(type_: Type, version: str) -> Any:
    if isinstance(type_, Primitive):
        return type_.name
    if isinstance(type_, ArrayType):
        made: Json = {"type": "array", "items": _type(type_.items, version)}
    elif isinstance(type_, EnumType):
        made = {"type": "enum", "symbols": list(type_.symbols)}
    elif isinstance(type_, RecordType):
        made = {"type": "record", "fields": [_field(one, version) for one in type_.fields]}
    else:
        return [_type(one, version) for one in type_.alternatives]
    return made | ({"inputBinding": _binding(type_.binding)} if type_.binding is not None else {})


def _field(one: Field, version: str) -> Json:
    made: Json = {"name": one.name} | _port(one, version) | _said(loadListing=one.load_listing)
    if one.load_contents:
        made["loadContents"] = True
    if one.binding is not None:
        made["inputBinding"] = _binding(one.binding)
    return made | ({"outputBinding": _output_binding(one.output_binding)} if one.output_binding is not None else {})


def _binding(binding: Binding) -> Json:
    return _said(
        position=binding.position or None,
        prefix=binding.prefix,
        separate=None if binding.separate else False,
        itemSeparator=binding.item_separator,
        valueFrom=binding.value_from,
        shellQuote=None if binding.shell_quote else False,
        loadContents=binding.load_contents or None,
    )


def _output_binding(binding: OutputBinding) -> Json:
    return _said(
        glob=list(binding.glob) if isinstance(binding.glob, tuple) else binding.glob,
        loadContents=binding.load_contents or None,
        loadListing=binding.load_listing,
        outputEval=binding.output_eval,
    )


def _secondary(one: SecondaryFile) -> str | Json:
    if one.required is None and not one.pattern.endswith("?"):
        return one.pattern
    return {"pattern": one.pattern} | _said(required=one.required)


# -- requirements --------------------------------------------------------------------------------


def _is_written(name: str, item: Mapping[str, Any], version: str) -> bool:
    """Types stand where they are used, and v1.0 has its defaults without saying so."""
    return name != "SchemaDefRequirement" and not (version == "v1.0" and V1_0_DEFAULTS.get(name) == item)


def _requirement(name: str, item: Mapping[str, Any], version: str) -> Json:
    written = _OLD_NAMES.get(name, name) if version == "v1.0" else name
    return {**item, "class": written}
