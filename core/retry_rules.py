"""What a user says about retries: `[STEP:]N[,on=KIND+KIND...][,delay=SECONDS][,factor=F]...` as data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from ..data_classes import dataclass
from ..errors import UsageError
from .machine.events import RETRIED, Failure, RetryLimit
from .machine.paths import step_path
from .model import Body, Task
from .retries import PolicyRule, RetryPolicies

KINDS: Mapping[str, Failure] = {
    "exit": Failure.PERMANENT,
    "temporary": Failure.TEMPORARY,
    "signal": Failure.SIGNAL,
    "memory": Failure.OUT_OF_MEMORY,
    "time": Failure.TIME_LIMIT,
    "lost": Failure.LOST,
}
ON = "on"
NUMBERS: Mapping[str, tuple[str, float]] = {
    "delay": ("delay", 0),
    "factor": ("factor", 1),
    "longest": ("longest", 0),
    "memory": ("memory_factor", 1),
    "time": ("time_factor", 1),
}
"""By key: the field of RetryPolicy that it sets, and the least that it may be."""
FORM = "[STEP:]N[,on=KIND+KIND...][,delay=SECONDS][,factor=F][,longest=SECONDS][,memory=F][,time=F]"
MOST_SHOWN = 12

_RULE = re.compile(r"(?:(?P<step>.+):)?(?P<limit>[0-9]+)(?P<rest>(?:,[^,]*)*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RetryRule:
    """One rule, as it was typed: the step is not looked up yet, and '' stands for all."""

    limit: int
    step: str
    failures: tuple[Failure, ...]
    changes: Mapping[str, float]


def parse_rule(text: str) -> RetryRule:
    """Return a rule. Raises UsageError, which says what is known."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--retry {text!r}: a number of retries is needed", hint=FORM)
    failures: tuple[Failure, ...] = RETRIED
    changes: dict[str, float] = {}
    seen: set[str] = set()
    for item in found["rest"].split(",")[1:]:
        key, _, value = (part.strip() for part in item.partition("="))
        if key in seen:
            raise UsageError(f"--retry {text!r}: {key!r} is said twice")
        seen.add(key)
        if key == ON:
            failures = tuple(_kinds(text, value))
        elif key in NUMBERS:
            name, least = NUMBERS[key]
            changes[name] = _number(text, key, value, least)
        else:
            raise UsageError(f"--retry {text!r}: unknown key {key!r}", hint=f"keys: {', '.join([ON, *NUMBERS])}")
    return RetryRule(int(found["limit"]), (found["step"] or "").strip(), failures, changes)


def _kinds(text: str, value: str) -> Iterator[Failure]:
    for kind in value.split("+"):
        if kind.strip() not in KINDS:
            raise UsageError(
                f"--retry {text!r}: unknown kind of failure {kind.strip()!r}", hint=f"kinds: {', '.join(KINDS)}"
            )
        yield KINDS[kind.strip()]


def _number(text: str, key: str, value: str, least: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < least:
        raise UsageError(f"--retry {text!r}: {key!r} needs a number that is at least {least:g}, not {value!r}")
    return number


def parse_rules(texts: Sequence[str], body: Body) -> tuple[tuple[RetryLimit, ...], RetryPolicies]:
    """Return the limits and the policies of a run of a body.

    A rule for a step that holds a workflow is one for each step in it. Raises UsageError.
    """
    known = dict(_steps(body))
    limits: list[RetryLimit] = []
    policies: list[PolicyRule] = []
    for text in texts:
        rule = parse_rule(text)
        for step in _meant(text, rule.step, known, body):
            limits.append(RetryLimit(rule.limit, step, rule.failures))
            if rule.changes:
                policies.append(PolicyRule(rule.changes, step, rule.failures))
    return tuple(limits), RetryPolicies(tuple(policies))


def _meant(text: str, step: str, known: Mapping[str, Sequence[str]], body: Body) -> Sequence[str]:
    """Return the paths of the steps that a rule is about; one empty path for all of them."""
    if not step:
        return ("",)
    path = f"/{step.strip('/')}"
    if path not in known:
        shown = ", ".join(list(known)[:MOST_SHOWN]) + (", ..." if len(known) > MOST_SHOWN else "")
        raise UsageError(
            f"--retry {text!r}: the workflow has no step {path}",
            where=body.where,
            hint=f"steps, without indices: {shown}" if shown else "it has no steps",
        )
    return known[path]


def _steps(body: Body, path: str = "/") -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each step in a body by path, with the paths of the tasks that are carried out for it."""
    if isinstance(body, Task):
        yield path, (path,)
        return
    for name, step in body.steps.items():
        inner = step_path(path, name)
        below = list(_steps(step.body, inner))
        if not isinstance(step.body, Task):
            yield inner, tuple(dict.fromkeys(task for _, tasks in below for task in tasks))
        yield from below
