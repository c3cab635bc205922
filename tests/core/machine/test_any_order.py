"""Whatever the order in which the instructions of a run are answered, the same comes of it."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.core.machine.events import AttemptEnded, AttemptStarted, Event, RunStarted
from recrate.core.machine.instructions import Outcome
from recrate.core.model import Workflow

from .models import workflows
from .sights import check, snapshot
from .world import Driver, Expected, World, go_on, stop

ANY_ORDER = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
WINDOWS = st.sampled_from([1, 2, 3, 5, 64])
SEEDS = st.integers(0, 2**16)
RANDOMS = st.randoms(use_true_random=False)


def run_in_order_of(random: Random, body: Workflow, world: World, started: RunStarted) -> Driver:
    """Run to the end, answering what is outstanding in a random order."""
    driver = Driver(body, world, started)
    driver.send(started)
    while driver.finish is None:
        assert driver.todo, "the run hangs"
        driver.answer(random.choice(list(driver.todo)))
        check(driver.machine)
    return driver


@ANY_ORDER
@given(workflows(), SEEDS, WINDOWS, RANDOMS)
def test_without_failures_the_same_jobs_run_in_any_order(
    body: Workflow, seed: int, window: int, random: Random
) -> None:
    world = World(seed)
    driver = run_in_order_of(random, body, world, stop(window=window))
    expected, well = Expected.of(body, world)
    assert well
    assert driver.done == expected.done
    assert driver.finish is not None and driver.finish.outcome is Outcome.COMPLETED
    assert driver.finish.blocked == 0
    assert driver.most_outstanding <= window
    assert driver.todo == {}


@ANY_ORDER
@given(workflows(), SEEDS, WINDOWS, st.integers(0, 3), st.integers(1, 60), RANDOMS)
def test_with_continue_all_that_can_be_done_is_done_in_any_order(
    body: Workflow, seed: int, window: int, retries: int, failing: int, random: Random
) -> None:
    world = World(seed, failing)
    driver = run_in_order_of(random, body, world, go_on(window=window, retries=retries))
    expected, well = Expected.of(body, world, retries)
    assert driver.done == expected.done
    assert driver.finish is not None
    assert driver.finish.outcome is (Outcome.COMPLETED if well else Outcome.FAILED)
    assert driver.finish.blocked == expected.blocked
    assert driver.most_outstanding <= window
    assert driver.todo == {}


@ANY_ORDER
@given(workflows(), SEEDS, WINDOWS, st.integers(0, 2), st.integers(1, 60), RANDOMS)
def test_with_stop_the_outcome_is_the_same_in_any_order(
    body: Workflow, seed: int, window: int, retries: int, failing: int, random: Random
) -> None:
    world = World(seed, failing)
    driver = run_in_order_of(random, body, world, stop(window=window, retries=retries))
    expected, well = Expected.of(body, world, retries)
    assert driver.finish is not None
    assert driver.finish.outcome is (Outcome.COMPLETED if well else Outcome.FAILED)
    assert driver.done.keys() <= expected.done.keys()
    assert driver.todo == {}, "the run ended while something that was asked for was not answered"


@ANY_ORDER
@given(workflows(), SEEDS, WINDOWS, st.integers(0, 2), st.integers(0, 40), RANDOMS)
def test_events_that_come_twice_or_late_change_nothing(
    body: Workflow, seed: int, window: int, retries: int, failing: int, random: Random
) -> None:
    plain = Driver(body, World(seed, failing), go_on(window=window, retries=retries)).run(checked=False)
    noisy = Driver(body, World(seed, failing), go_on(window=window, retries=retries))
    heard: list[Event] = []
    overtaken: dict[tuple[str, int], Event] = {}
    for event in plain.stored:
        if isinstance(event, AttemptStarted) and random.random() < 0.3:
            overtaken[event.job, event.attempt] = event
            continue
        noisy.send(event)
        heard.append(event)
        stale = random.sample(heard, min(2, len(heard)))
        if isinstance(event, AttemptEnded) and (event.job, event.attempt) in overtaken:
            stale.append(overtaken.pop((event.job, event.attempt)))
        before = snapshot(noisy.machine)
        assert [noisy.machine.handle(old) for old in stale] == [[] for _ in stale]
        assert snapshot(noisy.machine) == before
    assert noisy.finish == plain.finish
