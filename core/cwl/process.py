"""Processes of CWL as data, after a document was loaded, resolved and checked against the schema.

All versions are brought to the shape of v1.2 (`core.cwl.load`); `version` says which one the
document was written in, where its rules differ. Names of parameters, steps and fields are
short (without document and process); references are resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeAlias

from ...data_classes import dataclass
from ...errors import Where
from .types import Binding, Expression, OutputBinding, Requirements, SecondaryFile, Type


@dataclass(frozen=True, slots=True)
class Input:
    """An input parameter of a process."""

    name: str
    type: Type
    default: Any = None
    has_default: bool = False
    """File and Directory objects in `default` have absolute `location`s."""
    secondary_files: tuple[SecondaryFile, ...] = ()
    format: Expression | tuple[str, ...] | None = None
    streamable: bool = False
    load_contents: bool = False
    load_listing: str | None = None
    binding: Binding | None = None
    label: str | None = None
    doc: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """An output parameter of a tool. `stdout` and `stderr` shortcuts are resolved to File
    with a glob of the stream's file name (generated when there is none)."""

    name: str
    type: Type
    secondary_files: tuple[SecondaryFile, ...] = ()
    format: Expression | None = None
    streamable: bool = False
    binding: OutputBinding | None = None
    label: str | None = None
    doc: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class SourceLink:
    """Where a step input or workflow output takes its value from; each source is
    `input` or `step/output`. `as_list`: written as a list in the document."""

    sources: tuple[str, ...] = ()
    as_list: bool = False
    link_merge: str | None = None
    pick_value: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowOutput:
    """An output parameter of a workflow."""

    name: str
    type: Type
    link: SourceLink
    secondary_files: tuple[SecondaryFile, ...] = ()
    format: Expression | None = None
    streamable: bool = False
    label: str | None = None
    doc: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class StepInput:
    """An input of a workflow step."""

    name: str
    link: SourceLink
    default: Any = None
    has_default: bool = False
    value_from: Expression | None = None
    load_contents: bool = False
    load_listing: str | None = None
    label: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class LoopInput:
    """An input that changes from one iteration of a loop to the next; its link's sources are
    names of outputs of the step."""

    name: str
    link: SourceLink
    default: Any = None
    has_default: bool = False
    value_from: Expression | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """The loop of CWL 1.3, or the `cwltool:Loop` extension: `when` is its condition."""

    inputs: tuple[LoopInput, ...]
    when: Expression
    output_method: str = "last_iteration"
    """`last_iteration` or `all_iterations`."""
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessBase:
    """What all kinds of processes have."""

    id: str
    """Absolute URI, with the fragment of the process in a packed document."""
    version: str
    """`v1.0`, `v1.1`, `v1.2` or `v1.3`: of the document in which the process stands."""
    inputs: tuple[Input, ...] = ()
    requirements: Requirements = field(default_factory=dict)
    hints: Requirements = field(default_factory=dict)
    label: str | None = None
    doc: str | None = None
    intent: tuple[str, ...] = ()
    namespaces: Mapping[str, str] = field(default_factory=dict)
    schemas: tuple[str, ...] = ()
    """Absolute URIs of ontologies (`$schemas`)."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """Fields of foreign namespaces, kept as they are."""
    where: Where | None = None

    @property
    def name(self) -> str:
        """The short name: the fragment, or the file name without its ending."""
        base, _, fragment = self.id.partition("#")
        return fragment.rsplit("/", 1)[-1] if fragment else base.rsplit("/", 1)[-1].removesuffix(".cwl")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLineTool(ProcessBase):
    """A program with its arguments (CWL Command Line Tool Description)."""

    outputs: tuple[Output, ...] = ()
    base_command: tuple[str, ...] = ()
    arguments: tuple[Binding, ...] = ()
    """A plain string stands as a binding with `value_from`."""
    stdin: Expression | None = None
    stdout: Expression | None = None
    stderr: Expression | None = None
    success_codes: tuple[int, ...] = ()
    temporary_fail_codes: tuple[int, ...] = ()
    permanent_fail_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionTool(ProcessBase):
    """A JavaScript expression that gives the outputs object."""

    outputs: tuple[Output, ...] = ()
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(ProcessBase):
    """A description without an implementation; it cannot be executed (exit 33)."""

    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step of a workflow."""

    name: str
    run: Process
    inputs: tuple[StepInput, ...]
    outputs: tuple[str, ...]
    scatter: tuple[str, ...] = ()
    scatter_method: str | None = None
    when: Expression | None = None
    loop: LoopSpec | None = None
    requirements: Requirements = field(default_factory=dict)
    hints: Requirements = field(default_factory=dict)
    label: str | None = None
    doc: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow(ProcessBase):
    """Steps linked by their ports (CWL Workflow Description)."""

    outputs: tuple[WorkflowOutput, ...] = ()
    steps: tuple[WorkflowStep, ...] = ()


Process: TypeAlias = CommandLineTool | ExpressionTool | Operation | Workflow


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A document ready to be translated, and what it was made of."""

    process: Process
    sources: Mapping[str, bytes]
    """By absolute URI: each file that was read to load it ($import, $include and run included)."""
    valid: bool = field(default=False, compare=False, repr=False)
    """Whether all static checks were made, by this program on these contents, and found nothing wrong."""
