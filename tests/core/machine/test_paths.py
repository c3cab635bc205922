"""Paths name jobs and step instances, each a different one."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.machine.events import AttemptEnded, RunStarted, ScopeOpened, StepUnfolded
from recrate.core.machine.paths import count, job_path, positions, step_path
from recrate.core.machine.run import RunMachine

from .models import TASK, step, workflow
from .sights import told

SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@pytest.mark.parametrize(
    "shape, index, loop, path",
    [
        ((), 0, False, "/a"),
        ((5,), 4, False, "/a[4]"),
        ((2, 3), 3, False, "/a[1,0]"),
        ((2, 3, 4), 23, False, "/a[1,2,3]"),
        ((), 0, True, "/a~0"),
        ((), 12, True, "/a~12"),
    ],
)
def test_the_path_of_a_job(shape: tuple[int, ...], index: int, loop: bool, path: str) -> None:
    assert job_path("/a", shape, index, loop=loop) == path


@given(SHAPES)
def test_jobs_are_numbered_in_row_major_order(shape: tuple[int, ...]) -> None:
    marks = ["/a" + (f"[{','.join(map(str, place))}]" if place else "") for place in positions(shape)]
    assert [job_path("/a", shape, index, loop=False) for index in range(count(shape))] == marks
    assert count(shape) == prod(shape) == len(set(marks))


@pytest.mark.parametrize(
    "job, name, path",
    [
        ("/", "a", "/a"),
        ("/a[3]", "b", "/a[3]/b"),
        ("/", "a b-c.d_é", "/a b-c.d_é"),
        ("/", "a/b", "/a%2Fb"),
        ("/", "a~0", "/a%7E0"),
        ("/", "a[0]", "/a%5B0%5D"),
        ("/", "%2F", "/%252F"),
    ],
)
def test_the_path_of_a_step(job: str, name: str, path: str) -> None:
    assert step_path(job, name) == path


NAMES = st.text(st.sampled_from("a0~[]/%2F"), min_size=1, max_size=4)


@given(st.tuples(NAMES, st.integers(0, 9), NAMES), st.tuples(NAMES, st.integers(0, 9), NAMES), st.booleans())
def test_different_things_have_different_paths(
    one: tuple[str, int, str], other: tuple[str, int, str], loop: bool
) -> None:
    paths = []
    for first, index, second in (one, other):
        job = job_path(step_path("/", first), () if loop else (10,), index, loop=loop)
        paths += [job, step_path("/", first), step_path(job, second)]
    assert (one == other) == (paths[2] == paths[5])
    assert ((one[0], one[1]) == (other[0], other[1])) == (paths[0] == paths[3])
    assert len({paths[0], paths[1], paths[2]}) == 3


def test_a_step_named_like_a_job_of_another_does_not_get_in_its_way() -> None:
    body = workflow(step("a", kind="loop"), step("a~0", body=TASK))
    machine = RunMachine.replay(body, [RunStarted(), ScopeOpened("/"), StepUnfolded("/a")])
    assert told(machine, StepUnfolded("/a%7E0")) == "fire /a%7E0"
    assert told(machine, AttemptEnded("/a~0", 1)) == "fire /a~1"
