"""What a queue manager must offer so that `QueueConnector` can work with it.

A manager knows the jobs of a queue by their ids; it knows neither attempts nor their files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from ...data_classes import dataclass
from ..base import Figures, Forecast, Launch


class Phase(Enum):
    """Where a queue's job is; the managers translate their own words to this."""

    WAITING = "waiting"
    HELD = "held"
    """It waits until somebody releases it."""
    NEVER = "never"
    """It waits, and what it asks for can never be had."""
    REQUEUED = "requeued"
    """It ran, and waits to be run once more."""
    RUNNING = "running"
    ENDING = "ending"
    """Its processes are being ended; how it ended is not known yet."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    NODE_FAILED = "node failed"
    PREEMPTED = "preempted"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self not in _GOING_ON

    @property
    def is_waiting(self) -> bool:
        """Tell whether it has not got its machine."""
        return self in _WAITING

    @property
    def is_plain(self) -> bool:
        """Tell whether there is nothing more to be told of it: a job that ended badly, or waits, has its reasons."""
        return self is Phase.COMPLETED or not (self.is_over or self.is_waiting)


_WAITING = frozenset({Phase.WAITING, Phase.HELD, Phase.NEVER, Phase.REQUEUED})
_GOING_ON = _WAITING | {Phase.RUNNING, Phase.ENDING}


@dataclass(frozen=True, slots=True)
class QueueJob:
    """What a queue says of one of its jobs; None is 'not known'."""

    native_id: str
    phase: Phase
    word: str
    """The queue's own word for its state, such as `OUT_OF_MEMORY`."""
    reason: str | None = None
    """Why it waits, or why it ended, in the queue's words."""
    note: str | None = None
    """The text that was given to `Submission.note`."""
    element: int = 0
    """Its index in the array."""
    nodes: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    restarts: int = 0
    ran: float | None = None
    """Seconds, by the queue's clock."""
    started: float | None = None
    ended: float | None = None
    by: str | None = None
    """Who cancelled it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is given to a queue at once: one job, or an array of jobs that differ in their index."""

    name: str
    note: str
    """A text by which the queue's jobs are found again: unguessable, of letters, digits, `:` and `-`."""
    script: bytes
    options: Mapping[str, str | int | bool]
    flags: Sequence[str] = ()
    """Further options, as the queue's own command takes them."""
    elements: int | None = None
    """None: not an array."""


class QueueManager(Protocol):
    """One queue. All methods raise PlaceFailed when it gives no answer, or refuses."""

    @property
    def most_elements(self) -> int:
        """How many elements an array may have; known after `look`."""
        ...

    @property
    def keeps_umask(self) -> bool:
        """Whether jobs have the umask of whoever submits them."""
        ...

    async def look(self) -> None:
        """Find out whether the queue is there and what it can do."""
        ...

    def options(
        self, service: Mapping[str, str | int | bool], launches: Sequence[Launch]
    ) -> Mapping[str, str | int | bool]:
        """Return what a queue's job asks for that carries out some attempts one after the other."""
        ...

    async def submit(self, submission: Submission) -> Sequence[str]:
        """Submit; return the native ids of the elements, or of the one job."""
        ...

    async def listed(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return, by native id, some of the user's jobs: all that are not over, and others that are told as well."""
        ...

    async def remembered(self) -> Sequence[QueueJob]:
        """Return the user's jobs that the queue still remembers, over or not."""
        ...

    async def details(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return all that is known of some jobs, over or not; those that are forgotten are missing."""
        ...

    async def usage(self, native_ids: Sequence[str]) -> Mapping[str, Figures]:
        """Return what jobs that are over have used, as far as it is accounted for already."""
        ...

    @property
    def accounts(self) -> bool:
        """Whether `usage` can ever tell; known after `look`."""
        ...

    async def cancel(self, native_ids: Sequence[str]) -> None:
        """End jobs; those that are over or unknown are no error."""
        ...

    def in_words(self, job: QueueJob) -> str | None:
        """Return what a job that waits is waiting for; None when it runs."""
        ...

    async def forecast(self, submission: Submission) -> Forecast:
        """Ask when a submission would start."""
        ...
