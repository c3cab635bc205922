"""The table of a sweep: what its jobs recorded, beside the parameters that they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.core.measurements import Measurement, measurements, varying

from .bench import Bench, Ran, shell, workflow

SAY = """echo '{"score": 0.'$1', "step": 1}' >>"$RECRATE_METRICS"; echo '{"score": 0.5}' >>"$RECRATE_METRICS"; """
TRAIN = shell(
    {
        "rate": {"type": "int", "inputBinding": {}},
        "options": "Any?",
        "data": "File?",
    },
    {"o": "stdout"},
    SAY + "echo $1",
    stdout="o.txt",
)
JUDGE = shell({"model": "File", "only": "boolean"}, {}, """echo '{"accuracy": 1}' >"$RECRATE_METRICS" """)
VARIANT = workflow(
    {"rate": "int", "options": "Any?", "only": {"type": "boolean", "default": True}},
    {},
    {
        "train": {"run": TRAIN, "in": {"rate": "rate", "options": "options"}, "out": ["o"]},
        "judge": {"run": JUDGE, "in": {"model": "train/o", "only": "only"}, "out": []},
    },
)
SWEEP = workflow(
    {"rates": "int[]"},
    {},
    {
        "variant": {
            "run": VARIANT,
            "scatter": "rate",
            "in": {"rate": "rates", "options": {"default": {"kind": "tree", "deep": {"er": 1}}}},
            "out": [],
        },
    },
)


def found(ran: Ran) -> list[Measurement]:
    return measurements(ran.database, [ran.id])


def test_jobs_come_with_their_parameters_and_those_of_the_workflows_that_they_are_in(bench: Bench) -> None:
    one, *_ = every = found(bench.run(SWEEP, {"rates": [3, 7]}))
    assert [item.job.path for item in every] == [
        "/variant[0]/judge", "/variant[0]/train", "/variant[1]/judge", "/variant[1]/train",
    ]  # fmt: skip
    assert one.parameters == {"rate": 3, "only": True, "options.kind": "tree"}
    assert varying(item.parameters for item in every) == ["rate"]
    score = every[1].metric("score")
    assert score is not None
    values = [row.value for row in (score.last, score.least, score.greatest) if row is not None]
    assert (score.count, values) == (2, [0.5, 0.3, 0.5])


def test_the_order_is_that_of_numbers(bench: Bench) -> None:
    ran = bench.run(SWEEP, {"rates": list(range(11))})
    assert [item.job.path for item in found(ran)][-2:] == ["/variant[10]/judge", "/variant[10]/train"]


def test_a_result_that_was_taken_has_the_numbers_of_the_attempt_that_made_it(bench: Bench) -> None:
    first, second = (found(bench.run(SWEEP, {"rates": [3]})) for _ in range(2))
    assert [item.job.state.value for item in second] == ["cached", "cached"]
    assert [item.attempt_id for item in second] == [item.attempt_id for item in first]
    assert second[0].run.id != first[0].run.id


def test_of_several_attempts_the_last_one_that_recorded_something_counts(bench: Bench, tmp_path: Path) -> None:
    script = f"""[ -e {tmp_path}/again ] && exit 0; >{tmp_path}/again; {SAY} exit 1"""
    ran = bench.run({"cwlVersion": "v1.2", **shell({}, {}, script)}, retries=1)
    (one,) = found(ran)
    assert one.attempt_id == ran.attempts("/")[0].id and one.metric("other") is None


@pytest.mark.parametrize(
    ("given", "names"),
    [([], []), ([{"a": 1}, {"a": 1}], []), ([{"a": 1}, {"a": 1.0}], ["a"]), ([{}, {"b": "x"}], ["b"])],
)
def test_what_varies_is_what_is_not_the_same_everywhere(given: list[dict[str, Any]], names: list[str]) -> None:
    assert varying(given) == names
