"""Workflows whose jobs leave a line outside of their directories each time that they are carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core.engine.bench import shell, workflow


def effect(log: Path, label: str, seconds: float = 0.02) -> dict[str, Any]:
    """Return a tool whose output is its input `x` with a label, and whose effect is a line in a file."""
    script = f'printf "%s\\n" "{label} $1" >>{log}; sleep {seconds}; printf "%s {label}" "$1"'
    inputs = {"x": {"type": "string", "inputBinding": {"position": 1}}}
    tool = shell(
        inputs,
        {
            "r": {
                "type": "string",
                "outputBinding": {"glob": "out", "loadContents": True, "outputEval": "$(self[0].contents)"},
            },
            "f": {"type": "File", "outputBinding": {"glob": "out"}},
        },
        script,
        stdout="out",
    )
    small = {"class": "ResourceRequirement", "coresMin": 0.5, "ramMin": 16, "tmpdirMin": 1, "outdirMin": 1}
    return tool | {"requirements": [{"class": "InlineJavascriptRequirement"}, small]}


def everything(log: Path) -> dict[str, Any]:
    """Return a workflow with a scatter, a workflow within, a loop, and conditions."""
    inner = workflow(
        {"x": "string"},
        {"r": {"type": "string", "outputSource": "second/r"}},
        {
            "first": {"run": effect(log, "first"), "in": {"x": "x"}, "out": ["r"]},
            "second": {"run": effect(log, "second"), "in": {"x": "first/r"}, "out": ["r"]},
        },
    )
    turn = {
        "run": effect(log, "turn"),
        "in": {"x": "start"},
        "out": ["r"],
        "when": "$(inputs.x.length < 20)",
        "requirements": {
            "cwltool:Loop": {"loopWhen": "$(inputs.x.length < 20)", "loop": {"x": "r"}, "outputMethod": "last"}
        },
    }
    del turn["when"]
    return workflow(
        {"items": "string[]", "start": "string"},
        {
            "files": {"type": "File[]", "outputSource": "spread/f"},
            "nested": {"type": "string[]", "outputSource": "nest/r"},
            "turned": {"type": "string?", "outputSource": "turn/r"},
            "yes": {"type": "string?", "outputSource": "yes/r"},
            "no": {"type": "string?", "outputSource": "no/r"},
            "end": {"type": "File", "outputSource": "end/f"},
        },
        {
            "spread": {"run": effect(log, "spread"), "scatter": "x", "in": {"x": "items"}, "out": ["r", "f"]},
            "nest": {"run": inner, "scatter": "x", "in": {"x": "spread/r"}, "out": ["r"]},
            "turn": turn,
            "yes": {"run": effect(log, "yes"), "when": "$(true)", "in": {"x": "start"}, "out": ["r"]},
            "no": {"run": effect(log, "no"), "when": "$(false)", "in": {"x": "start"}, "out": ["r"]},
            "end": {
                "run": effect(log, "end"),
                "in": {
                    "x": {
                        "source": ["nest/r", "turn/r", "yes/r"],
                        "linkMerge": "merge_flattened",
                        "valueFrom": "$(self.join('+'))",
                    },
                },
                "out": ["r", "f"],
            },
        },
    ) | {"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}}


INPUTS = {"items": ["a", "b", "c"], "start": "s"}
EFFECTS = 3 + 3 * 2 + 4 + 1 + 1
"""Jobs that `everything` comes to with these inputs."""


def pair(log: Path, short: float, long: float) -> dict[str, Any]:
    """Return a workflow of two jobs at a time, of which one takes longer."""
    steps = {
        name: {"run": effect(log, name, seconds), "in": {"x": "x"}, "out": ["r"]}
        for name, seconds in (("short", short), ("long", long))
    }
    return workflow({"x": "string"}, {name: {"type": "string", "outputSource": f"{name}/r"} for name in steps}, steps)
