"""How a failed attempt is tried again: how long is waited, what the next one asks for, and the words for it.

How often is the run machine's to say (`core.machine.events.RetryLimit`). All here is pure: chance
comes in as a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..data_classes import dataclass
from .amounts import duration, memory
from .machine.events import RETRIED, Failure
from .plan import Request

WORDS = {
    Failure.PERMANENT: "failed",
    Failure.SIGNAL: "was killed by a signal",
    Failure.TEMPORARY: "failed with one of its temporaryFailCodes",
    Failure.TIME_LIMIT: "ended after its time limit",
    Failure.OUT_OF_MEMORY: "ran out of memory",
    Failure.LOST: "was lost",
    Failure.INTERRUPTED: "was interrupted",
}
RESUMED = "the run was resumed"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What lies between two attempts.

    Attributes:
        delay: seconds before the second attempt.
        factor: by which the wait grows from one attempt to the next.
        longest: seconds that no wait exceeds.
        jitter: the part of a wait, from 0 to 1, that is left to chance, so that jobs that failed together
            do not all come back together: the wait is at most what the above says, and less by up to this part.
        memory_factor: what follows on an attempt that ran out of memory asks for so many times as much.
        time_factor: what follows on an attempt that ran out of time is given so many times as much.
    """

    delay: float = 1.0
    factor: float = 2.0
    longest: float = 300.0
    jitter: float = 0.5
    memory_factor: float = 2.0
    time_factor: float = 1.0

    def seconds(self, failures: Sequence[Failure], chance: float) -> float:
        """Return how long to wait after these failures; `chance` is a number in [0, 1)."""
        if not failures:
            return 0.0
        wait = min(self.delay, self.longest)
        for _ in failures[1:]:
            wait = min(wait * self.factor, self.longest)
        return wait * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What is different for some failures of a step: `changes` are fields of a RetryPolicy.

    `step` is the path of a step without indices; the empty path means all steps.
    """

    changes: Mapping[str, float]
    step: str = ""
    failures: tuple[Failure, ...] = RETRIED

    def fits(self, step: str, failure: Failure) -> bool:
        """Tell whether it is about this failure of this step."""
        return failure in self.failures and self.step in ("", step)


@dataclass(frozen=True, slots=True)
class RetryPolicies:
    """The policies of a run. Of the rules that fit, the last one that says something about a field counts."""

    rules: tuple[PolicyRule, ...] = ()
    default: RetryPolicy = RetryPolicy()

    def of(self, step: str, failure: Failure) -> RetryPolicy:
        """Return the policy for what follows on a failure of a step, given without indices."""
        policy = self.default
        for rule in self.rules:
            if rule.fits(step, failure):
                policy = replace(policy, **rule.changes)
        return policy

    def as_json(self) -> list[Any]:
        """Return the rules as JSON can say them."""
        return [[dict(rule.changes), rule.step, [kind.name for kind in rule.failures]] for rule in self.rules]

    @classmethod
    def of_json(cls, rules: Sequence[Any]) -> RetryPolicies:
        """Return what `as_json` was made of."""
        return cls(tuple(PolicyRule(changes, step, tuple(Failure[n] for n in names)) for changes, step, names in rules))

    def request(self, step: str, request: Request, failures: Sequence[Failure], most: int) -> Request:
        """Return what an attempt asks for that follows on these failures of its step.

        `most` is the memory of the place, in MiB: a job is given no more, but for one that asks for more
        from the start, which nothing can be done about.
        """
        for failure in failures:
            policy = self.of(step, failure)
            if failure is Failure.OUT_OF_MEMORY:
                request = _with_memory(request, policy.memory_factor, most)
            elif failure is Failure.TIME_LIMIT and request.time_limit is not None:
                request = replace(request, time_limit=request.time_limit * policy.time_factor)
        return request


def _with_memory(request: Request, factor: float, most: int) -> Request:
    asked = request.resources
    largest = None if asked.ram_max is None else _grown(asked.ram_max, factor, most)
    grown = replace(asked, ram=_grown(asked.ram, factor, most), ram_max=largest, ram_said=True)
    return replace(request, resources=grown)


def _grown(amount: int, factor: float, most: int) -> int:
    return max(amount, min(math.ceil(amount * factor), most))


def difference(before: Request, after: Request) -> str:
    """Return in words what an attempt gets instead of what the one before it had; nothing when it is the same."""
    if after.resources.ram != before.resources.ram:
        asked = after.resources.ram
        return f"{memory(asked)} instead of {memory(before.resources.ram, like=asked)}"
    if after.time_limit != before.time_limit and after.time_limit is not None and before.time_limit is not None:
        return f"{duration(after.time_limit)} instead of {duration(before.time_limit)}"
    return ""


def reason(number: int, failure: Failure, change: str) -> str:
    """Return why an attempt is made after attempt `number`: `attempt 1 ran out of memory: 128 MiB instead of 64`."""
    said = f"attempt {number} {WORDS.get(failure, failure.value)}"
    return f"{said}: {change}" if change else said


def outlook(number: int, before: Request | None, after: Request | None, seconds: float) -> str:
    """Return what comes next: `next: attempt 2 with 128 MiB, in 1.3 s`."""
    said = f"next: attempt {number}"
    if before is not None and after is not None and difference(before, after):
        more_memory = after.resources.ram != before.resources.ram
        gets = memory(after.resources.ram) if more_memory else f"a limit of {duration(after.time_limit or 0)}"
        said += f" with {gets}"
    return f"{said}, in {duration(seconds)}" if seconds >= 0.05 else said
