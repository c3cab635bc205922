"""Binding files, read: their text to typed data, with every problem by its line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from ..core.binding import Binding, DockerBinding, PortBinding, StepBinding
from ..core.cwl.nodes import decode, parse_text
from ..core.cwl.problems import Problem, Severity, did_you_mean, raise_first
from ..core.uris import to_uri
from ..data_classes import dataclass
from ..errors import DocumentInvalid, Where
from . import rules
from .deployments import read_deployments
from .document import DOCUMENT, Document
from .format import FILE
from .shape import NOTHING, Report, Spot


@dataclass(frozen=True, slots=True)
class WorkflowEntry:
    """One workflow of a binding file: what is run, and where. Paths are absolute."""

    name: str
    file: str
    settings: str | None
    binding: Binding


@dataclass(frozen=True, slots=True)
class BindingFile:
    """A binding file: its text for the record, its workflows by name, and what is odd about it."""

    path: str
    text: str
    workflows: Mapping[str, WorkflowEntry]
    binding: Binding
    """Deployments and all else that the workflows share."""
    wishes: rules.Wishes = field(default_factory=rules.Wishes)
    problems: tuple[Problem, ...] = ()
    """Warnings, and what is not supported."""


def load_binding_file(path: str) -> BindingFile:
    """Read and check a binding file; no place is contacted.

    Raises DocumentInvalid for the first error, Unsupported for what nobody here can do.
    """
    made = read_binding_file(path)
    raise_first([problem for problem in made.problems if problem.severity is Severity.ERROR])
    return made


def read_binding_file(path: str) -> BindingFile:
    """Read a binding file with all its problems. Raises DocumentInvalid when it is no document at all."""
    path = os.path.abspath(path)
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise DocumentInvalid(f"cannot read the binding file {path!r}: {error.strerror}") from error
    text = decode(content, to_uri(path))
    tree = parse_text(text, to_uri(path))
    report = Report()
    data = FILE.read(tree, Spot(tree, None, DOCUMENT), report)
    if data is NOTHING:
        return BindingFile(path, text, {}, Binding(), problems=tuple(report.problems))
    document = Document(path, tree, data, report)
    binding = _shared(document)
    workflows = {name: _workflow(document, name, binding) for name in data.get("workflows", {})}
    rules.check(document, binding)
    wishes = rules.wishes(document)
    return BindingFile(path, text, workflows, binding, wishes, tuple(report.problems))


def binding_at(reference: str) -> Binding:
    """Return the binding that a path names: that of the file's only workflow, or with `#name` of one of several.

    Raises DocumentInvalid.
    """
    path, _, name = reference.partition("#")
    file = load_binding_file(path)
    if not name:
        return bound_alone(file)
    if name not in file.workflows:
        hint = did_you_mean(name, file.workflows)
        raise DocumentInvalid(f"{path!r} has no workflow {name!r}", where=Where(file.path), hint=hint)
    return file.workflows[name].binding


def bound_alone(file: BindingFile) -> Binding:
    """Return the binding of a file for a workflow that it does not name: that of its only workflow."""
    if len(file.workflows) == 1:
        return next(iter(file.workflows.values())).binding
    if not file.workflows:
        return file.binding
    raise DocumentInvalid(
        f"{file.path!r} has several workflows: {', '.join(file.workflows)}",
        where=Where(file.path),
        hint="say which one's bindings are meant: --on FILE#NAME",
    )


def _shared(document: Document) -> Binding:
    ours = document.data.get("recrate", {})
    return Binding(
        deployments=read_deployments(document),
        filters=rules.filters(document),
        streams=ours.get("streams"),
        bandwidth=rules.amount(ours.get("bandwidth")),
        stalled=float(ours.get("stalled", 300)),
    )


def _workflow(document: Document, name: str, shared: Binding) -> WorkflowEntry:
    data = document.data["workflows"][name]
    config = data.get("config", {})
    steps: list[StepBinding] = []
    ports: list[PortBinding] = []
    for index, item in enumerate(data.get("bindings", [])):
        spot = document.spot("workflows", name, "bindings", index)
        targets = rules.targets(document, item, spot, shared.deployments)
        if ("step" in item) == ("port" in item):
            document.report.say(spot, f"{spot.name} needs either `step` or `port`")
        elif "step" in item and targets:
            rules.require_filters(document, item, spot, shared.filters)
            steps.append(StepBinding(_normal(item["step"]), targets, tuple(item.get("filters", ()))))
        elif targets:
            rules.require_port_target(document, item, spot, targets)
            ports.append(PortBinding(_normal(item["port"]), targets[0]))
    docker = [_docker(item) for item in config.get("docker", []) if "step" in item and "type" in item["deployment"]]
    binding = replace(shared, steps=tuple(steps), ports=tuple(ports), docker=tuple(docker))
    file = str(config.get("file", ""))
    return WorkflowEntry(
        name,
        file if "://" in file else str(document.resolved(file)),
        document.resolved(config.get("settings")),
        binding,
    )


def _docker(item: Mapping[str, Any]) -> DockerBinding:
    served = item["deployment"]
    kind = "docker" if served["type"] == "default" else served["type"]
    return DockerBinding(_normal(item["step"]), kind, served.get("config", {}), served.get("wrapper", True))


def _normal(path: str) -> str:
    """Return the path of a step without a slash at its end."""
    return path.rstrip("/") or "/"
