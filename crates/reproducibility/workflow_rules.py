"""Rules about a workflow as a whole: its inputs and where its documents come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...core.cwl.preflight import tools
from ...core.cwl.process import LoadedDocument, Process, Workflow, WorkflowStep
from ...core.cwl.syntax import expressions_of_step
from ...core.cwl.types import NULL, Type, UnionType
from ...core.values import walk_references
from .findings import Finding, Hit, Rule, Severity
from .tool_rules import CLOCK_OR_CHANCE, TOOL_RULES, Tool

SEED = re.compile(r"(?:^|[^a-z])(?:seed|random_?state|rng)(?:$|[^a-z])", re.IGNORECASE)
"""In the name of an input."""
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Whole:
    """A document with all that it runs."""

    document: LoadedDocument

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
        if SEED.search(port.name) and not port.has_default and _may_be_none(port.type):
            yield Hit(f"input {port.name} may be left out", port.where)
    for step in subject.steps:
        given = {port.name for port in step.inputs}
        for port in step.run.inputs:
            if SEED.search(port.name) and port.name not in given and not port.has_default:
                yield Hit(f"step {step.name} does not set {port.name}", step.where)


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


WORKFLOW_RULES: tuple[Rule[Whole], ...] = (
    Rule("seed-left-open", Severity.WARNING, "a seed is not set, so that each run draws other random numbers",
         "give it a default, or set it in the step", seed_left_open),
    Rule("web-input", Severity.WARNING, "an input is a file of the web without a checksum, and may change",
         "add its checksum (sha1$...), or keep a copy", web_default),
    Rule("web-document", Severity.NOTE, "a part of the workflow is read from the web, and may be another one later",
         "keep a copy, or name it by commit", web_document),
    Rule("time-or-chance-in-step", Severity.WARNING, "an expression of a step reads the clock or draws random numbers",
         "make the instant or the seed an input of the workflow", time_in_step),
)  # fmt: skip


def of_workflow(document: LoadedDocument) -> Iterator[Finding]:
    """Yield what the rules find in a document and all that it runs."""
    subject = Whole(document)
    for rule in TOOL_RULES:
        for tool in subject.tools:
            yield from rule.findings(tool)
    for whole in WORKFLOW_RULES:
        yield from whole.findings(subject)
