"""Requirements and hints: from their list or map form to objects by class."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ...errors import DocumentInvalid, Unsupported
from .tree import Map, Node, Seq, to_plain, where_of, where_of_key
from .types import Requirements

if TYPE_CHECKING:
    from .build import Context

CWLTOOL = "http://commonwl.org/cwltool#"
V1_0 = frozenset(
    [
        "InlineJavascriptRequirement",
        "SchemaDefRequirement",
        "DockerRequirement",
        "SoftwareRequirement",
        "InitialWorkDirRequirement",
        "EnvVarRequirement",
        "ShellCommandRequirement",
        "ResourceRequirement",
        "SubworkflowFeatureRequirement",
        "ScatterFeatureRequirement",
        "MultipleInputFeatureRequirement",
        "StepInputExpressionRequirement",
    ]
)
V1_1 = V1_0 | frozenset(
    ["LoadListingRequirement", "WorkReuse", "NetworkAccess", "InplaceUpdateRequirement", "ToolTimeLimit"]
)
KNOWN = {"v1.0": V1_0, "v1.1": V1_1, "v1.2": V1_1, "v1.3": V1_1}
EXTENSIONS = frozenset(
    f"cwltool:{name}"
    for name in [
        "Secrets",
        "Loop",
        "CUDARequirement",
        "MPIRequirement",
        "TimeLimit",
        "WorkReuse",
        "NetworkAccess",
        "InplaceUpdateRequirement",
        "LoadListingRequirement",
        "ShmSize",
        "ProcessGenerator",
    ]
)
MAP_FORMS = {
    "EnvVarRequirement": ("envDef", "envName", "envValue"),
    "SoftwareRequirement": ("packages", "package", "specs"),
}
AS_NODES = ("SchemaDefRequirement",)


def build_requirements(node: Node, holder: Map, key: str, context: Context) -> Requirements:
    """Return requirements or hints by class. Raises Unsupported for an unknown requirement."""
    found: dict[str, Any] = {}
    for name, item in _entries(node, holder, key):
        kind = canonical(name, context)
        if key == "requirements" and kind not in KNOWN[context.version] and kind not in EXTENSIONS:
            _refuse(kind, item, context)
        found[kind] = item if kind in AS_NODES else _normal(kind, item, context)
    return found


def _entries(node: Node, holder: Map, key: str) -> list[tuple[str, Map]]:
    if node is None:
        return []
    if isinstance(node, Map):
        found = []
        for name, item in node.items():
            if item is not None and not isinstance(item, Map):
                raise DocumentInvalid(f"{name!r} must be a mapping", where=where_of(node, name))
            found.append((name, item if item is not None else Map(node.uri, *node.marks.get(name, (0, 0, 0, 0))[:2])))
        return found
    if isinstance(node, Seq):
        for index, item in enumerate(node):
            if not isinstance(item, Map) or not isinstance(item.get("class"), str):
                raise DocumentInvalid(f"an entry of {key!r} needs a class", where=where_of(node, index))
        return [(str(item["class"]), item) for item in node]
    raise DocumentInvalid(f"{key!r} must be a list or a mapping", where=where_of(holder, key))


def canonical(name: str, context: Context) -> str:
    """Return the short name of a class: without `cwl:`, and with `cwltool:` for that namespace."""
    prefix, colon, rest = name.partition(":")
    full = (
        context.document.namespaces.get(prefix, "") + rest if colon and prefix in context.document.namespaces else name
    )
    if full.startswith(CWLTOOL):
        return "cwltool:" + full.removeprefix(CWLTOOL)
    return full.removeprefix("https://w3id.org/cwl/cwl#").removeprefix("cwl:")


def _refuse(kind: str, item: Map, context: Context) -> None:
    later = [version for version, known in KNOWN.items() if kind in known]
    if later:
        raise DocumentInvalid(
            f"{kind} is a requirement of CWL {later[0]}, and this document is {context.version}", where=where_of(item)
        )
    near = difflib.get_close_matches(kind, KNOWN[context.version], 1)
    raise Unsupported(
        f"unknown requirement {kind!r}", where=where_of(item), hint=f"did you mean {near[0]}?" if near else None
    )


def _normal(kind: str, item: Map, context: Context) -> dict[str, Any]:
    """Return a requirement as plain data, with its short forms written out."""
    plain: dict[str, Any] = {name: value for name, value in to_plain(item).items() if name != "class"}
    if kind in MAP_FORMS:
        field, name, short = MAP_FORMS[kind]
        if isinstance(plain.get(field), dict):
            plain[field] = [_named(entry, value, name, short) for entry, value in plain[field].items()]
    if kind == "DockerRequirement":
        for field in ("dockerLoad", "dockerImport"):
            if isinstance(plain.get(field), str):
                plain[field] = urljoin(item.uri, plain[field])
    if kind in ("EnvVarRequirement",) and not isinstance(plain.get("envDef"), list):
        raise DocumentInvalid("EnvVarRequirement needs 'envDef'", where=where_of(item))
    if kind == "InitialWorkDirRequirement" and "listing" not in plain:
        raise DocumentInvalid("InitialWorkDirRequirement needs 'listing'", where=where_of(item))
    _check_fields(kind, item)
    return {"class": kind, **plain}


FIELDS = {
    "DockerRequirement": "dockerPull dockerLoad dockerFile dockerImport dockerImageId dockerOutputDirectory",
    "ResourceRequirement": "coresMin coresMax ramMin ramMax tmpdirMin tmpdirMax outdirMin outdirMax",
    "EnvVarRequirement": "envDef",
    "InitialWorkDirRequirement": "listing",
    "InlineJavascriptRequirement": "expressionLib",
    "SoftwareRequirement": "packages",
    "LoadListingRequirement": "loadListing",
    "WorkReuse": "enableReuse",
    "NetworkAccess": "networkAccess",
    "InplaceUpdateRequirement": "inplaceUpdate",
    "ToolTimeLimit": "timelimit",
    "ShellCommandRequirement": "",
    "ScatterFeatureRequirement": "",
    "SubworkflowFeatureRequirement": "",
    "MultipleInputFeatureRequirement": "",
    "StepInputExpressionRequirement": "",
}


def _check_fields(kind: str, item: Map) -> None:
    if kind not in FIELDS:
        return
    known = FIELDS[kind].split()
    for key in item:
        if key not in known and key != "class" and ":" not in key and not key.startswith("$"):
            near = difflib.get_close_matches(key, known, 1)
            raise DocumentInvalid(
                f"unknown field {key!r} in {kind}",
                where=where_of_key(item, key),
                hint=f"did you mean {near[0]!r}?" if near else None,
            )


def _named(entry: str, value: Any, name: str, short: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return {name: entry, **value}
    return {name: entry} if value is None else {name: entry, short: value}
