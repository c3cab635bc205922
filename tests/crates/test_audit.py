"""An audit says who made a result, up to the sources, and across runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from recrate import api
from recrate.core.audit import Audit, audit
from recrate.errors import UsageError
from recrate.provenance.store import open_store
from recrate.views.audit import described, facts, lines


def tool(command: str, kind: str = "File") -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", command],
        "inputs": {"data": {"type": kind, "inputBinding": {"position": 1}}},
        "outputs": {"made": "stdout"},
        "stdout": "made.txt",
    }


def run(folder: Path, name: str, document: dict[str, Any], inputs: dict[str, Any]) -> api.RunResult:
    (folder / f"{name}.cwl").write_text(json.dumps(document))
    return api.run(
        folder / f"{name}.cwl", inputs, name=name, store=str(folder / "db"), outdir=folder / name, work=folder / "work"
    ).raise_if_failed()


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Make a model in one run, and use it in another one."""
    (tmp_path / "raw.csv").write_text("1,2\n")
    run(tmp_path, "train", tool("echo model; cat $0"), {"data": tmp_path / "raw.csv"})
    run(tmp_path, "use", tool("wc -l $0"), {"data": tmp_path / "train" / "made.txt"})
    return tmp_path


def found(folder: Path, wanted: str) -> Audit:
    with open_store(str(folder / "db")) as store:
        return audit(store.database, wanted)


def test_a_result_is_followed_across_runs_to_its_sources(trained: Path) -> None:
    result = found(trained, str(trained / "use" / "made.txt"))
    told = [(depth, text) for depth, text, _ in lines(result)]
    assert [depth for depth, _ in told] == [0, 1, 2, 3]
    assert told[2][1].startswith("the same content: made.txt  sha256 ")
    assert told[3][1].startswith("data: raw.csv") and told[3][1].endswith("(given to the run)")
    made = [facts(making) for making in result.makings.values()]
    assert {one["run"].split()[0] for one in made} == {"train", "use"}
    assert all(one["attempt"] == "1" and "sh -c" in one["command"] and one["host"] for one in made)


def test_content_is_found_wherever_it_lies(trained: Path) -> None:
    content = (trained / "train" / "made.txt").read_bytes()
    result = found(trained, hashlib.sha256(content).hexdigest())
    assert described(result, result.subject.token.id).startswith("made.txt")
    assert [making.run.name for making in result.makings.values()] == ["train"]


def test_what_nobody_made_is_said(trained: Path) -> None:
    with pytest.raises(UsageError, match="nothing on record made"):
        found(trained, "0" * 64)
