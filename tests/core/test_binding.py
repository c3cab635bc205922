"""Bindings as data: the deepest binding holds, and stacks are undone from the outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recrate.core.binding import (
    Binding,
    Deployment,
    StepBinding,
    Target,
    Wraps,
    depth,
    order_of_undeployment,
    window_of,
)

NAMES = st.sampled_from(["a", "b", "ab", "a.b", "c"])
PATHS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))


@given(PATHS, st.lists(PATHS, max_size=6, unique=True))
def test_the_deepest_binding_above_a_step_holds(path: str, bound: list[str]) -> None:
    binding = Binding(steps=tuple(StepBinding(item, (Target(f"d{n}"),)) for n, item in enumerate(bound)))
    above = [item for item in bound if item == "/" or path == item or path.startswith(f"{item}/")]
    found = binding.for_step(path)
    if above:
        assert found.step == max(above, key=lambda item: len(item.rstrip("/")))
    else:
        assert found.targets == (Target("local"),)


def test_a_name_that_begins_as_another_is_not_below_it() -> None:
    binding = Binding(steps=(StepBinding("/a", (Target("x"),)),))
    assert binding.for_step("/ab").targets[0].deployment == "local"


@given(st.dictionaries(NAMES, st.one_of(st.none(), NAMES), max_size=5))
def test_whatever_is_stacked_on_another_is_undone_before_it(wraps: dict[str, str | None]) -> None:
    made = {
        name: Deployment(name, "ssh", wraps=None if inner is None else Wraps(inner)) for name, inner in wraps.items()
    }
    order = order_of_undeployment(made, made)
    assert sorted(order) == sorted(made)
    for name, inner in wraps.items():
        if inner in made and depth(made, name) > 0:
            assert order.index(name) < order.index(inner)


def test_a_run_has_enough_jobs_outstanding_for_what_its_queues_may_hold() -> None:
    queue = Deployment("q", "slurm", {"maxConcurrentJobs": 500})
    assert window_of(Binding(deployments={"q": queue})) == 1000
    assert window_of(None) == 64
