"""`recrate metrics`."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from cratebed.servers import TOKEN, serving
from cratebed.tracking import Tracking

from .conftest import Commands

FIT = """{ printf '{"loss": %s, "step": %s}\\n' 0.$1 1 0.4 2; echo '{"f1": 0.'$1'}'; } >"$RECRATE_METRICS" """
FIT_TOOL = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", FIT, "sh"],
    "inputs": {"rate": {"type": "int", "inputBinding": {}}},
    "outputs": {},
}
SWEEP = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"rates": "int[]"},
    "outputs": {},
    "steps": {"fit": {"scatter": "rate", "in": {"rate": "rates"}, "out": [], "run": FIT_TOOL}},
}


@pytest.fixture
def swept(recrate: Commands) -> Commands:
    (recrate.folder / "sweep.cwl").write_text(json.dumps(SWEEP))
    (recrate.folder / "rates.json").write_text(json.dumps({"rates": [3, 9, 6]}))
    recrate("run", "-q", "sweep.cwl", "rates.json", "--name", "first")
    return recrate


def cells(text: str) -> list[list[str]]:
    """Return the cells of a table without its rule."""
    head, _, *rows = text.splitlines()
    return [line.split() for line in (head, *rows)]


def test_a_table_has_a_line_for_each_job_with_what_varies(swept: Commands) -> None:
    assert cells(swept("metrics", "first").stdout) == [
        ["job", "rate", "loss", "f1"],
        ["/fit[0]", "3", "0.4", "0.3"],
        ["/fit[1]", "9", "0.4", "0.9"],
        ["/fit[2]", "6", "0.4", "0.6"],
    ]


def test_the_best_job_comes_first(swept: Commands) -> None:
    best = cells(swept("metrics", "first", "--max", "f1", "-m", "loss").stdout)
    assert [row[0] for row in best[1:]] == ["/fit[1]", "/fit[2]", "/fit[0]"]
    least = swept("metrics", "first", "--min", "loss").stdout.splitlines()
    assert "loss (min)" in least[0] and "/fit[0]" in least[2] and "0.3 @1" in least[2]


def test_several_runs_are_told_apart(swept: Commands) -> None:
    swept("run", "-q", "sweep.cwl", "rates.json", "--name", "second")
    rows = cells(swept("metrics", "first", "second").stdout)
    assert rows[0][0] == "run" and [row[0] for row in rows[1:]] == ["first"] * 3 + ["second"] * 3


def test_csv_and_json_have_every_number(swept: Commands) -> None:
    lines = list(csv.DictReader(io.StringIO(swept("metrics", "first", "--format", "csv").stdout)))
    assert len(lines) == 9
    assert [(line["job"], line["metric"], line["step"], line["value"]) for line in lines[:3]] == [
        ("/fit[0]", "loss", "1", "0.3"),
        ("/fit[0]", "loss", "2", "0.4"),
        ("/fit[0]", "f1", "", "0.3"),
    ]
    first, *_ = json.loads(swept("metrics", "first", "--format", "json").stdout)
    assert first["parameters"] == {"rate": 3}
    assert first["metrics"]["loss"]["values"][1] == {"step": 2, "value": 0.4, "time": None}
    assert (first["metrics"]["loss"]["last"], first["metrics"]["loss"]["min"]) == (0.4, 0.3)


def test_the_plot_is_an_svg(swept: Commands) -> None:
    swept("metrics", "first", "--plot", "plot.svg")
    assert ElementTree.parse(swept.folder / "plot.svg").getroot().tag.endswith("svg")


def test_numbers_are_copied_to_a_tracking_server(swept: Commands) -> None:
    with serving(site := Tracking()):
        said = swept("metrics", "first", "--mlflow", site.url, MLFLOW_TRACKING_TOKEN=TOKEN).stderr
    assert "3 jobs copied" in said and len(site.runs) == 3


def test_what_is_not_there_is_said(swept: Commands) -> None:
    assert "no job recorded 'f2' (there is loss, f1)" in swept("metrics", "first", "-m", "f2", code=2).stderr
    assert "no job of step other" in swept("metrics", "first", "--step", "other", code=2).stderr
    swept("run", "-q", "tool.cwl", "--set", "text=a.txt", "--name", "silent")
    assert "RECRATE_METRICS" in swept("metrics", "silent", code=2).stderr


def test_show_tells_of_the_warning_and_the_metrics_of_a_job(recrate: Commands) -> None:
    tool = {**FIT_TOOL, "cwlVersion": "v1.2", "baseCommand": ["sh", "-c", 'echo "{" >"$RECRATE_METRICS"', "sh"]}
    (recrate.folder / "bad.cwl").write_text(json.dumps(tool))
    assert "warning: " in recrate("run", "bad.cwl", "--set", "rate=1", "--name", "bad").stderr
    assert "warning      a line of its metrics cannot be read" in recrate("show", "bad/").stdout
    (recrate.folder / "good.cwl").write_text(json.dumps({**FIT_TOOL, "cwlVersion": "v1.2"}))
    recrate("run", "-q", "good.cwl", "--set", "rate=5", "--name", "good")
    assert "metrics      loss=0.4 f1=0.5" in recrate("show", "good/").stdout
