"""Metrics copied to a tracking server of MLflow, by its REST API 2.0; nothing of MLflow is needed here.

Each job that recorded something becomes a run there, with its parameters, all its numbers, and tags that lead back.
Doing it again adds only what is not there.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ...core.measurements import Measurement
from ...data_classes import dataclass
from ...errors import UsageError
from ...provenance import queries
from ...provenance.database import Database
from ...provenance.rows import MetricRow, WorkflowRow
from ...provenance.states import JobState
from .transport import Server, json_body

API = "/api/2.0/mlflow"
ATTEMPT, RUN, JOB = "recrate.attempt", "recrate.run", "recrate.job"
"""Tags of a run there: what it is here."""
MOST_METRICS, MOST_PARAMETERS = 1000, 100
"""Of one request (MLflow REST API, "Log Batch")."""
LONGEST_VALUE, LONGEST_NAME = 500, 250
_FINISHED = "FINISHED"
_STATES = {JobState.COMPLETED: _FINISHED, JobState.CACHED: _FINISHED, JobState.CANCELLED: "KILLED"}
_REFUSED = re.compile(r"[^\w./ -]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """How many jobs were copied, and how many were there already."""

    copied: int
    there: int


def mirror(database: Database, found: Sequence[Measurement], url: str, experiment: str | None) -> Mirrored:
    """Copy what jobs recorded to a server.

    Args:
        database: where the numbers are.
        found: the jobs.
        url: of the server, as MLFLOW_TRACKING_URI has it. Who asks is said in it, or by MLFLOW_TRACKING_TOKEN, or by
            MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
        experiment: its name there; None: that of the workflow.

    Raises UsageError, PublishFailed.
    """
    server = server_at(url, os.environ)
    experiments: dict[str, str] = {}
    copied = 0
    for one in found:
        name = experiment or _workflow_name(database, one.run.workflow_id)
        if name not in experiments:
            experiments[name] = _experiment(server, name)
        copied += _copy(database, server, experiments[name], one)
    return Mirrored(copied, len(found) - copied)


def server_at(url: str, environment: Mapping[str, str]) -> Server:
    """Return a server, with what it is to know who asks. Raises UsageError for what is no URL of one."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--mlflow wants the URL of a tracking server", hint="such as http://localhost:5000")
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    user = unquote(parts.username or "") or environment.get("MLFLOW_TRACKING_USERNAME", "")
    password = unquote(parts.password or "") or environment.get("MLFLOW_TRACKING_PASSWORD", "")
    token = environment.get("MLFLOW_TRACKING_TOKEN", "")
    if user:
        encoded = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        return Server(plain, f"Basic {encoded}", password)
    return Server(plain, f"Bearer {token}" if token else "", token)


def _workflow_name(database: Database, workflow_id: str | None) -> str:
    row = None if workflow_id is None else database.row(WorkflowRow, workflow_id)
    return row.name if row is not None else "recrate"


def _experiment(server: Server, name: str) -> str:
    """Return the id of the experiment of a name, which is made where there is none."""
    known = re.sub(r"[\\'\"`]", "", name)[:LONGEST_NAME]
    found = _post(server, "experiments/search", {"max_results": 1, "filter": f"name = '{known}'"})
    for one in found.get("experiments") or ():
        return str(one["experiment_id"])
    return str(_post(server, "experiments/create", {"name": known}, again=False)["experiment_id"])


def _copy(database: Database, server: Server, experiment: str, one: Measurement) -> bool:
    """Copy a job, unless it is there; tell whether it was not."""
    wanted = f"tags.`{ATTEMPT}` = '{one.attempt_id}' and tags.`{RUN}` = '{one.run.id}'"
    asked = {"experiment_ids": [experiment], "filter": wanted, "max_results": 1}
    known = next(iter(_post(server, "runs/search", asked).get("runs") or ()), None)
    if known is not None and known["info"].get("end_time"):
        return False
    run_id = known["info"]["run_id"] if known is not None else _created(database, server, experiment, one)
    _log(database, server, run_id, one)
    ended = _milliseconds(one.job.ended or one.run.ended or one.run.started)
    _post(server, "runs/update", {"run_id": run_id, "status": _STATES.get(one.job.state, "FAILED"), "end_time": ended})
    return True


def _created(database: Database, server: Server, experiment: str, one: Measurement) -> str:
    tags = {ATTEMPT: one.attempt_id, RUN: one.run.id, JOB: one.job.path, "mlflow.source.type": "JOB"}
    for row in queries.run_detail(database, one.run.id).repositories[:1]:
        tags |= {"mlflow.source.name": row.origin or row.root, "mlflow.source.git.commit": row.revision or ""}
    made = {
        "experiment_id": experiment,
        "run_name": f"{one.run.name} {one.job.path}",
        "start_time": _milliseconds(one.job.started or one.run.started),
        "tags": [{"key": key, "value": value} for key, value in tags.items() if value],
    }
    return str(_post(server, "runs/create", made, again=False)["run"]["info"]["run_id"])


def _log(database: Database, server: Server, run_id: str, one: Measurement) -> None:
    given = [{"key": _name(key), "value": str(value)[:LONGEST_VALUE]} for key, value in one.parameters.items()]
    for params in _parts(iter(given), MOST_PARAMETERS):
        _post(server, "runs/log-batch", {"run_id": run_id, "params": params})
    otherwise = one.job.started or one.run.started
    numbers = (_number(row, otherwise) for row in queries.metrics(database, one.attempt_id))
    for metrics in _parts(numbers, MOST_METRICS):
        _post(server, "runs/log-batch", {"run_id": run_id, "metrics": metrics})


def _parts(items: Iterator[dict[str, Any]], most: int) -> Iterator[list[dict[str, Any]]]:
    while some := list(islice(items, most)):
        yield some


def _number(row: MetricRow, otherwise: float) -> dict[str, Any]:
    return {
        "key": _name(row.name),
        "value": "NaN" if row.value is None else row.value,
        "timestamp": _milliseconds(row.instant if row.instant is not None else otherwise),
        "step": row.step or 0,
    }


def _name(name: str) -> str:
    """Return a name as MLflow takes it."""
    return _REFUSED.sub("_", name)[:LONGEST_NAME]


def _milliseconds(instant: float) -> int:
    return round(1000 * instant)


def _post(server: Server, what: str, value: Any, *, again: bool = True) -> dict[str, Any]:
    answer = server.send("POST", f"{API}/{what}", json_body(value), again=again).value
    return answer if isinstance(answer, dict) else {}
