"""Job files: the values for the inputs of a process, with what else may stand in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from ...data_classes import dataclass
from ...errors import InputInvalid, Where
from ..uris import is_file_uri, to_path, to_uri
from ..values import INTERNAL_FIELDS, Value, Values, is_reference
from .downloads import Downloads
from .file_objects import absolute_location, expanded, resolve_location
from .nodes import decode, file_name, parse_values
from .types import Requirements

REQUIREMENTS = ("cwl:requirements", "https://w3id.org/cwl/cwl#requirements")
TOOL = ("cwl:tool", "https://w3id.org/cwl/cwl#tool")


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What a job file says: values by input, requirements that override, the process to run."""

    values: Values
    requirements: Requirements = field(default_factory=dict)
    tool: str | None = None
    """URI of the process, when the file names one."""
    folder: str = field(default="", compare=False)
    """Directory that relative paths in it started from."""


def load_job_order(
    source: Mapping[str, Value] | str | None, *, allow_network: bool = False, downloads: str | None = None
) -> JobOrder:
    """Read a job file, or take values that were read.

    Relative locations of files start from the job file's directory, or for values from the
    working directory.

    Args:
        source: path or file:// URI of the file, `-` for standard input, values, or None for none.
        allow_network: whether files may be fetched by http(s).
        downloads: directory for what was fetched; None: in the user's cache directory.

    Raises:
        InputInvalid, DocumentInvalid: it cannot be read, or is not a mapping of inputs.
        Unsupported: a file is on the network, which is not allowed.
    """
    fetching = Downloads(downloads, allow_network)
    here = to_uri(os.getcwd() + "/")
    if source is None:
        return JobOrder({})
    if isinstance(source, Mapping):
        return _order(dict(source), here, Where("the inputs"), fetching)
    if source == "-":
        return _order(_parsed(sys.stdin.buffer.read(), "standard input"), here, Where("standard input"), fetching)
    path = os.path.abspath(to_path(source) if is_file_uri(source) else source)
    order = _order(_parsed(_read(path), to_uri(path)), to_uri(path), Where(path), fetching)
    return replace(order, folder=os.path.dirname(path))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InputInvalid(f"cannot read the job file {path!r}: {error.strerror}") from error


def _parsed(content: bytes, uri: str) -> dict[str, Any]:
    values = parse_values(decode(content, uri), uri)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputInvalid("a job file must be a mapping of input names to values", where=Where(file_name(uri), 1, 1))
    return values


def _order(values: dict[str, Any], base: str, where: Where, fetching: Downloads) -> JobOrder:
    requirements = _by_class(_taken(values, REQUIREMENTS), where)
    tool = _taken(values, TOOL)
    namespaces = values.get("$namespaces")
    prefixes = namespaces if isinstance(namespaces, dict) else {}
    found = {name: located(value, base, prefixes) for name, value in values.items() if not name.startswith("$")}
    return JobOrder(fetching.localised(found), requirements, None if tool is None else _tool(str(tool), base))


def _tool(reference: str, base: str) -> str:
    """Return the URI of the process that a job file names."""
    address, hash_, fragment = reference.partition("#")
    return resolve_location(address, base) + hash_ + fragment


def _taken(values: dict[str, Any], names: tuple[str, ...]) -> Any:
    found = None
    for name in names:
        found = values.pop(name, found)
    return found


def _by_class(requirements: Any, where: Where) -> Requirements:
    """Return requirements by class, from a list of objects with a class, or a mapping of classes."""
    if isinstance(requirements, dict):
        requirements = [
            {"class": name, **body} if isinstance(body, dict) else {"class": name} if body is None else body
            for name, body in requirements.items()
        ]
    if requirements is None:
        return {}
    items: list[Any] = requirements if isinstance(requirements, list) else [None]
    if not all(isinstance(item, dict) and "class" in item for item in items):
        raise InputInvalid("cwl:requirements must be a list of objects, each with a class", where=where)
    return {str(item["class"]): _normal(item) for item in items}


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


def located(value: Value, base: str, prefixes: Mapping[str, str]) -> Value:
    """Return values in which each File and Directory has an absolute location and nothing of the engine's own."""
    if isinstance(value, list):
        return [located(item, base, prefixes) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {name: located(item, base, prefixes) for name, item in value.items()}
    if not is_reference(value):
        return changed
    if isinstance(changed.get("format"), str):
        changed["format"] = expanded(changed["format"], prefixes)
    return absolute_location({name: item for name, item in changed.items() if name not in INTERNAL_FIELDS}, base)
