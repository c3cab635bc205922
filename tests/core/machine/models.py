"""Workflow models for tests of the run machine: small builders, and random models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NoReturn

from hypothesis import strategies as st

from recrate.core.model import Link, Loop, LoopOutput, Port, Step, Task, Workflow

KINDS = ("plain", "scatter", "grid", "conditional", "loop", "conditional scatter")


class Untouched:
    """Code of a language front end that the machine has no business to call."""

    kind = "command"
    uses_javascript = False

    def refuse(self, *_: Any) -> NoReturn:
        raise AssertionError("the machine called the code of a language")

    accept = deliver = inputs = condition = iterate = evaluate = request = plan = collect = refuse


CODE = Untouched()
TASK = Task("work", ("in",), ("out",), CODE)


def step(name: str, after: Iterable[str] = (), body: Task | Workflow = TASK, kind: str = "plain") -> Step:
    """Return a step that takes values from the steps `after`; `kind` is one of KINDS."""
    sources = tuple(Port(upstream, "out") for upstream in after)
    made = Step(name, {"in": Link(sources)}, ("out",), body, CODE, conditional=kind.startswith("conditional"))
    if kind == "loop":
        return replace(made, loop=Loop(LoopOutput.LAST, {"in": Link((Port(None, "out"),))}))
    if kind == "grid":
        return replace(made, scatter=("in", "other"))
    return replace(made, scatter=("in",)) if kind.endswith("scatter") else made


def workflow(*steps: Step, name: str = "main") -> Workflow:
    """Return a workflow of these steps, in this order."""
    return Workflow(name, ("in",), {}, {each.name: each for each in steps}, CODE)


def chain(length: int) -> Workflow:
    """Return a workflow in which each step waits for the one before."""
    return workflow(*(step(f"s{n}", [f"s{n - 1}"] if n else []) for n in range(length)))


def fan(width: int) -> Workflow:
    """Return a workflow of one step, `width` that wait for it, and one that waits for all these."""
    names = [f"s{n}" for n in range(width)]
    return workflow(step("first"), *(step(name, ["first"]) for name in names), step("last", names))


@st.composite
def workflows(draw: st.DrawFn, depth: int = 2) -> Workflow:
    """Random workflows of up to five steps, nested up to `depth` levels below the outermost one."""
    names = [f"s{n}" for n in range(draw(st.sampled_from([2, 3, 4, 1, 0, 5][: 4 + depth])))]
    steps = []
    for number, name in enumerate(names):
        after = draw(st.sets(st.sampled_from(names[:number]))) if number else ()
        nested = depth > 0 and draw(st.integers(0, 2)) == 0
        body: Task | Workflow = draw(workflows(depth - 1)) if nested else TASK
        steps.append(step(name, sorted(after), body, draw(st.sampled_from(KINDS))))
    return workflow(*steps)
