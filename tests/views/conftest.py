"""Runs to look at: one of each kind, made once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import recrate
from recrate.provenance.database import Database
from recrate.provenance.store import Store, open_store

HOSTILE = "<script>alert(1)</script>"
"""Stands in names, values and logs; a page must only ever show it."""
FIGURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'

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
    "arguments": [f"printf '%s' '{FIGURE}' > plot.svg"],
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


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store in which the run `good` completed and the run `bad` failed."""
    folder = tmp_path_factory.mktemp("views")
    (folder / "words.cwl").write_text(json.dumps(WORKFLOW))
    usual = {"store": str(folder / "store.db"), "work": folder / "work", "cache": False}
    words = ["one", "two", HOSTILE]
    recrate.run(folder / "words.cwl", {"words": words}, name="good", outdir=folder / "out", **usual).raise_if_failed()
    recrate.run(folder / "words.cwl", {"words": ["one", "fail"]}, name="bad", **usual)
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with open_store(str(folder / "store.db")) as opened:
        yield opened


@pytest.fixture
def database(store: Store) -> Iterator[Database]:
    opened = store.connect(readonly=True)
    yield opened
    opened.close()
