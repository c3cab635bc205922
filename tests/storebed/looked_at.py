"""Runs to look at, with names, values and logs as an enemy would choose them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import recrate

HOSTILE = "<script>alert(1)</script>"
"""Stands in names, values and logs; a page must only ever show it."""
FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
MEASURE = f"""for n in 1 2; do echo '{{"loss {HOSTILE}": '$n'}}' >>"$RECRATE_METRICS"; done"""

SHOUT = {
    "class": "CommandLineTool",
    "label": f"Shout {HOSTILE}",
    "requirements": {"ShellCommandRequirement": {}, "EnvVarRequirement": {"envDef": {"WORD": HOSTILE}}},
    "baseCommand": ["sh", "-c"],
    "arguments": ['echo "$WORD" >&2; printf \'%s\' "$0" > \'<i>loud.txt\'; test "$0" != fail'],
    "inputs": {"word": {"type": "string", "inputBinding": {"position": 1}}},
    "outputs": {"loud": {"type": "File", "outputBinding": {"glob": "*.txt"}}},
}
DRAW = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c"],
    "arguments": [f"printf '%s' '{FIGURE}' > plot.svg; {MEASURE}"],
    "inputs": {"files": "File[]"},
    "outputs": {"plot": {"type": "File", "outputBinding": {"glob": "plot.svg"}}},
}
WORKFLOW: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "label": f"Words {HOSTILE}",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"words": "string[]"},
    "outputs": {
        "plot": {"type": "File", "outputSource": "draw/plot"},
        "loud": {"type": "File[]", "outputSource": "shout/loud"},
    },
    "steps": {
        "shout": {"run": SHOUT, "scatter": "word", "in": {"word": "words"}, "out": ["loud"]},
        "draw": {"run": DRAW, "in": {"files": "shout/loud"}, "out": ["plot"]},
    },
}


def make_runs(folder: Path) -> Path:
    """Make a store in a folder in which the run `good` completed and the run `bad` failed; return its path."""
    (folder / "words.cwl").write_text(json.dumps(WORKFLOW))
    store = folder / "store.db"
    usual: dict[str, Any] = {"store": str(store), "work": folder / "work", "cache": False}
    words = ["one", "two", HOSTILE]
    recrate.run(folder / "words.cwl", {"words": words}, name="good", outdir=folder / "out", **usual).raise_if_failed()
    recrate.run(folder / "words.cwl", {"words": ["one", "fail"]}, name="bad", **usual)
    return store
