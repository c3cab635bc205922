"""How long is waited before another attempt, what it asks for, and what a user can say about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core import amounts, retries
from recrate.core.machine.events import RETRIED, Failure, RetryLimit
from recrate.core.model import Body, Step, Task, Workflow
from recrate.core.plan import Request, Resources
from recrate.core.retries import PolicyRule, RetryPolicies, RetryPolicy
from recrate.core.retry_rules import parse_rule, parse_rules
from recrate.errors import UsageError, Where

MEMORY, TIME, LOST = Failure.OUT_OF_MEMORY, Failure.TIME_LIMIT, Failure.LOST
PLENTY = 1 << 20


def asking(ram: int, ram_max: int | None = None, time_limit: float | None = None) -> Request:
    return Request(Resources(ram=ram, ram_max=ram_max), time_limit=time_limit)


# -- waits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failed, seconds", [(0, 0), (1, 1), (2, 2), (3, 4), (8, 128), (9, 256), (10, 300), (5000, 300)]
)
def test_each_wait_is_twice_as_long_as_the_one_before_up_to_the_longest(failed: int, seconds: float) -> None:
    assert RetryPolicy().seconds([LOST] * failed, 0.0) == seconds


@given(st.integers(1, 20), st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_chance_makes_a_wait_shorter_by_no_more_than_the_jitter(failed: int, chance: float, jitter: float) -> None:
    policy = RetryPolicy(jitter=jitter)
    most = policy.seconds([LOST] * failed, 0.0)
    assert most * (1 - jitter) <= policy.seconds([LOST] * failed, chance) <= most


def test_a_delay_is_never_longer_than_the_longest() -> None:
    assert RetryPolicy(delay=10, longest=3).seconds([LOST], 0.0) == 3


# -- what an attempt asks for -------------------------------------------------------------------


@pytest.mark.parametrize(
    "failures, ram, limit",
    [
        ((), 64, 10),
        ((MEMORY,), 128, 10),
        ((LOST, MEMORY, Failure.PERMANENT, MEMORY), 256, 10),
        ((MEMORY,) * 5, 1000, 10),
        ((TIME,), 64, 30),
        ((TIME, MEMORY, TIME), 128, 90),
    ],
)
def test_an_attempt_asks_for_more_of_what_was_too_little(failures: Any, ram: int, limit: float) -> None:
    policies = RetryPolicies(default=RetryPolicy(time_factor=3))
    asked = policies.request("/a", asking(64, time_limit=10), failures, 1000)
    assert (asked.resources.ram, asked.time_limit) == (ram, limit)


def test_the_most_that_a_job_asks_for_grows_as_the_least_does() -> None:
    asked = RetryPolicies().request("/a", asking(64, 100), [MEMORY], 150)
    assert (asked.resources.ram, asked.resources.ram_max) == (128, 150)


def test_a_job_that_asks_for_more_than_there_is_from_the_start_is_left_alone() -> None:
    assert RetryPolicies().request("/a", asking(2000), [MEMORY], 1000).resources.ram == 2000


def test_a_job_without_a_time_limit_gets_none() -> None:
    policies = RetryPolicies(default=RetryPolicy(time_factor=3))
    assert policies.request("/a", asking(64), [TIME], PLENTY).time_limit is None


def test_of_the_rules_that_fit_the_last_one_that_says_something_counts() -> None:
    policies = RetryPolicies(
        (
            PolicyRule({"delay": 5, "memory_factor": 4}),
            PolicyRule({"delay": 7}, "/a"),
            PolicyRule({"delay": 9}, "/a", (TIME,)),
        )
    )
    assert policies.of("/b", LOST) == RetryPolicy(delay=5, memory_factor=4)
    assert policies.of("/a", LOST) == RetryPolicy(delay=7, memory_factor=4)
    assert policies.of("/a", TIME) == RetryPolicy(delay=9, memory_factor=4)


def test_policies_that_were_stored_are_the_same() -> None:
    policies = RetryPolicies((PolicyRule({"delay": 5.5}, "/a", (TIME, LOST)), PolicyRule({"factor": 3})))
    assert RetryPolicies.of_json(json.loads(json.dumps(policies.as_json()))) == policies


# -- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number, before, after, seconds, text",
    [
        (2, asking(64), asking(128), 1.31, "next: attempt 2 with 128 MiB, in 1.3 s"),
        (3, asking(64 << 10), asking(128 << 10), 0, "next: attempt 3 with 128 GiB"),
        (2, asking(64, time_limit=7200), asking(64, time_limit=14400), 90, ""),
        (2, asking(64), asking(64), 0.001, "next: attempt 2"),
        (2, None, None, 2.0, "next: attempt 2, in 2 s"),
    ],
)
def test_what_comes_next_is_said(number: int, before: Any, after: Any, seconds: float, text: str) -> None:
    text = text or "next: attempt 2 with a limit of 4:00:00, in 0:01:30"
    assert retries.outlook(number, before, after, seconds) == text


@pytest.mark.parametrize(
    "failure, before, after, text",
    [
        (MEMORY, asking(64), asking(128), "attempt 1 ran out of memory: 128 MiB instead of 64"),
        (MEMORY, asking(8192), asking(16384), "attempt 1 ran out of memory: 16 GiB instead of 8"),
        (
            TIME,
            asking(64, time_limit=7200),
            asking(64, time_limit=14400),
            "attempt 1 ended after its time limit: 4:00:00 instead of 2:00:00",
        ),
        (LOST, asking(64), asking(64), "attempt 1 was lost"),
    ],
)
def test_an_attempt_says_why_it_is_made(failure: Failure, before: Request, after: Request, text: str) -> None:
    assert retries.reason(1, failure, retries.difference(before, after)) == text


@pytest.mark.parametrize("failure", [*RETRIED, Failure.INTERRUPTED])
def test_there_are_words_for_all_that_is_tried_again(failure: Failure) -> None:
    assert failure in retries.WORDS


@pytest.mark.parametrize(
    "seconds, text", [(1, "1 s"), (0.25, "0.2 s"), (59.94, "59.9 s"), (60, "0:01:00"), (7200, "2:00:00")]
)
def test_times_in_words(seconds: float, text: str) -> None:
    assert amounts.duration(seconds) == text


@pytest.mark.parametrize("mib, text", [(64, "64 MiB"), (10239, "10239 MiB"), (10240, "10 GiB"), (15872, "15.5 GiB")])
def test_memory_in_words(mib: float, text: str) -> None:
    assert amounts.memory(mib) == text


def test_amounts_side_by_side_have_one_unit() -> None:
    assert amounts.memory(62_464.2, like=65_536) == "61"


# -- what a user says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, limit, step, failures, changes",
    [
        ("3", 3, "", RETRIED, {}),
        (" /fold/train:0 ", 0, "/fold/train", RETRIED, {}),
        ("train:2", 2, "train", RETRIED, {}),
        ("a:b,c:2,on=lost", 2, "a:b,c", (LOST,), {}),
        ("2,on=memory+time", 2, "", (MEMORY, TIME), {}),
        ("2,on=exit+signal+temporary", 2, "", (Failure.PERMANENT, Failure.SIGNAL, Failure.TEMPORARY), {}),
        ("1,delay=0.5,factor=3,longest=10", 1, "", RETRIED, {"delay": 0.5, "factor": 3, "longest": 10}),
        ("1, memory=1.5, time=2", 1, "", RETRIED, {"memory_factor": 1.5, "time_factor": 2}),
    ],
)
def test_a_rule_is_read(text: str, limit: int, step: str, failures: Any, changes: Any) -> None:
    rule = parse_rule(text)
    assert (rule.limit, rule.step, rule.failures, rule.changes) == (limit, step, failures, changes)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "number of retries"),
        ("-1", "number of retries"),
        ("train", "number of retries"),
        ("1.5", "number of retries"),
        ("3,on=oom", "kinds: exit, temporary, signal, memory, time, lost"),
        ("3,on=", "unknown kind of failure ''"),
        ("3,wait=2", "keys: on, delay, factor, longest, memory, time"),
        ("3,", "unknown key ''"),
        ("3,delay=soon", "'delay' needs a number that is at least 0, not 'soon'"),
        ("3,delay=-1", "at least 0"),
        ("3,factor=0.5", "at least 1"),
        ("3,memory=inf", "at least 1"),
        ("3,time=nan", "at least 1"),
        ("3,delay=1,delay=2", "'delay' is said twice"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_what_is_known(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert said in caught.value.render()
    assert f"--retry {text!r}" in caught.value.render()


class Code:
    """Stands for what a language attaches to bodies and steps."""

    kind = "command"


CODE: Any = Code()
TASK = Task("tool", (), (), CODE)


def holding(**bodies: Body) -> Workflow:
    steps = {name: Step(name, {}, (), body, CODE) for name, body in bodies.items()}
    return Workflow("w", (), {}, steps, CODE, Where("w.cwl", 1, 1))


NESTED = holding(fold=holding(split=TASK, train=TASK), end=TASK)


@pytest.mark.parametrize("step", ["/fold/train", "fold/train", "/fold/train/"])
def test_a_rule_for_a_step_is_about_this_step(step: str) -> None:
    limits, policies = parse_rules([f"{step}:3,on=lost,delay=2"], NESTED)
    assert limits == (RetryLimit(3, "/fold/train", (LOST,)),)
    assert policies.rules == (PolicyRule({"delay": 2}, "/fold/train", (LOST,)),)


def test_a_rule_for_a_step_that_holds_a_workflow_is_about_all_that_is_in_it() -> None:
    limits, _ = parse_rules(["1", "/fold:3"], NESTED)
    assert limits == (RetryLimit(1), RetryLimit(3, "/fold/split"), RetryLimit(3, "/fold/train"))


def test_a_tool_alone_is_the_step_of_no_name() -> None:
    assert parse_rules(["/:3"], TASK)[0] == (RetryLimit(3, "/"),)


@pytest.mark.parametrize("step", ["/fold[1]/train", "/trian", "/", "train"])
def test_a_step_that_is_not_there_is_refused_with_those_that_are(step: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rules([f"{step}:3"], NESTED)
    said = caught.value.render()
    assert said.startswith("w.cwl:1:1: --retry")
    assert "/fold, /fold/split, /fold/train, /end" in said
