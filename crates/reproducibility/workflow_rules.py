"""Rules about a workflow as a whole: its inputs and where its documents come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any

from ...core.cwl.preflight import tools
from ...core.cwl.process import Input, LoadedDocument, Process, Workflow, WorkflowStep
from ...core.cwl.syntax import expressions_of_step
from ...core.cwl.types import NULL, Type, UnionType
from ...core.values import is_reference, walk_references
from ...data_classes import dataclass
from .findings import Finding, Hit, Rule, Severity
from .tool_rules import ABSOLUTE, CLOCK_OR_CHANCE, EVERYWHERE, TOOL_RULES, Tool

SEED = re.compile(r"(?:^|[^a-z])(?:seed|random_?state|rng)(?:$|[^a-z])", re.IGNORECASE)
"""In the name of an input."""
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Whole:
    """A document with all that it runs."""

    document: LoadedDocument
    given: Mapping[str, Any] = field(default_factory=dict)
    """The values that it is to be run with, as far as they are known."""

    @cached_property
    def tools(self) -> list[Tool]:
        """Its tools, each once for each set of requirements that hold for it."""
        return [Tool(process, demands) for process, demands in tools(self.document.process)]

    @cached_property
    def steps(self) -> list[WorkflowStep]:
        """The steps of all workflows in it."""
        found: list[WorkflowStep] = []
        pending: list[Process] = [self.document.process]
        seen: set[int] = set()
        while pending:
            process = pending.pop()
            if isinstance(process, Workflow) and id(process) not in seen:
                seen.add(id(process))
                found += process.steps
                pending += [step.run for step in process.steps]
        return found


def seed_left_open(subject: Whole) -> Iterator[Hit]:
    """Yield seeds of tools that no step sets and that have no default; so with the inputs of the whole."""
    for port in subject.document.process.inputs:
        if SEED.search(port.name) and not _is_set(port, subject.given) and _may_be_none(port.type):
            yield Hit(f"input {port.name} may be left out", port.where)
    for step in subject.steps:
        given = {port.name for port in step.inputs}
        for port in step.run.inputs:
            if SEED.search(port.name) and port.name not in given and not port.has_default:
                yield Hit(f"step {step.name} does not set {port.name}", step.where)


def _is_set(port: Input, given: Mapping[str, Any]) -> bool:
    return port.has_default or given.get(port.name) is not None


def _may_be_none(type_: Type) -> bool:
    return type_ == NULL or (isinstance(type_, UnionType) and NULL in type_.alternatives)


def web_default(subject: Whole) -> Iterator[Hit]:
    """Yield defaults that are files of the web of which no checksum is given."""
    processes = {id(tool.process): tool.process for tool in subject.tools} | {0: subject.document.process}
    for process in processes.values():
        for port in process.inputs:
            for url in unchecked(port.default):
                yield Hit(f"default of {port.name}: {url}", port.where)
    for step in subject.steps:
        for given in step.inputs:
            for url in unchecked(given.default):
                yield Hit(f"default of {given.name}: {url}", given.where)


def unchecked(value: Any) -> Iterator[str]:
    """Yield the URLs of files in a value that are of the web, and whose content nothing vouches for."""
    for item in walk_references(value):
        location = item.get("location") or item.get("path")
        if isinstance(location, str) and location.startswith(WEB) and not item.get("checksum"):
            yield location


def path_in_default(subject: Whole) -> Iterator[Hit]:
    """Yield defaults that are absolute paths as text, so that nobody knows that they are files."""
    ports = [(port.name, port.default, port.where) for tool in subject.tools for port in tool.process.inputs]
    ports += [(port.name, port.default, port.where) for port in subject.document.process.inputs]
    ports += [(port.name, port.default, port.where) for step in subject.steps for port in step.inputs]
    for name, default, where in ports:
        for path in paths_as_text(default):
            yield Hit(f"default of {name}: {path}", where)


def paths_as_text(value: Any) -> Iterator[str]:
    """Yield the strings in a value that are absolute paths, those of File and Directory objects left out."""
    if isinstance(value, str):
        if ABSOLUTE.fullmatch(value) and value.count("/") > 1 and not value.startswith(EVERYWHERE):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from paths_as_text(item)
    elif isinstance(value, dict) and not is_reference(value):
        for item in value.values():
            yield from paths_as_text(item)


def web_document(subject: Whole) -> Iterator[Hit]:
    """Yield documents that were read from the web."""
    for uri in subject.document.sources:
        if uri.startswith(WEB):
            yield Hit("it is read from the web", uri)


def time_in_step(subject: Whole) -> Iterator[Hit]:
    """Yield expressions of steps that read the clock or draw random numbers."""
    for step in subject.steps:
        for text, where in expressions_of_step(step):
            for found in CLOCK_OR_CHANCE.findall(text):
                yield Hit(f"{' '.join(found.split()).rstrip('( ')} in an expression of step {step.name}", where)


def web_given(given: Mapping[str, Any]) -> Iterator[Hit]:
    """Yield files of the web that are given without a checksum."""
    for name, value in given.items():
        for url in unchecked(value):
            yield Hit(url, f"input {name}")


def path_as_text(given: Mapping[str, Any]) -> Iterator[Hit]:
    """Yield inputs that are absolute paths as text."""
    for name, value in given.items():
        for path in paths_as_text(value):
            yield Hit(path, f"input {name}")


GIVEN_RULES: tuple[Rule[Mapping[str, Any]], ...] = (
    Rule("web-given", Severity.WARNING, "a file of the web is given without a checksum, and may be another one later",
         "give its checksum (sha1$...), or keep a copy", web_given),
    Rule("path-as-text", Severity.WARNING, "an absolute path is given as text, which nobody knows to be a file",
         "make the type of the input File", path_as_text),
)  # fmt: skip
"""About the values that a workflow is run with."""
WORKFLOW_RULES: tuple[Rule[Whole], ...] = (
    Rule("seed-left-open", Severity.WARNING, "a seed is not set, so that each run draws other random numbers",
         "give it a default, or set it in the step", seed_left_open),
    Rule("web-input", Severity.WARNING, "an input is a file of the web without a checksum, and may change",
         "add its checksum (sha1$...), or keep a copy", web_default),
    Rule("path-as-default", Severity.WARNING, "a default is an absolute path as text, which nobody knows to be a file",
         "make the type of the input File", path_in_default),
    Rule("web-document", Severity.NOTE, "a part of the workflow is read from the web, and may be another one later",
         "keep a copy, or name it by commit", web_document),
    Rule("time-or-chance-in-step", Severity.WARNING, "an expression of a step reads the clock or draws random numbers",
         "make the instant or the seed an input of the workflow", time_in_step),
)  # fmt: skip


def of_workflow(document: LoadedDocument, given: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the rules find in a document and all that it runs, when it is run with these values."""
    subject = Whole(document, given)
    for rule in TOOL_RULES:
        for tool in subject.tools:
            yield from rule.findings(tool)
    for whole in WORKFLOW_RULES:
        yield from whole.findings(subject)


def of_given(given: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the rules find in the values that a workflow is run with."""
    for rule in GIVEN_RULES:
        yield from rule.findings(given)
