"""Attempts that follow on failed ones, in a run that goes on: announced, waited for, and given their reason.

What is announced here is in memory only: a later controller starts what is due without waiting
again. What an attempt asks for depends on nothing but how the earlier ones ended, which the run
machine knows from the events.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import field

from ..data_classes import dataclass
from . import retries
from .machine.events import Failure
from .machine.paths import plain_path
from .plan import Request
from .records import Attempt, Job
from .retries import RetryPolicies

Outlook = Callable[[str, Failure], tuple[Failure, ...] | None]
"""Given a job and how its attempt ended: the failures that the next attempt follows on; None when none follows."""


def nothing_follows(job: str, failure: Failure) -> tuple[Failure, ...] | None:
    """Say that no attempt follows."""
    return None


@dataclass(frozen=True, slots=True)
class Announced:
    """The next attempt of a job: when it is due, in seconds from the end of the last one, and why it is made."""

    number: int
    seconds: float
    reason: str


@dataclass(slots=True)
class Backoff:
    """The waits of one run."""

    policies: RetryPolicies = field(default_factory=RetryPolicies)
    outlook: Outlook = nothing_follows
    chance: Callable[[], float] = random.random
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _announced: dict[str, Announced] = field(default_factory=dict)

    def asked(self, job: Job, request: Request, failures: Sequence[Failure], most: int) -> Request:
        """Return what an attempt asks for that follows on these failures; `most` is the memory of its place."""
        return self.policies.request(_step(job), request, failures, most)

    def ended(self, attempt: Attempt, failure: Failure, error: str, request: Request | None, most: int) -> str:
        """Announce what follows on a failed attempt; return its error with that.

        `request` is what it had asked for, when that is known.
        """
        job = attempt.job
        if failure is Failure.OUT_OF_MEMORY and request is not None and request.resources.ram >= most:
            error = f"{error}; that is all the memory that this place has"
        failures = self.outlook(job.path, failure)
        if failures is None:
            return error
        after = None if request is None else self.asked(job, request, (failure,), most)
        change = "" if request is None or after is None else retries.difference(request, after)
        counts = failure is not Failure.INTERRUPTED
        seconds = self.policies.of(_step(job), failure).seconds(failures, self.chance()) if counts else 0.0
        number = attempt.number + 1
        self._announced[job.path] = Announced(number, seconds, retries.reason(attempt.number, failure, change))
        return f"{error}; {retries.outlook(number, request, after, seconds)}"

    def due(self, job: Job, number: int) -> float:
        """Return how many seconds to wait before an attempt."""
        announced = self._announced.get(job.path)
        return announced.seconds if announced is not None and announced.number == number else 0.0

    def reason(self, job: Job, number: int, change: str) -> str | None:
        """Return why an attempt is made, when it is not the first one of its job; asked once.

        `change` says what it gets that the first one had not.
        """
        if number == 1:
            return None
        announced = self._announced.pop(job.path, None)
        if announced is not None and announced.number == number:
            return announced.reason
        return f"{retries.RESUMED}: {change}" if change else retries.RESUMED

    def diagnosis(self) -> list[str]:
        """Return which jobs wait before they are tried again, in a line each."""
        return [
            f"{path} waits {announced.seconds:.0f} s before attempt {announced.number}"
            for path, announced in self._announced.items()
            if announced.seconds
        ]

    async def pause(self, seconds: float) -> None:
        """Wait; return at once when the run is stopping."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def stop(self) -> None:
        """End all waits, now and later: nothing new starts."""
        self._stopping.set()


def _step(job: Job) -> str:
    return plain_path(job.step) if job.step else "/"
