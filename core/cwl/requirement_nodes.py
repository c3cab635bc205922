"""Requirements and hints: from normalised nodes to plain objects by class (CWL v1.2, sections 4.5 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..values import is_reference, map_references
from .fetch import join
from .file_objects import absolute_location
from .problems import Problem, Severity
from .tree import Map, Node, Seq, to_plain, where_of
from .type_nodes import short_name

LOOP = "cwltool:Loop"
V1_0_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "LoadListingRequirement": {"class": "LoadListingRequirement", "loadListing": "deep_listing"},
    "NetworkAccess": {"class": "NetworkAccess", "networkAccess": True},
}
"""What tools of v1.0 may count on, said in the terms of v1.1; hints, since anything said beats it."""

_LOADED = ("dockerLoad", "dockerImport")


def build_requirements(node: Node, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Return requirements or hints by class, as plain data with absolute locations."""
    made: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(node or ()):
        name = item["class"]
        if name in made:
            text = f"{name} stands twice here, the last one counts"
            problems.append(Problem(text, where_of(node, number), None, Severity.WARNING))
        made[name] = _plain(name, item)
    return made


def loop_node(requirements: Node, hints: Node) -> Map | None:
    """Return the `cwltool:Loop` among the requirements and hints of a step."""
    items = [*(requirements or ()), *(hints or ())]
    return next((item for item in items if item.get("class") == LOOP), None)


def v1_0_defaults(version: str, requirements: Mapping[str, Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hints that a tool has by its version alone."""
    if version != "v1.0":
        return {}
    return {name: dict(item) for name, item in V1_0_DEFAULTS.items() if name not in {**requirements, **hints}}


def _plain(name: str, item: Map) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(item)
    match name:
        case "InitialWorkDirRequirement":
            plain["listing"] = located(item["listing"], item.uri)
        case "DockerRequirement":
            for key in _LOADED:
                if isinstance(plain.get(key), str):
                    plain[key] = join(item.uri, plain[key])
        case "cwltool:Secrets":
            plain["secrets"] = [short_name(one) for one in plain["secrets"]]
        case _:
            pass
    return plain


def located(node: Node, uri: str) -> Any:
    """Return a value as plain data, in which files and directories have absolute locations.

    `uri` is that of the file in which a scalar or a list stands; mappings know their own.
    """
    if isinstance(node, Map):
        if is_reference(node):
            return absolute_location(to_plain(node), node.uri)
        return {key: located(value, node.uri) for key, value in node.items()}
    if isinstance(node, Seq):
        return [located(item, node.uri) for item in node]
    return map_references(node, lambda one: absolute_location(one, uri)) if isinstance(node, dict | list) else node
