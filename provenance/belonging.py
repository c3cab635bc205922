"""Which rows of the store belong to a run, and which it refers to: conditions in SQL.

The text `:run` stands for the id of the run; `condition` puts places of values there.
"""

from __future__ import annotations

from collections.abc import Mapping

IMPORTED = "crate"
"""Kind of the deployment that the files of imported crates lie on. What lies there is no part of what happened in a
run: it is of one store alone."""

_JOBS = "SELECT id FROM job WHERE run_id = :run"
_TOKENS = "SELECT id FROM token WHERE run_id = :run"
_STEPS = "SELECT id FROM step WHERE run_id = :run"
_LOCATIONS = (
    f"SELECT location_id FROM attempt WHERE job_id IN ({_JOBS}) "
    "UNION SELECT location_id FROM replica WHERE run_id = :run "
    "UNION SELECT source_location_id FROM transfer WHERE run_id = :run "
    "UNION SELECT target_location_id FROM transfer WHERE run_id = :run"
)
_NOT_OF_IMPORTS = f"deployment_id NOT IN (SELECT id FROM deployment WHERE kind = '{IMPORTED}')"
_WORKFLOW = "SELECT workflow_id FROM run WHERE id = :run"

OWN: dict[str, str] = {
    "run": "id = :run",
    "crate": "run_id = :run",
    "comparison": "run_id = :run",
    "lease": "run_id = :run",
    "software": "run_id = :run",
    "repository": "run_id = :run",
    "step": "run_id = :run",
    "port": f"step_id IN ({_STEPS})",
    "job": "run_id = :run",
    "attempt": f"job_id IN ({_JOBS})",
    "metric": f"attempt_id IN (SELECT id FROM attempt WHERE job_id IN ({_JOBS}))",
    "token": "run_id = :run",
    "part": f"token_id IN ({_TOKENS})",
    "file": f"token_id IN ({_TOKENS})",
    "usage": f"job_id IN ({_JOBS})",
    "transfer": "run_id = :run",
    "replica": "run_id = :run",
    "event": "run_id = :run",
}
"""By name of a table whose rows belong to runs: which of them are a run's. Those that others refer to come first."""

REFERRED: Mapping[str, str] = {
    "agent": "id IN (SELECT agent_id FROM run WHERE id = :run)",
    "workflow": f"id IN ({_WORKFLOW})",
    "document": f"workflow_id IN ({_WORKFLOW})",
    "environment": f"id IN (SELECT environment_id FROM attempt WHERE job_id IN ({_JOBS}))",
    "image": f"id IN (SELECT image_id FROM attempt WHERE job_id IN ({_JOBS}))",
    "deployment": (
        f"kind <> '{IMPORTED}' AND id IN (WITH RECURSIVE below(id) AS ("
        f"SELECT deployment_id FROM location WHERE id IN ({_LOCATIONS}) "
        "UNION SELECT deployment.wraps FROM deployment JOIN below ON deployment.id = below.id "
        "WHERE deployment.wraps IS NOT NULL) SELECT id FROM below)"
    ),
    "location": f"{_NOT_OF_IMPORTS} AND id IN ({_LOCATIONS})",
}
"""By name of a table that runs share: which of its rows a run refers to."""

HAPPENED: Mapping[str, str] = {
    **REFERRED,
    **OWN,
    "replica": f"{OWN['replica']} AND location_id IN (SELECT id FROM location WHERE {_NOT_OF_IMPORTS})",
}
"""By name of a table: which of its rows tell what happened in a run, here or where it was carried out."""


def condition(text: str, run_id: str) -> tuple[str, tuple[str, ...]]:
    """Return a condition with places of values, and the values for these."""
    return text.replace(":run", "?"), (run_id,) * text.count(":run")
