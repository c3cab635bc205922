"""What a run tells while it goes on: for progress displays and logs, never for its own state."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from ..data_classes import dataclass


class Notice(Enum):
    """What a notice is about."""

    RUN_STARTED = "run started"
    STEP_UNFOLDED = "step unfolded"
    JOB_STARTED = "job started"
    JOB_COMPLETED = "job completed"
    JOB_SKIPPED = "job skipped"
    JOB_CACHED = "job cached"
    ATTEMPT_FAILED = "attempt failed"
    JOB_FAILED = "job failed"
    STEP_ENDED = "step ended"
    RUN_ENDED = "run ended"
    IMAGE = "image"
    STOPPING = "stopping"
    WARNING = "warning"
    BYTES_MOVED = "bytes moved"


@dataclass(frozen=True, slots=True)
class Progress:
    """One notice.

    `step` is the path of the step without indices; `jobs` counts the jobs that a step instance
    unfolded into; `text` is one line for people; `instant` says when it happened, in seconds since
    1970, when that was not now. `bytes` have just moved; `location` says from where to where.
    """

    notice: Notice
    run: str
    step: str = ""
    job: str = ""
    job_id: str = ""
    jobs: int = 0
    attempt: int = 0
    location: str = ""
    text: str = ""
    instant: float | None = None
    bytes: int = 0


class Observer(Protocol):
    """Receives notices, in the order in which things happened, in the controller's event loop."""

    def notify(self, progress: Progress) -> None:
        """Take note of one thing. Must return at once and never raise."""
        ...


class Silent:
    """An observer that does nothing."""

    def notify(self, progress: Progress) -> None:
        """Take no note."""
