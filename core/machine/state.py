"""The state of a run: scopes that are open, their steps, and the jobs that are outstanding.

The phases of a step instance, and what moves it on:

    WAITING ──all upstream done──> UNFOLDING ──StepUnfolded──> RUNNING ──last job──> GATHERING ──StepGathered──> DONE
       └──upstream failed──> BLOCKED    └──StepFailed──> FAILED <──a job failed, none left──┘
"""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from ...data_classes import dataclass
from ..model import Body, Step, Workflow
from .events import Failure
from .paths import job_path


class Phase(Enum):
    """How far a step instance is."""

    WAITING = "waiting"
    UNFOLDING = "unfolding"
    RUNNING = "running"
    GATHERING = "gathering"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"


FINAL = frozenset({Phase.DONE, Phase.FAILED, Phase.BLOCKED})


@dataclass(slots=True)
class StepState:
    """A step in an open scope."""

    path: str
    model: Step
    scope: ScopeState
    missing: int
    """Upstream steps that are not done."""
    phase: Phase = Phase.WAITING
    shape: tuple[int, ...] = ()
    total: int | None = None
    """Number of jobs; None while a loop may still grow."""
    fired: int = 0
    ended: int = 0
    failed: int = 0
    parked: bool = False
    """It failed while it was unfolded or gathered, and is to be tried again when the run is resumed."""

    def job(self, index: int) -> str:
        """Return the path of a job of this step."""
        return job_path(self.path, self.shape, index, loop=self.model.loop is not None)

    @property
    def fireable(self) -> bool:
        """Tell whether another job may be fired now."""
        if self.phase is not Phase.RUNNING:
            return False
        if self.total is None:
            return self.fired == self.ended
        return self.fired < self.total


@dataclass(slots=True)
class ScopeState:
    """A job whose body is a workflow, opened."""

    job: str
    body: Workflow
    depth: int
    steps: dict[str, StepState] = field(default_factory=dict)
    remaining: int = 0
    """Steps that are not in a final phase."""
    failed: bool = False


@dataclass(slots=True)
class JobState:
    """A job that was fired and has not ended."""

    path: str
    step: StepState | None
    """None for the outermost job."""
    index: int
    body: Body
    attempt: int = 1
    started: bool = False
    """An attempt's intent is on record."""
    scope: ScopeState | None = None
    collecting: bool = False
    failures: tuple[Failure, ...] = ()
    """How earlier attempts ended for which a limit of retries counts."""
    parked: bool = False
    """It failed or was cancelled, and is to be done again when the run is resumed."""
