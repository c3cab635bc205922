"""The end of what a job printed that failed elsewhere: brought to the controller, where people look for it."""

from __future__ import annotations

import os
import platform

from ..errors import PlaceFailed
from ..provenance.rows import AttemptRow, LocationRow
from ..redaction import Redactor
from .places import Place

TAIL_BYTES = 64 << 10
FOLDER = "failed"
"""Below the work directory of a run."""
ANSWER_SECONDS = 30.0


def brought_log(work_directory: str, attempt_id: str) -> str:
    """Return where the controller has the end of the log of errors of an attempt that failed elsewhere."""
    return os.path.join(work_directory, FOLDER, f"{attempt_id}.stderr")


async def bring_log(place: Place, path: str, target: str, redactor: Redactor) -> None:
    """Bring the end of a log from another place to a file here, without the secrets in it, if it is to be had."""
    try:
        argv = ["tail", "-c", str(TAIL_BYTES), path]
        done = await place.connector.run(place.location.name, argv, timeout=ANSWER_SECONDS)
    except PlaceFailed:
        return  # The failure itself is on record; a log that cannot be had changes nothing about it.
    if done.code == 0 and done.stdout:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        text = redactor.text(done.stdout.decode("utf-8", "surrogateescape"))
        with open(target, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))


def log_of_errors(row: AttemptRow, location: LocationRow | None, work_directory: str | None) -> str | None:
    """Return where the log of errors of an attempt can be read on this machine; None when it cannot.

    Args:
        row: the attempt.
        location: where it ran.
        work_directory: of its run.
    """
    if work_directory is not None:
        brought = brought_log(work_directory, row.id)
        if os.path.exists(brought):
            return brought
    is_here = location is None or location.hostname in (None, platform.node())
    return row.stderr if is_here else None
