"""Notices that are made of the store's rows are those that the controller told."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import recrate
from recrate.core.following import Course, Facts, Story, retold
from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    JobSkipped,
    OnError,
    RetryLimit,
    RunResumed,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
)
from recrate.core.observer import Notice, Progress
from recrate.provenance.store import open_store

FAILED = Failure.PERMANENT
GONE = Failure.INTERRUPTED


@pytest.mark.parametrize(
    ("event", "facts", "expected"),
    [
        (RunStarted(), Facts(), []),
        (ScopeOpened("/fold[1]"), Facts(), []),
        (CancelAsked(), Facts(), []),
        (ScopeCollected("/fold[1]"), Facts(), []),
        (StepUnfolded("/s", (2, 3)), Facts(), [Progress(Notice.STEP_UNFOLDED, "", step="/s", jobs=6)]),
        (StepUnfolded("/s"), Facts(), [Progress(Notice.STEP_UNFOLDED, "", step="/s", jobs=1)]),
        (StepUnfolded("/s", (2,)), Facts(is_workflow=True), [Progress(Notice.STEP_UNFOLDED, "", step="/s")]),
        (StepGathered("/s"), Facts(), [Progress(Notice.STEP_ENDED, "", step="/s")]),
        (StepFailed("/s"), Facts(error="odd"), [Progress(Notice.JOB_FAILED, "", step="/s", job="/s", text="odd")]),
        (ScopeCollected("/f", ok=False), Facts(error="odd"), [Progress(Notice.JOB_FAILED, "", job="/f", text="odd")]),
        (JobSkipped("/f[1]/s[0,2]"), Facts(), [Progress(Notice.JOB_SKIPPED, "", step="/f[1]/s", job="/f[1]/s[0,2]")]),
        (AttemptStarted("/s~3", 2), Facts(), [Progress(Notice.JOB_STARTED, "", step="/s", job="/s~3", attempt=2)]),
        (AttemptEnded("/", 1), Facts(), [Progress(Notice.JOB_COMPLETED, "", job="/", attempt=1)]),
        (AttemptEnded("/s", 0), Facts(), [Progress(Notice.JOB_COMPLETED, "", step="/s", job="/s")]),
        (AttemptEnded("/s", 0), Facts(is_cached=True), [Progress(Notice.JOB_CACHED, "", step="/s", job="/s")]),
        (
            AttemptEnded("/s", 1, FAILED),
            Facts(error="exit code 3"),
            [
                Progress(Notice.ATTEMPT_FAILED, "", step="/s", job="/s", attempt=1, text="exit code 3"),
                Progress(Notice.JOB_FAILED, "", job="/s", attempt=1),
            ],
        ),
    ],
)  # fmt: skip
def test_an_event_is_told_as_the_controller_told_it(event: Event, facts: Facts, expected: list[Progress]) -> None:
    assert retold(event, Course(), facts) == expected


@pytest.mark.parametrize(
    ("before", "ended", "again"),
    [
        ([RunStarted(retries=1)], AttemptEnded("/s", 1, FAILED), True),
        ([RunStarted(retries=1), AttemptEnded("/s", 1, FAILED)], AttemptEnded("/s", 2, FAILED), False),
        ([RunStarted(retries=1), AttemptEnded("/s", 1, GONE)], AttemptEnded("/s", 2, FAILED), True),
        ([RunStarted(limits=(RetryLimit(1, "/s"),))], AttemptEnded("/s[1]", 1, FAILED), True),
        ([RunStarted(limits=(RetryLimit(1, "/s"),))], AttemptEnded("/t", 1, FAILED), False),
        ([RunStarted(retries=1), CancelAsked(), RunResumed()], AttemptEnded("/s", 1, FAILED), True),
        ([RunStarted(retries=1)], AttemptEnded("/s", 0, Failure.INVALID), False),
        ([RunStarted(retries=1)], AttemptEnded("/s", 1, Failure.INVALID), False),
        ([RunStarted(retries=1), AttemptEnded("/t", 1, FAILED)], AttemptEnded("/s", 1, FAILED), True),
        ([RunStarted(retries=1), AttemptEnded("/t", 0, FAILED)], AttemptEnded("/s", 1, FAILED), False),
        ([RunStarted(retries=1), StepFailed("/t")], AttemptEnded("/s", 1, FAILED), False),
        ([RunStarted(retries=1, on_error=OnError.CONTINUE), StepFailed("/t")], AttemptEnded("/s", 1, FAILED), True),
        ([RunStarted(retries=1), CancelAsked()], AttemptEnded("/s", 1, FAILED), False),
    ],
)
def test_a_job_that_is_tried_again_has_not_failed(before: list[Event], ended: AttemptEnded, again: bool) -> None:
    course = Course()
    for event in before:
        course = course.after(event)
    notices = [progress.notice for progress in retold(ended, course, Facts())]
    assert (Notice.JOB_FAILED not in notices) is again


class Noting:
    """An observer that keeps all notices."""

    def __init__(self) -> None:
        self.told: list[Progress] = []

    def notify(self, progress: Progress) -> None:
        self.told.append(progress)


def inner(script: str, **more: object) -> dict[str, object]:
    described = {
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", script],
        "inputs": {"n": {"type": "int", "inputBinding": {}}},
        "outputs": {"o": "stdout"},
        "stdout": "o.txt",
    }
    return {"run": described, "scatter": "n", "in": {"n": "n"}, "out": ["o"], **more}


def workflow(**steps: object) -> dict[str, object]:
    wanted = ("ScatterFeatureRequirement", "SubworkflowFeatureRequirement", "InlineJavascriptRequirement")
    return {
        "cwlVersion": "v1.2", "class": "Workflow", "requirements": {name: {} for name in wanted},
        "inputs": {"n": "int[]"}, "outputs": {}, "steps": steps,
    }  # fmt: skip


def test_a_whole_run_is_told_again_from_the_store(tmp_path: Path) -> None:
    described = workflow(
        some=inner("test $0 -ne 2", when="$(inputs.n > 0)"),
        all={"run": workflow(each=inner("echo $0")), "in": {"n": "n"}, "out": []},
    )
    (tmp_path / "w.cwl").write_text(json.dumps(described))
    store, noting = str(tmp_path / "s.db"), Noting()
    options = {"store": store, "work": tmp_path / "work", "retries": 1, "on_error": OnError.CONTINUE}
    result = recrate.run(tmp_path / "w.cwl", {"n": [0, 1, 2]}, observer=noting, **options)
    with open_store(store) as opened:
        told = list(Story(opened.database, result.id).news())
    assert Counter(told_by(told)) == Counter(told_by(noting.told))
    assert {progress.notice for progress in told} >= {Notice.JOB_SKIPPED, Notice.ATTEMPT_FAILED, Notice.STEP_ENDED}


def told_by(notices: list[Progress]) -> list[Progress]:
    """Return the notices of steps and jobs, without what the store says in another way."""
    about = [progress for progress in notices if progress.step or progress.job]
    return [
        replace(
            progress, instant=None, location="", jobs=progress.jobs if progress.notice is Notice.STEP_UNFOLDED else 0
        )
        for progress in about
    ]
