"""Any damage to a document gives one line, or no complaint: never another exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.core.cwl.check import check
from recrate.core.cwl.load import load_document
from recrate.core.cwl.pack import pack
from recrate.errors import RecrateError

TOOL = {
    "class": "CommandLineTool",
    "id": "tool",
    "baseCommand": ["cat"],
    "arguments": ["x", {"valueFrom": "$(inputs.f.path)", "position": 1}],
    "requirements": [
        {"class": "InlineJavascriptRequirement", "expressionLib": ["var a = 1;"]},
        {"class": "SchemaDefRequirement", "types": [{"name": "e", "type": "enum", "symbols": ["a", "b"]}]},
        {"class": "InitialWorkDirRequirement", "listing": [{"entry": "text", "entryname": "n"}]},
    ],
    "hints": {"EnvVarRequirement": {"envDef": {"A": "b"}}, "other:Hint": {"x": 1}},
    "inputs": {
        "f": {"type": "File?", "secondaryFiles": [".bai?"], "format": "http://x/y", "inputBinding": {"prefix": "-f"}},
        "r": {"type": {"type": "record", "fields": {"a": "int", "b": {"type": "e[]"}}}, "default": {"a": 1, "b": []}},
    },
    "outputs": {"o": "stdout", "p": {"type": "File[]", "outputBinding": {"glob": ["*"], "outputEval": "$(self)"}}},
}
WORKFLOW = {
    "class": "Workflow",
    "id": "main",
    "requirements": {"ScatterFeatureRequirement": {}, "StepInputExpressionRequirement": {}},
    "inputs": {"fs": "File[]", "n": ["null", "int"]},
    "outputs": {"all": {"type": "File[]", "outputSource": ["s/o"], "linkMerge": "merge_flattened"}},
    "steps": {
        "s": {"run": "#tool", "scatter": "f", "in": {"f": "fs", "r": {"default": {"a": 1, "b": []}}}, "out": ["o"]},
        "t": {"run": {"class": "Operation", "inputs": {"x": "Any?"}, "outputs": []}, "in": {"x": "s/o"}, "out": []},
    },
}
DOCUMENT = {"cwlVersion": "v1.2", "$namespaces": {"other": "http://o/"}, "$graph": [TOOL, WORKFLOW]}

JUNK: list[Any] = [
    None,
    True,
    0,
    -1.5,
    10**30,
    "",
    "x",
    "#main",
    "#tool",
    "$(",
    "${",
    "$(1 +)",
    "string[]",
    "e?",
    "a:b",
    "::",
]
JUNK += [[], {}, [None], [[]], {"a": None}, {"class": None}, {"class": "File"}, {"id": 3}, {"": 1}, {"type": "record"}]
JUNK += [{"$import": "none"}, {"$import": 3}, {"$include": "none"}, {"$mixin": "doc.cwl"}, {"$import": "#tool"}]
NAMES = [
    "id",
    "class",
    "type",
    "items",
    "source",
    "default",
    "in",
    "run",
    "scatter",
    "loop",
    "x:y",
    "$graph",
    "cwlVersion",
]


def paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each part of a document."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from paths(value, (*path, key))


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Return the document with a few of its parts replaced, removed, added or put elsewhere."""
    document = json.loads(json.dumps(DOCUMENT))
    for _ in range(draw(st.integers(1, 3))):
        places = list(paths(document))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = document
        for key in way:
            holder = holder[key]
        junk = json.loads(json.dumps(draw(st.sampled_from(JUNK))))
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[last] = junk
            case "remove":
                holder.pop(last)
            case _ if isinstance(holder, dict):
                holder[draw(st.sampled_from(NAMES))] = junk
            case _:
                holder.append(junk)
    return document


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged())
def test_a_damaged_document_is_refused_in_one_line_or_taken(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "doc.cwl"
    path.write_text(json.dumps(document))
    try:
        loaded = load_document(str(path))
        problems = check(loaded, warnings=True)
        pack(loaded)
    except RecrateError as error:
        line = error.render()
    else:
        line = "; ".join(map(str, problems))
    assert "\n" not in line


def test_the_document_is_right_when_nothing_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "doc.cwl"
    path.write_text(json.dumps(DOCUMENT))
    assert check(load_document(str(path)), warnings=True) == []
