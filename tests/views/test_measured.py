"""Metrics on the page of a run."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from xml.etree import ElementTree

import recrate
from recrate.provenance.store import open_store
from recrate.views.measured import MOST_JOBS, metrics_view
from recrate.views.report import report

FIT = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", """echo '{"loss <b>": 0.'$1', "step": 1}' >"$RECRATE_METRICS" """, "sh"],
    "inputs": {"rate": {"type": "int", "inputBinding": {}}},
    "outputs": {},
}


def swept(folder: Path, rates: list[int]) -> str:
    """Run a sweep; return the id of the run."""
    document = {
        "cwlVersion": "v1.2", "class": "Workflow", "requirements": {"ScatterFeatureRequirement": {}},
        "inputs": {"rates": "int[]"}, "outputs": {},
        "steps": {"fit": {"scatter": "rate", "in": {"rate": "rates"}, "out": [], "run": FIT}},
    }  # fmt: skip
    (folder / "sweep.cwl").write_text(json.dumps(document))
    place = str(folder / "store.db")
    return recrate.run(folder / "sweep.cwl", {"rates": rates}, store=place, work=folder / "work").id


def test_the_page_has_a_table_and_a_chart(tmp_path: Path) -> None:
    run_id = swept(tmp_path, [3, 5])
    with open_store(str(tmp_path / "store.db")) as store:
        view = metrics_view(store.database, run_id)
        page = "".join(report(store.database, run_id))
    assert view is not None and view.more == ""
    assert list(view.columns) == ["rate", "loss <b>"]
    assert [(path, list(cells)) for _, path, cells in view.rows] == [
        ("/fit[0]", ["3", "0.3"]),
        ("/fit[1]", ["5", "0.5"]),
    ]
    head, _, content = view.chart.partition(",")
    assert head == "data:image/svg+xml;base64" and ElementTree.fromstring(base64.b64decode(content)) is not None
    assert '<section id="metrics"' in page and "loss &lt;b&gt;" in page and "loss <b>" not in page


def test_of_many_jobs_not_all_are_shown_and_that_is_said(tmp_path: Path) -> None:
    run_id = swept(tmp_path, list(range(MOST_JOBS + 5)))
    with open_store(str(tmp_path / "store.db")) as store:
        view = metrics_view(store.database, run_id)
    assert view is not None and len(view.rows) == MOST_JOBS and "recrate metrics" in view.more


def test_a_run_without_metrics_has_no_such_section(tmp_path: Path) -> None:
    run_id = swept(tmp_path, [])
    with open_store(str(tmp_path / "store.db")) as store:
        assert metrics_view(store.database, run_id) is None
        assert 'id="metrics"' not in "".join(report(store.database, run_id))
