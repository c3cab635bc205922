"""What the machine asks for. The engine carries it out and answers with an event."""

from __future__ import annotations

from enum import Enum

from ...data_classes import dataclass
from ..model import Body, Step
from .events import Failure


class Outcome(Enum):
    """How a run ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Unfold:
    """Put the inputs of a step together. Answers: StepUnfolded, StepFailed."""

    step: str
    model: Step


@dataclass(frozen=True, slots=True)
class Fire:
    """Carry out a job. Answers: JobSkipped, ScopeOpened, AttemptStarted, AttemptEnded.

    `step` is the path of its step instance and `index` its number there (row-major for a
    scatter, the iteration for a loop); the outermost job has the step ''. `attempt` counts
    from 1. `failures` says how earlier attempts ended for which a limit of retries counts.
    """

    job: str
    step: str
    index: int
    attempt: int
    body: Body
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Gather:
    """Put the outputs of all jobs of a step together. Answers: StepGathered, StepFailed."""

    step: str
    model: Step


@dataclass(frozen=True, slots=True)
class Collect:
    """Put the outputs of a workflow's job together. Answer: ScopeCollected."""

    job: str
    body: Body


@dataclass(frozen=True, slots=True)
class Cancel:
    """End an attempt that runs. Answer: AttemptEnded (which answers its `Fire` as well)."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over. `blocked` counts the steps in opened scopes that never ran because of a
    failure or because the run was cancelled."""

    outcome: Outcome
    blocked: int = 0


Instruction = Unfold | Fire | Gather | Collect | Cancel | Finish
