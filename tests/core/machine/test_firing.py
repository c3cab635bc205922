"""When steps unfold, jobs fire, outputs are gathered and a run completes."""

from __future__ import annotations

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    JobSkipped,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Fire, Outcome, Unfold
from recrate.core.machine.run import RunMachine

from .models import TASK, chain, step, workflow
from .sights import play, told

START, OPEN = (RunStarted(), "fire /"), ScopeOpened("/")
END = (ScopeCollected("/"), "finish completed")


def test_a_run_of_one_task_completes_with_its_attempt() -> None:
    machine = play(TASK, START, (AttemptStarted("/", 1), ""), (AttemptEnded("/", 1), "finish completed"))
    assert machine.outcome is Outcome.COMPLETED


def test_a_job_may_end_without_an_attempt() -> None:
    play(TASK, START, (AttemptEnded("/", 0), "finish completed"))


def test_a_workflow_without_steps_is_collected_as_soon_as_it_opens() -> None:
    play(workflow(), START, (OPEN, "collect /"), END)


def test_one_step_goes_through_all_its_phases() -> None:
    play(
        workflow(step("a")),
        START,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a"), "fire /a"),
        (AttemptStarted("/a", 1), ""),
        (AttemptEnded("/a", 1), "gather /a"),
        (StepGathered("/a"), "collect /"),
        END,
    )


def test_a_step_waits_for_the_outputs_of_the_one_before() -> None:
    play(
        chain(2),
        START,
        (OPEN, "unfold /s0"),
        (StepUnfolded("/s0"), "fire /s0"),
        (AttemptEnded("/s0", 1), "gather /s0"),
        (StepGathered("/s0"), "unfold /s1"),
        (StepUnfolded("/s1"), "fire /s1"),
        (AttemptEnded("/s1", 1), "gather /s1"),
        (StepGathered("/s1"), "collect /"),
        END,
    )


def test_in_a_diamond_the_last_step_waits_for_both_sides() -> None:
    diamond = workflow(step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"]))
    play(
        diamond,
        START,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a"), "fire /a"),
        (AttemptEnded("/a", 1), "gather /a"),
        (StepGathered("/a"), "unfold /b, unfold /c"),
        (StepUnfolded("/c"), "fire /c"),
        (StepUnfolded("/b"), "fire /b"),
        (AttemptEnded("/b", 1), "gather /b"),
        (StepGathered("/b"), ""),
        (AttemptEnded("/c", 1), "gather /c"),
        (StepGathered("/c"), "unfold /d"),
        (StepUnfolded("/d"), "fire /d"),
        (AttemptEnded("/d", 1), "gather /d"),
        (StepGathered("/d"), "collect /"),
        END,
    )


def test_two_links_from_the_same_step_count_once() -> None:
    play(
        workflow(step("a"), step("b", ["a", "a"])),
        START,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a"), "fire /a"),
        (AttemptEnded("/a", 1), "gather /a"),
        (StepGathered("/a"), "unfold /b"),
    )


def test_steps_need_not_be_written_in_the_order_of_their_links() -> None:
    play(
        workflow(step("late", ["early"]), step("early")),
        START,
        (OPEN, "unfold /early"),
        (StepUnfolded("/early"), "fire /early"),
        (AttemptEnded("/early", 1), "gather /early"),
        (StepGathered("/early"), "unfold /late"),
    )


def test_a_skipped_job_counts_as_done() -> None:
    play(
        workflow(step("a", kind="conditional"), step("b", ["a"])),
        START,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a"), "fire /a"),
        (JobSkipped("/a"), "gather /a"),
        (StepGathered("/a"), "unfold /b"),
    )


def test_the_steps_of_a_nested_workflow_run_below_its_job() -> None:
    play(
        workflow(step("outer", body=workflow(step("inner"))), step("next", ["outer"])),
        START,
        (OPEN, "unfold /outer"),
        (StepUnfolded("/outer"), "fire /outer"),
        (ScopeOpened("/outer"), "unfold /outer/inner"),
        (StepUnfolded("/outer/inner"), "fire /outer/inner"),
        (AttemptEnded("/outer/inner", 1), "gather /outer/inner"),
        (StepGathered("/outer/inner"), "collect /outer"),
        (ScopeCollected("/outer"), "gather /outer"),
        (StepGathered("/outer"), "unfold /next"),
    )


def test_the_same_workflow_as_the_body_of_two_steps_runs_twice() -> None:
    shared = workflow(step("x"))
    play(
        workflow(step("a", body=shared), step("b", body=shared)),
        START,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (StepUnfolded("/b"), "fire /b"),
        (ScopeOpened("/b"), "unfold /b/x"),
        (ScopeOpened("/a"), "unfold /a/x"),
        (StepUnfolded("/a/x"), "fire /a/x"),
        (AttemptEnded("/a/x", 1), "gather /a/x"),
        (StepGathered("/a/x"), "collect /a"),
        (ScopeCollected("/a"), "gather /a"),
    )


def test_instructions_carry_what_is_needed_to_carry_them_out() -> None:
    body = workflow(step("a", kind="scatter"))
    machine = RunMachine.replay(body, [RunStarted()])
    assert machine.handle(OPEN) == [Unfold("/a", body.steps["a"])]
    assert machine.handle(StepUnfolded("/a", (2,))) == [
        Fire("/a[0]", "/a", 0, 1, TASK),
        Fire("/a[1]", "/a", 1, 1, TASK),
    ]


def test_the_outermost_job_has_no_step() -> None:
    assert RunMachine(TASK).handle(RunStarted()) == [Fire("/", "", 0, 1, TASK)]


def test_nothing_happens_before_the_run_starts() -> None:
    machine = RunMachine(chain(1))
    assert told(machine, OPEN, StepUnfolded("/s0"), AttemptEnded("/s0", 1), ScopeCollected("/")) == ""
    assert machine.pending() == []
    assert told(machine, RunStarted()) == "fire /"
