"""What can happen in a run. Each event is stored before the machine handles it.

Paths name instances as `core.model` describes: a step instance is `/fold[3]/train`, its jobs
are `/fold[3]/train`, `/fold[3]/train[7]` (scattered) or `/fold[3]/train~2` (looping).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class OnError(Enum):
    """What a failed job does to the jobs that do not depend on it."""

    STOP = "stop"
    """No further job starts; those that run are let end."""
    CONTINUE = "continue"
    """All that does not depend on the failed job is still done."""


class Failure(Enum):
    """Why an attempt failed, as far as it matters for trying again."""

    PERMANENT = "permanent"
    """The command ended with a code that means failure, or was killed by a signal of its own."""
    TEMPORARY = "temporary"
    """The command ended with one of its temporaryFailCodes."""
    TIME_LIMIT = "time limit"
    OUT_OF_MEMORY = "out of memory"
    LOST = "lost"
    """The place lost the attempt, or could not start it."""
    INVALID = "invalid"
    """An expression failed, or outputs are not what was promised: it would fail again."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run begins. `window`, at least 1, is how many tasks may be outstanding, and how many
    scopes may be open at one depth; `retries` how many more times a failed attempt is tried."""

    window: int = 64
    on_error: OnError = OnError.STOP
    retries: int = 0

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"a window of {self.window} lets no job run")


@dataclass(frozen=True, slots=True)
class StepUnfolded:
    """All inputs of a step are there. `shape` is () for one job, else the lengths of its
    scattered inputs; a looping step has the shape () and grows by iterations."""

    step: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFailed:
    """The inputs of a step do not fit together, so that it has no jobs; or its jobs' outputs do not."""

    step: str


@dataclass(frozen=True, slots=True)
class JobSkipped:
    """The condition of a job is false. For a loop it means that the loop is over."""

    job: str


@dataclass(frozen=True, slots=True)
class ScopeOpened:
    """The inputs of a job whose body is a workflow are there."""

    job: str


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """An attempt of a job is about to start: its intent is on record."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An attempt ended: well when `failure` is None, and then its outputs are on record.

    An attempt number of 0 means that the job never got as far as an attempt; it is not tried again.
    """

    job: str
    attempt: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class StepGathered:
    """The outputs of all jobs of a step were put together."""

    step: str


@dataclass(frozen=True, slots=True)
class ScopeCollected:
    """The outputs of a job whose body is a workflow are there; not `ok` when they do not fit."""

    job: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """Somebody wants the run to end now."""


Event = (
    RunStarted
    | StepUnfolded
    | StepFailed
    | JobSkipped
    | ScopeOpened
    | AttemptStarted
    | AttemptEnded
    | StepGathered
    | ScopeCollected
    | CancelAsked
)


class _Codec:
    """Events to stored form and back."""

    kinds: ClassVar[dict[str, type[Any]]] = {
        kind.__name__: kind
        for kind in (
            RunStarted,
            StepUnfolded,
            StepFailed,
            JobSkipped,
            ScopeOpened,
            AttemptStarted,
            AttemptEnded,
            StepGathered,
            ScopeCollected,
            CancelAsked,
        )
    }
    enums: ClassVar[dict[str, type[Enum]]] = {"on_error": OnError, "failure": Failure}


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    """Return the kind of an event and its fields as JSON can say them."""
    fields = ((name, getattr(event, name)) for name in type(event).__slots__)
    return type(event).__name__, {name: value.name if isinstance(value, Enum) else value for name, value in fields}


def decode(kind: str, body: dict[str, Any]) -> Event:
    """Return the event that `encode` was given. Raises KeyError for a kind that is not known."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if name in _Codec.enums and value is not None:
            fields[name] = _Codec.enums[name][value]
        else:
            fields[name] = tuple(value) if isinstance(value, list) else value
    event: Event = _Codec.kinds[kind](**fields)
    return event
