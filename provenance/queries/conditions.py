"""Under which conditions the steps of a run were carried out: on which places, with how much, in which images."""

from __future__ import annotations

from typing import NamedTuple

from ..database import Database
from ..states import AttemptState
from ..texts import from_stored


class StepPlace(NamedTuple):
    """A location that jobs of a step have completed on, and the most that one of them was given there."""

    step: str
    """Path without indices."""
    deployment: str
    kind: str
    service: str | None
    location: str
    umask: str | None
    time_zone: str | None
    cores: float | None
    ram: int | None
    """MiB."""
    gpus: int | None


class StepImage(NamedTuple):
    """A container image that jobs of a step have completed in."""

    step: str
    name: str
    tag: str | None
    digest: str | None


_COMPLETED = (
    "FROM job JOIN step ON step.id = job.step_id JOIN attempt ON attempt.job_id = job.id AND attempt.state = ? {} "
    "WHERE job.run_id = ?"
)


def step_places(database: Database, run_id: str) -> list[StepPlace]:
    """Return where the jobs of each step have completed, in the order of the paths."""
    joined = _COMPLETED.format(
        "JOIN location ON location.id = attempt.location_id JOIN deployment ON deployment.id = location.deployment_id"
    )
    columns = (
        "step.path, deployment.name, deployment.kind, location.service, location.name, "
        "location.umask, location.time_zone"
    )
    rows = database.query(
        f"SELECT {columns}, max(attempt.cores), max(attempt.ram), max(attempt.gpus) {joined} "
        f"GROUP BY {columns} ORDER BY {columns}",
        (AttemptState.COMPLETED, run_id),
    )
    return [StepPlace(*map(from_stored, row)) for row in rows]


def step_images(database: Database, run_id: str) -> list[StepImage]:
    """Return the images in which the jobs of each step have completed, in the order of the paths."""
    joined = _COMPLETED.format("JOIN image ON image.id = attempt.image_id")
    columns = "step.path, image.name, image.tag, image.digest"
    rows = database.query(f"SELECT DISTINCT {columns} {joined} ORDER BY {columns}", (AttemptState.COMPLETED, run_id))
    return [StepImage(*map(from_stored, row)) for row in rows]
