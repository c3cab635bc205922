"""A tracking server that holds to the rules of MLflow's REST API 2.0, written after its documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from cratebed.servers import Refusal, Request, Site

API = "/api/2.0/mlflow/"
STATES = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}
KEY = re.compile(r"[\w./ :-]{1,250}")
CONDITION = re.compile(r"tags\.`([^`]+)` = '([^']*)'")


def refused(code: str, message: str, status: int = 400) -> Refusal:
    return Refusal(status, {"error_code": code, "message": message})


def need(condition: object, message: str) -> None:
    if not condition:
        raise refused("INVALID_PARAMETER_VALUE", message)


class Tracking(Site):
    """Keeps experiments by name, and runs by id."""

    scheme: ClassVar[str] = "Bearer"

    def __init__(self) -> None:
        super().__init__()
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, dict[str, Any]] = {}

    def respond(self, request: Request) -> tuple[int, Any]:
        calls: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "experiments/search": self._find_experiments,
            "experiments/create": self._create_experiment,
            "runs/search": self._find_runs,
            "runs/create": self._create_run,
            "runs/log-batch": self._log,
            "runs/update": self._update,
        }
        call = calls.get(request.path.removeprefix(API))
        if request.method != "POST" or call is None:
            raise refused("ENDPOINT_NOT_FOUND", request.path, 404)
        need(len(request.body) <= 1 << 20, "a request has at most 1 MB")
        return 200, call(json.loads(request.body))

    def _find_experiments(self, asked: dict[str, Any]) -> Any:
        match = re.fullmatch(r"name = '([^']*)'", asked["filter"])
        need(match, "no such filter")
        assert match is not None
        known = self.experiments.get(match[1])
        return {} if known is None else {"experiments": [{"experiment_id": known, "name": match[1]}]}

    def _create_experiment(self, asked: dict[str, Any]) -> Any:
        if asked["name"] in self.experiments:
            raise refused("RESOURCE_ALREADY_EXISTS", asked["name"])
        self.experiments[asked["name"]] = str(len(self.experiments))
        return {"experiment_id": self.experiments[asked["name"]]}

    def _find_runs(self, asked: dict[str, Any]) -> Any:
        wanted = dict(CONDITION.findall(asked["filter"]))
        need(" and ".join(f"tags.`{key}` = '{value}'" for key, value in wanted.items()) == asked["filter"], "filter")
        found = [
            {"info": run["info"]}
            for run in self.runs.values()
            if run["info"]["experiment_id"] in asked["experiment_ids"] and wanted.items() <= run["tags"].items()
        ]
        return {"runs": found[: asked["max_results"]]} if found else {}

    def _create_run(self, asked: dict[str, Any]) -> Any:
        need(asked["experiment_id"] in self.experiments.values(), "no such experiment")
        need(isinstance(asked["start_time"], int), "start_time is in milliseconds")
        info = {
            "run_id": f"r{len(self.runs)}",
            "experiment_id": asked["experiment_id"],
            "run_name": asked["run_name"],
            "start_time": asked["start_time"],
            "status": "RUNNING",
        }
        tags = {tag["key"]: tag["value"] for tag in asked["tags"]}
        self.runs[info["run_id"]] = {"info": info, "tags": tags, "params": {}, "metrics": []}
        return {"run": {"info": info}}

    def _run(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["run_id"] not in self.runs:
            raise refused("RESOURCE_DOES_NOT_EXIST", asked["run_id"], 404)
        return self.runs[asked["run_id"]]

    def _log(self, asked: dict[str, Any]) -> Any:
        run, metrics, params = self._run(asked), asked.get("metrics", []), asked.get("params", [])
        need(len(metrics) <= 1000 and len(params) <= 100, "too many in one request")
        for one in (*metrics, *params):
            need(KEY.fullmatch(one["key"]), f"invalid name {one['key']!r}")
        for one in params:
            need(isinstance(one["value"], str) and len(one["value"]) <= 500, "parameters are short texts")
            need(run["params"].setdefault(one["key"], one["value"]) == one["value"], "parameters do not change")
        for one in metrics:
            need(isinstance(one["value"], (int, float)) or one["value"] == "NaN", "metrics are numbers")
            need(isinstance(one["timestamp"], int) and isinstance(one["step"], int), "whole numbers")
            if one not in run["metrics"]:
                run["metrics"].append(one)
        return {}

    def _update(self, asked: dict[str, Any]) -> Any:
        need(asked["status"] in STATES and isinstance(asked["end_time"], int), "no such state, or no time")
        self._run(asked)["info"].update(status=asked["status"], end_time=asked["end_time"])
        return {}
