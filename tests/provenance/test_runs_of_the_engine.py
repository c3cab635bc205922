"""A whole run leaves the same record in each kind of database."""

from __future__ import annotations

import json
from pathlib import Path

from recrate.api import run
from recrate.provenance import queries
from recrate.provenance.states import JobState, RunState
from recrate.provenance.store import open_store

TOOL = {
    "class": "CommandLineTool",
    "baseCommand": "echo",
    "inputs": {"x": {"type": "string", "inputBinding": {}}},
    "outputs": {"o": "stdout"},
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"xs": "string[]"},
    "outputs": {"o": {"type": "File[]", "outputSource": "say/o"}},
    "steps": {"say": {"run": TOOL, "scatter": "x", "in": {"x": "xs"}, "out": ["o"]}},
}


def test_a_scatter_is_on_record(store_url: str, tmp_path: Path) -> None:
    document = tmp_path / "w.cwl"
    document.write_text(json.dumps(WORKFLOW))
    words = ["a", "b ☃", "c\udcff"]
    result = run(document, {"xs": words}, store=store_url, work=tmp_path / "work", outdir=tmp_path / "out")
    assert result.state is RunState.COMPLETED
    with open_store(store_url) as store:
        (listed,) = queries.list_runs(store.database)
        assert (listed.id, listed.state) == (result.id, RunState.COMPLETED)
        detail = queries.run_detail(store.database, result.id)
        assert detail.counts == {JobState.COMPLETED: 3}
        jobs = queries.jobs(store.database, result.id)
        commands = [attempt.argv for job in jobs for attempt in queries.job_detail(store.database, job.id).attempts]
        assert sorted(commands) == [["echo", word] for word in words]
        (producer, *_) = queries.producers(store.database, result.outputs["o"][0]["path"])
        assert producer.job is not None
        assert producer.job.path == "/say[0]"
