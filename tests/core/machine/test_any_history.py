"""Whatever happens, and whenever the controller is killed: the stored events tell all."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from recrate.core.machine.events import OnError, RunStarted
from recrate.core.machine.instructions import Outcome
from recrate.core.machine.run import RunMachine
from recrate.core.model import Workflow

from .models import workflows
from .sights import check, say, snapshot
from .world import Driver, Expected, World

PICK = st.integers(0, 2**16)


class AnyHistory(RuleBasedStateMachine):
    """A run whose controller dies now and then, next to one whose controller never does."""

    driver: Driver

    @initialize(
        body=workflows(),
        world=st.builds(World, PICK, st.sampled_from([0, 0, 5, 20, 50])),
        started=st.builds(RunStarted, st.sampled_from([1, 2, 4, 64]), st.sampled_from(OnError), st.integers(0, 2)),
    )
    def the_run_starts(self, body: Workflow, world: World, started: RunStarted) -> None:
        self.driver = Driver(body, world, started)
        self.undying = self.driver.machine
        self.compared = 0
        self.driver.send(started)

    def going(self) -> bool:
        return self.driver.finish is None

    @precondition(going)
    @rule(pick=PICK)
    def something_is_answered(self, pick: int) -> None:
        self.driver.answer(list(self.driver.todo)[pick % len(self.driver.todo)])

    @precondition(going)
    @rule(steps=st.integers(2, 12))
    def much_is_answered(self, steps: int) -> None:
        for _ in range(steps):
            if self.driver.finish is None:
                self.driver.answer(next(iter(self.driver.todo)))

    @rule(pick=PICK)
    def an_event_comes_again(self, pick: int) -> None:
        before = snapshot(self.driver.machine)
        event = self.driver.stored[pick % len(self.driver.stored)]
        assert self.driver.send(event) == []
        assert snapshot(self.driver.machine) == before

    @rule()
    def the_controller_is_killed(self) -> None:
        asked = set(self.driver.todo)
        before = snapshot(self.driver.machine)
        self.driver.killed()
        assert snapshot(self.driver.machine) == before
        assert set(self.driver.todo) == asked, "the new controller would do something else"

    @precondition(going)
    @rule(sure=st.integers(0, 9))
    def somebody_cancels(self, sure: int) -> None:
        if sure == 9:
            self.driver.cancel()

    @invariant()
    def all_holds_that_must_hold(self) -> None:
        check(self.driver.machine)
        assert self.driver.most_outstanding <= self.driver.settings.window

    @invariant()
    def the_one_that_was_never_killed_is_in_the_same_state(self) -> None:
        if self.driver.machine is not self.undying:
            for event in self.driver.stored[self.compared :]:
                self.undying.handle(event)
            assert snapshot(self.undying) == snapshot(self.driver.machine)
        self.compared = len(self.driver.stored)

    def teardown(self) -> None:
        """Come back once more and run to the end: it must be the end that was to be expected."""
        if not hasattr(self, "driver"):
            return
        if self.driver.finish is None:
            self.driver.killed()
        driver = self.driver.go_on(checked=False)
        assert driver.finish is not None and driver.todo == {}
        replayed = RunMachine.replay(driver.body, driver.stored)
        assert (replayed.outcome, replayed.pending()) == (driver.finish.outcome, [])
        expected, well = Expected.of(driver.body, driver.world, driver.settings.retries)
        if driver.machine.cancelled:
            assert driver.finish.outcome in (Outcome.CANCELLED, Outcome.COMPLETED)
            return
        assert driver.finish.outcome is (Outcome.COMPLETED if well else Outcome.FAILED), say(driver.finish)
        if well or driver.settings.on_error is OnError.CONTINUE:
            assert driver.done == expected.done
            assert driver.finish.blocked == expected.blocked


AnyHistory.TestCase.settings = settings(
    deadline=None, max_examples=100, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyHistory = AnyHistory.TestCase
