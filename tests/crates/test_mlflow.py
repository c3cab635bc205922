"""Metrics copied to a tracking server that holds to the rules of MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cratebed.servers import TOKEN, Refusal, serving
from cratebed.tracking import Tracking

import recrate
from recrate.core.measurements import measurements
from recrate.crates.publishing.mlflow import Mirrored, mirror, server_at
from recrate.errors import PublishFailed, UsageError
from recrate.provenance.store import Store, open_store

FIT = """i=0; while [ $i -lt $1 ]; do echo '{"a|loss": 0.5, "step": '$i'}'; i=$((i+1)); done >"$RECRATE_METRICS"
echo '{"a|loss": NaN, "time": 12.5}' >>"$RECRATE_METRICS" """
SWEEP: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "id": "sweep's",
    "label": "A sweep's best",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"epochs": "int[]"},
    "outputs": {},
    "steps": {
        "fit": {
            "scatter": "epochs",
            "in": {"epochs": "epochs"},
            "out": [],
            "run": {
                "class": "CommandLineTool",
                "baseCommand": ["sh", "-c", FIT, "sh"],
                "inputs": {"epochs": {"type": "int", "inputBinding": {}}},
                "outputs": {},
            },
        }
    },
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    with serving(made := Tracking()):
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "sweep.cwl").write_text(json.dumps(SWEEP))
    place = str(tmp_path / "store.db")
    recrate.run(tmp_path / "sweep.cwl", {"epochs": [2, 1200]}, store=place, work=tmp_path / "work", containers="none")
    with open_store(place) as opened:
        yield opened


def copied(store: Store, site: Tracking, experiment: str | None = None) -> Mirrored:
    run_ids = [run_id for (run_id,) in store.database.query("SELECT id FROM run")]
    return mirror(store.database, measurements(store.database, run_ids), site.url, experiment)


def test_each_job_becomes_a_run_with_its_parameters_and_all_its_numbers(store: Store, site: Tracking) -> None:
    assert copied(store, site) == Mirrored(2, 0)
    assert list(site.experiments) == ["A sweeps best"]
    short, long = site.runs.values()
    assert (short["params"], long["params"]) == ({"epochs": "2"}, {"epochs": "1200"})
    assert [(one["key"], one["value"], one["step"]) for one in short["metrics"]] == [
        ("a_loss", 0.5, 0),
        ("a_loss", 0.5, 1),
        ("a_loss", "NaN", 0),
    ]
    assert short["metrics"][-1]["timestamp"] == 12_500
    assert len(long["metrics"]) == 1201
    assert long["info"]["status"] == "FINISHED" and long["tags"]["recrate.job"] == "/fit[1]"


def test_doing_it_again_adds_nothing(store: Store, site: Tracking) -> None:
    copied(store, site)
    before = json.dumps(site.runs)
    assert copied(store, site) == Mirrored(0, 2)
    assert json.dumps(site.runs) == before
    assert copied(store, site, "another") == Mirrored(2, 0)


def test_one_that_broke_off_is_completed(store: Store, site: Tracking) -> None:
    copied(store, site)
    whole = json.dumps(site.runs["r1"])
    site.runs["r1"]["metrics"] = site.runs["r1"]["metrics"][:1000]
    del site.runs["r1"]["info"]["end_time"]
    assert copied(store, site) == Mirrored(1, 1)
    assert json.dumps(site.runs["r1"]) == whole and len(site.runs) == 2


def test_a_refusal_is_told_without_the_token(store: Store, site: Tracking) -> None:
    site.first.append(Refusal(400, {"error_code": "INVALID", "message": f"not with {TOKEN}"}))
    with pytest.raises(PublishFailed) as caught:
        copied(store, site)
    assert "not with ***" in caught.value.render()


@pytest.mark.parametrize("url", ["file:///tmp/mlruns", "sqlite:///x.db", "databricks", "http://"])
def test_only_servers_can_be_asked(url: str) -> None:
    with pytest.raises(UsageError, match="tracking server"):
        server_at(url, {})


def test_who_asks_may_be_said_in_the_url_or_by_variables() -> None:
    assert server_at("https://me:p%40ss@host/x/", {})._authorization == "Basic bWU6cEBzcw=="
    assert server_at("https://me:p%40ss@host/x/", {})._url == "https://host/x"
    named = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "p@ss"}
    assert server_at("https://host", named)._authorization == "Basic bWU6cEBzcw=="
    assert server_at("https://host", {})._authorization == ""
