"""What a run would do: asked before, with nothing launched."""

from __future__ import annotations

import asyncio
from typing import Any

from recrate import api
from recrate.core.binding import Binding, Target

from ..engine.bench import expression, shell, workflow
from .fields import Fields

COPY = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$1"', stdout="o.txt")
LARGE = {**COPY, "requirements": {"ResourceRequirement": {"ramMin": 10**9}}}
COUNT = expression({"f": "File"}, {"o": "int"}, "${return {o: 1};}")


def document(second: dict[str, Any]) -> dict[str, Any]:
    return workflow(
        {"f": "File"},
        {"o": {"type": "Any", "outputSource": "b/o"}},
        {"a": {"run": COPY, "in": {"f": "f"}, "out": ["o"]}, "b": {"run": second, "in": {"f": "a/o"}, "out": ["o"]}},
    )


def planned(fields: Fields, second: dict[str, Any], binding: Binding) -> Any:
    given = fields.bench.write("given.txt", "hello")
    options = fields.bench.options(binding=binding)
    prepared = fields.bench.prepare(document(second), {"f": {"class": "File", "path": str(given)}}, options)
    return asyncio.run(api.plan_run(prepared, options))


def test_it_says_where_steps_run_and_what_is_moved(fields: Fields) -> None:
    plan = planned(fields, COPY, fields.binding({"/a": "east", "/b": "west"}))
    assert plan.ok
    assert [(step.path, step.targets) for step in plan.steps] == [("/a", ("east",)), ("/b", ("west",))]
    assert [(move.what, move.source, move.target, move.bytes) for move in plan.moves] == [
        ("input f for /a", "local", "east", 5),
        ("files of /a for /b", "east", "west", None),
        ("files of /b for the output directory", "west", "local", None),
    ]
    assert not list(fields.path("east").glob("work/*/*"))


def test_a_place_that_does_not_answer_and_a_job_that_fits_nowhere_are_told(fields: Fields) -> None:
    fields.path("east").mkdir()
    fields.cut("east")
    plan = planned(fields, LARGE, fields.binding({"/a": "east", "/b": "west"}))
    assert not plan.ok
    first, second = plan.steps
    assert not first.ok and "its link is cut" in first.answers[0]
    assert not second.ok and "of memory" in second.answers[0]


def test_one_target_that_answers_is_enough(fields: Fields) -> None:
    fields.path("east").mkdir()
    fields.cut("east")
    assert planned(fields, COPY, fields.binding({"/": [Target("east"), Target("west")]})).ok


def test_expressions_are_the_controllers(fields: Fields) -> None:
    plan = planned(fields, COUNT, fields.binding({"/": "east"}))
    assert plan.steps[1].targets == ("the controller",)
