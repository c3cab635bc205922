"""How an attempt ended, from what the queue says and what its directory tells."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.base import Ended, Ending, Figures
from recrate.connectors.queues.judge import forgotten, judge, lost, with_usage
from recrate.connectors.queues.manager import Phase, QueueJob
from recrate.connectors.queues.reports import MARKS, OUT_OF_MEMORY, OVER, TIMED_OUT, Report


def record(code: int, token: str = "t") -> str:
    times = "0m0.00s 0m0.00s\n0m0.31s 0m0.02s"
    return f"recrate-result 1\ncode {code}\nstarted 10.00\nended 12.50\nrss 2048\n{times}\nend {token}\n"


def report(code: int | None = 0, *marks: str, **fields: object) -> Report:
    text = "" if code is None else record(code)
    return Report(True, claimed=True, record=text, origin=1e9 + 0.5, marks=frozenset(marks), **fields)  # type: ignore[arg-type]


def job(phase: Phase, **fields: object) -> QueueJob:
    return QueueJob("7", phase, phase.name, **fields)  # type: ignore[arg-type]


def test_a_completed_job_ended_as_its_record_says() -> None:
    ended = judge(report(3), job(Phase.COMPLETED), "t")
    assert ended == Ended(
        Ending.EXITED, 3, None, Figures(1e9 + 10.5, 1e9 + 13.0, cpu_seconds=0.33, peak_rss=2048 * 1024)
    )


def test_a_killed_command_is_told_by_its_signal() -> None:
    ended = judge(report(137), job(Phase.COMPLETED), "t")
    assert ended is not None
    assert (ended.ending, ended.signal) == (Ending.SIGNALLED, 9)


@pytest.mark.parametrize(
    ("phase", "ending"),
    [
        (Phase.TIMED_OUT, Ending.TIMED_OUT),
        (Phase.OUT_OF_MEMORY, Ending.OUT_OF_MEMORY),
        (Phase.CANCELLED, Ending.CANCELLED),
        (Phase.NODE_FAILED, Ending.NODE_FAILED),
        (Phase.PREEMPTED, Ending.PREEMPTED),
        (Phase.REQUEUED, Ending.REQUEUED),
    ],
)
@pytest.mark.parametrize("code", [None, 0, 143])
def test_a_job_that_the_queue_ended_never_went_well(phase: Phase, ending: Ending, code: int | None) -> None:
    ended = judge(report(code, OVER), job(phase), "t")
    assert ended is not None
    assert ended.ending is ending
    assert ended.message is not None
    assert "job 7" in ended.message


def test_a_failed_job_whose_command_ended_well_did_not_end_well() -> None:
    ended = judge(report(0, OVER), job(Phase.FAILED, exit_code=5), "t")
    assert ended is not None
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 5)
    assert "the command ended well, but" in (ended.message or "")


def test_who_cancelled_decides_what_is_said() -> None:
    ours = judge(report(143, cancel="cancel"), job(Phase.CANCELLED), "t")
    theirs = judge(report(143), job(Phase.CANCELLED, by="the user with id 0"), "t")
    late = judge(report(143, cancel="time"), job(Phase.CANCELLED), "t")
    assert (ours.ending, ours.message) == (Ending.CANCELLED, None) if ours else False
    assert theirs is not None
    assert "by the user with id 0" in (theirs.message or "")
    assert late is not None
    assert late.ending is Ending.TIMED_OUT


def test_a_job_that_goes_on_has_not_ended_whatever_lies_in_its_directory() -> None:
    for phase in (Phase.WAITING, Phase.HELD, Phase.NEVER, Phase.RUNNING, Phase.ENDING):
        assert judge(report(0, OVER), job(phase), "t") is None


def test_one_of_several_attempts_of_a_job_ends_before_it() -> None:
    ended = judge(report(3, OVER), job(Phase.RUNNING), "t", shared=True)
    assert ended is not None
    assert ended.exit_code == 3
    assert judge(report(3), job(Phase.RUNNING), "t", shared=True) is None


def test_an_attempt_that_did_not_begin_before_its_shared_job_failed_is_lost() -> None:
    ended = judge(Report(True), job(Phase.TIMED_OUT), "t", shared=True)
    assert ended is not None
    assert ended.ending is Ending.LOST
    assert "before the command began" in (ended.message or "")


def test_when_a_job_is_expected_to_run_again_is_not_when_it_ran() -> None:
    expected = replace(job(Phase.REQUEUED), started=1000.0, ended=1600.0)
    ended = judge(report(None), expected, "t")
    assert ended is not None
    assert (ended.figures.started, ended.figures.ended) == (None, None)


def test_a_job_that_was_put_back_before_it_began_just_waits() -> None:
    assert judge(Report(True), job(Phase.REQUEUED), "t") is None


def test_a_record_that_is_not_seen_yet_may_still_come() -> None:
    assert judge(report(None), job(Phase.COMPLETED), "t") is None
    assert judge(report(None), job(Phase.FAILED), "t") is None


def test_without_an_answer_of_the_queue_only_a_finished_record_counts() -> None:
    assert judge(report(0), None, "t") is None
    assert judge(report(None), None, "t") is None
    ended = judge(report(0, OVER), None, "t")
    assert ended is not None
    assert ended.exit_code == 0


@pytest.mark.parametrize(("mark", "ending"), [(TIMED_OUT, Ending.TIMED_OUT), (OUT_OF_MEMORY, Ending.OUT_OF_MEMORY)])
def test_what_the_node_has_seen_counts_even_when_the_queue_is_content(mark: str, ending: Ending) -> None:
    ended = judge(report(0, mark, OVER), job(Phase.COMPLETED), "t")
    assert ended is not None
    assert ended.ending is ending


def test_an_attempt_that_was_given_up_says_so() -> None:
    lost_one = judge(Report(True, given_up=True), None, "t")
    cancelled = judge(Report(True, given_up=True, cancel="cancel"), None, "t")
    assert lost_one is not None
    assert lost_one.ending is Ending.LOST
    assert cancelled is not None
    assert cancelled.ending is Ending.CANCELLED


def test_a_record_of_another_attempt_is_never_believed() -> None:
    other = Report(True, claimed=True, record=record(0, "other"), marks=frozenset({OVER}))
    assert judge(other, job(Phase.COMPLETED), "t") is None
    assert forgotten(other, "t", "job 7").ending is Ending.LOST


def test_a_forgotten_job_ended_as_its_record_says() -> None:
    assert forgotten(report(3), "t", "job 7").exit_code == 3
    assert "no longer known" in (forgotten(report(None), "t", "job 7").message or "")


def test_a_job_that_was_started_again_is_told_from_one_that_vanished() -> None:
    assert lost(report(None), job(Phase.COMPLETED, restarts=1), "7").ending is Ending.REQUEUED
    assert lost(report(None), job(Phase.COMPLETED), "7").ending is Ending.LOST


def test_what_was_accounted_for_is_added() -> None:
    ended = Ended(Ending.EXITED, 0, None, Figures(1.0, 2.0, cpu_seconds=0.1, peak_rss=500))
    usage = Figures(0.0, 3.0, cpu_seconds=0.2, peak_rss=400, bytes_read=7, bytes_written=8)
    assert with_usage(ended, usage).figures == Figures(1.0, 2.0, 0.2, 500, 7, 8)
    assert with_usage(ended, None) == ended


@given(
    st.sampled_from([None, *Phase]),
    st.sampled_from([None, 0, 3, 143]),
    st.sets(st.sampled_from(sorted(MARKS))),
    st.booleans(),
    st.sampled_from([None, "cancel", "time"]),
)
def test_nothing_but_a_good_end_gives_exit_code_0(
    phase: Phase | None, code: int | None, marks: set[str], shared: bool, cancel: str | None
) -> None:
    ended = judge(report(code, *marks, cancel=cancel), None if phase is None else job(phase), "t", shared=shared)
    if ended is not None and ended.ending is Ending.EXITED and ended.exit_code == 0:
        assert code == 0
        assert marks <= {OVER}
        assert phase in (None, Phase.COMPLETED) or shared
        assert phase is not None or OVER in marks


def test_every_phase_is_over_or_not() -> None:
    over = {phase for phase in Phase if phase.is_over}
    waiting = {phase for phase in Phase if phase.is_waiting}
    assert not over & waiting
    assert set(Phase) - over - waiting == {Phase.RUNNING, Phase.ENDING}
    assert len(list(itertools.chain(over, waiting))) == len(Phase) - 2
