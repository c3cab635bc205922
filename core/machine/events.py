"""What can happen in a run. Each event is stored before the machine handles it.

Paths name instances as `core.model` describes: a step instance is `/fold[3]/train`, its jobs
are `/fold[3]/train`, `/fold[3]/train[7]` (scattered) or `/fold[3]/train~2` (looping).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, ClassVar

from ...data_classes import dataclass


class OnError(Enum):
    """What a failed job does to the jobs that do not depend on it."""

    STOP = "stop"
    """No further job starts; those that run are let end."""
    CONTINUE = "continue"
    """All that does not depend on the failed job is still done."""


class Failure(Enum):
    """Why an attempt failed, as far as it matters for trying again."""

    PERMANENT = "permanent"
    """The command ended with a code that means failure and of which its description says nothing more."""
    SIGNAL = "signal"
    """The command was killed by a signal, and neither for its time nor for its memory."""
    FINAL = "permanent fail code"
    """The command ended with one of its permanentFailCodes: its description says that it would fail again."""
    TEMPORARY = "temporary"
    """The command ended with one of its temporaryFailCodes."""
    TIME_LIMIT = "time limit"
    OUT_OF_MEMORY = "out of memory"
    LOST = "lost"
    """The place lost the attempt, or could not start it."""
    INVALID = "invalid"
    """An expression failed, or outputs are not what was promised: it would fail again."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its controller ended, and with it the attempt, or before it was started: no fault of the job's own,
    so that it is always tried again."""


RETRIED = (
    Failure.PERMANENT,
    Failure.SIGNAL,
    Failure.TEMPORARY,
    Failure.LOST,
    Failure.OUT_OF_MEMORY,
    Failure.TIME_LIMIT,
)
"""What a limit of retries is about."""


@dataclass(frozen=True, slots=True)
class RetryLimit:
    """How many more times an attempt is tried that failed in one of some ways.

    `step` is the path of a step without indices; the empty path means all steps.
    """

    limit: int
    step: str = ""
    failures: tuple[Failure, ...] = RETRIED


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run begins. `window`, at least 1, is how many tasks may be outstanding, and how many
    scopes may be open at one depth; `retries` how many more times a failed attempt is tried, where
    none of the `limits` says otherwise: of those that fit, the last one counts."""

    window: int = 64
    on_error: OnError = OnError.STOP
    retries: int = 0
    limits: tuple[RetryLimit, ...] = ()

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


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A new controller goes on with the run. Whatever had failed or was cancelled before is done again."""


@dataclass(frozen=True, slots=True)
class RecoveryStarted:
    """Data that are needed are gone, and these jobs are about to be done again to have them back.

    What the run comes to does not depend on it.
    """

    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NothingHappened:
    """Nothing has happened for `seconds`; `waiting` says in a line each what is waited for.

    What the run comes to does not depend on it.
    """

    seconds: float
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChaosStruck:
    """A fault that the user asked for (`--chaos`) is about to happen, or a job was killed by one.

    `act` says which, `location` where, `what` to whom. What the run comes to does not depend on it.
    """

    act: str
    location: str
    what: str


@dataclass(frozen=True, slots=True)
class UndeclaredRead:
    """A command read `count` files that are none of its inputs: `paths`, or directories that stand for them.

    What the run comes to does not depend on it.
    """

    job: str
    attempt: int
    count: int
    paths: tuple[str, ...]


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
    | RunResumed
    | RecoveryStarted
    | NothingHappened
    | UndeclaredRead
    | ChaosStruck
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
            RunResumed,
            RecoveryStarted,
            NothingHappened,
            UndeclaredRead,
            ChaosStruck,
        )
    }
    enums: ClassVar[dict[str, type[Enum]]] = {"on_error": OnError, "failure": Failure}


def encode(event: Event) -> tuple[str, dict[str, Any]]:
    """Return the kind of an event and its fields as JSON can say them."""
    return type(event).__name__, {name: _plain(getattr(event, name)) for name in type(event).__slots__}


def _plain(value: Any) -> Any:
    if type(value) in (str, int):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, RetryLimit):
        return limits_to([value])[0]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def decode(kind: str, body: dict[str, Any]) -> Event:
    """Return the event that `encode` was given. Raises KeyError for a kind that is not known."""
    fields: dict[str, Any] = {}
    for name, value in body.items():
        if name in _Codec.enums and value is not None:
            fields[name] = _Codec.enums[name][value]
        elif name == "limits":
            fields[name] = limits_from(value)
        else:
            fields[name] = tuple(value) if isinstance(value, list) else value
    event: Event = _Codec.kinds[kind](**fields)
    return event


def limits_to(limits: Iterable[RetryLimit]) -> list[Any]:
    """Return limits as JSON can say them."""
    return [[item.limit, item.step, [failure.name for failure in item.failures]] for item in limits]


def limits_from(stored: Iterable[Any]) -> tuple[RetryLimit, ...]:
    """Return the limits that `limits_to` was given."""
    return tuple(RetryLimit(limit, step, tuple(Failure[name] for name in names)) for limit, step, names in stored)
