"""Which fields an object of a CWL document may have, and since which version."""

from __future__ import annotations

import difflib

from ...errors import DocumentInvalid
from .tree import Map, where_of, where_of_key

_NAMED = "id label doc"
_PROCESS = f"{_NAMED} class cwlVersion inputs outputs requirements hints intent"
_PORT = f"{_NAMED} type secondaryFiles streamable format"

FIELDS: dict[str, frozenset[str]] = {
    name: frozenset(text.split())
    for name, text in {
        "CommandLineTool": f"{_PROCESS} baseCommand arguments stdin stdout stderr successCodes temporaryFailCodes "
        "permanentFailCodes",
        "ExpressionTool": f"{_PROCESS} expression",
        "Operation": _PROCESS,
        "Workflow": f"{_PROCESS} steps",
        "InputParameter": f"{_PORT} default inputBinding loadContents loadListing",
        "OutputParameter": f"{_PORT} outputBinding",
        "WorkflowOutputParameter": f"{_PORT} outputSource linkMerge pickValue outputBinding",
        "WorkflowStep": f"{_NAMED} in out run scatter scatterMethod when requirements hints loop outputMethod",
        "WorkflowStepInput": "id label source default valueFrom linkMerge pickValue loadContents loadListing",
        "WorkflowStepOutput": "id",
        "LoopInput": "id loopSource source default valueFrom linkMerge pickValue",
        "CommandLineBinding": "loadContents position prefix separate itemSeparator valueFrom shellQuote",
        "CommandOutputBinding": "loadContents loadListing glob outputEval",
        "SecondaryFileSchema": "pattern required",
        "RecordField": "name type doc label secondaryFiles streamable format loadContents loadListing inputBinding "
        "outputBinding default",
    }.items()
}

SINCE: dict[str, dict[str, str]] = {
    "v1.1": {"loadListing": "", "InputParameter.loadContents": "", "SecondaryFileSchema.required": ""},
    "v1.2": {"intent": "", "WorkflowStep.when": "", "pickValue": "", "WorkflowStepInput.loadContents": ""},
    "v1.3": {"WorkflowStep.loop": "", "WorkflowStep.outputMethod": ""},
}
ORDER = ("v1.0", "v1.1", "v1.2", "v1.3")


def check_fields(node: Map, kind: str, version: str | None = None) -> None:
    """Refuse fields that an object of a kind does not have, in a version of CWL.

    Fields of foreign namespaces (with a colon) and directives (with a dollar) are let be.
    """
    known = FIELDS[kind]
    for key in node:
        if key in known:
            if version is not None:
                _check_version(node, key, kind, version)
        elif ":" not in key and not key.startswith("$"):
            near = difflib.get_close_matches(key, known, 1)
            raise DocumentInvalid(
                f"unknown field {key!r} in {kind}",
                where=where_of_key(node, key),
                hint=f"did you mean {near[0]!r}?" if near else None,
            )


def _check_version(node: Map, key: str, kind: str, version: str) -> None:
    for since, fields in SINCE.items():
        if (key in fields or f"{kind}.{key}" in fields) and ORDER.index(version) < ORDER.index(since):
            raise DocumentInvalid(
                f"{key!r} is a field of CWL {since}, and this document is {version}", where=where_of_key(node, key)
            )


def need(node: Map, kind: str, *keys: str) -> None:
    """Refuse an object that lacks a field."""
    for key in keys:
        if key not in node:
            raise DocumentInvalid(f"{kind} needs the field {key!r}", where=where_of(node))
