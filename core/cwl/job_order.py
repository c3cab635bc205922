"""Job files: the values for the inputs of a process, with what else may stand in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputInvalid, Where
from ..uris import is_file_uri, to_path, to_uri
from ..values import Value, Values
from .file_objects import absolute_location
from .nodes import parse_values
from .types import Requirements

REQUIREMENTS = ("cwl:requirements", "https://w3id.org/cwl/cwl#requirements")
TOOL = ("cwl:tool", "https://w3id.org/cwl/cwl#tool")


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job file says: values by input, requirements that override, the process to run."""

    values: Values
    requirements: Requirements = field(default_factory=dict)
    tool: str | None = None


def load_job_order(source: Mapping[str, Value] | str | None, *, allow_network: bool = False) -> JobOrder:
    """Read a job file, or take values that were read.

    Relative locations of files start from the job file's directory, or for values from the
    working directory. Raises InputInvalid.
    """
    if source is None:
        return JobOrder({})
    if isinstance(source, Mapping):
        return _order(dict(source), to_uri(os.getcwd() + "/"), Where("the inputs"))
    path = os.path.abspath(to_path(source) if is_file_uri(source) else source)
    return _order(_read(path), to_uri(path), Where(path))


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise InputInvalid(f"cannot read the job file {path!r}: {error.strerror}") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputInvalid(f"the job file {path!r} is not UTF-8 (byte {error.start})") from error
    values = parse_values(text, to_uri(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputInvalid("a job file must be a mapping of input names to values", where=Where(path, 1, 1))
    return values


def _order(values: dict[str, Any], base: str, where: Where) -> JobOrder:
    requirements = _taken(values, REQUIREMENTS)
    tool = _taken(values, TOOL)
    values = {name: value for name, value in values.items() if not name.startswith("$")}
    return JobOrder(_located(values, base), _by_class(requirements, where), tool)


def _taken(values: dict[str, Any], names: tuple[str, ...]) -> Any:
    found = None
    for name in names:
        found = values.pop(name, found)
    return found


def _by_class(requirements: Any, where: Where) -> Requirements:
    if requirements is None:
        return {}
    if isinstance(requirements, Mapping):
        return {name: _normal({"class": name, **body}) for name, body in requirements.items()}
    if not isinstance(requirements, list) or not all(
        isinstance(item, dict) and "class" in item for item in requirements
    ):
        raise InputInvalid("cwl:requirements must be a list of objects, each with a class", where=where)
    return {item["class"]: _normal(item) for item in requirements}


def _normal(requirement: dict[str, Any]) -> dict[str, Any]:
    """Return a requirement in the form that documents are brought to: `envDef` as a list."""
    definitions = requirement.get("envDef")
    if isinstance(definitions, Mapping):
        entries = [
            {"envName": name, **value} if isinstance(value, Mapping) else {"envName": name, "envValue": value}
            for name, value in definitions.items()
        ]
        return {**requirement, "envDef": entries}
    return requirement


def _located(value: Value, base: str) -> Value:
    """Return values in which each File and Directory has an absolute location."""
    if isinstance(value, list):
        return [_located(item, base) for item in value]
    if isinstance(value, dict):
        if value.get("class") in ("File", "Directory"):
            return absolute_location(value, base)
        return {name: _located(item, base) for name, item in value.items()}
    return value
