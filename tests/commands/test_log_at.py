"""`recrate log --at`: the state of a run at a point of its story."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Commands


@pytest.fixture
def ran(recrate: Commands) -> Commands:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first", "--jobs", "1")
    return recrate


def story(recrate: Commands) -> list[dict[str, object]]:
    return [json.loads(line) for line in recrate("log", "first", "--json").stdout.splitlines()]


GOLDEN = """\
run    first
state  going on
after  event NUMBER of 9: job /count[0]: attempt 1 completed
at     DATE, N s after the start

step     instances   jobs   waiting   under way   completed   skipped   failed   cancelled
──────────────────────────────────────────────────────────────────────────────────────────
/count   1 running   2                1           1

under way:
job         attempt   state
LINE
/count[1]   1         STARTS
"""


def test_the_state_after_an_event_is_shown(ran: Commands) -> None:
    # The second job is made ready ahead: which event is the first to end a job depends on how quick it is.
    states = [ran("log", "first", "--at", str(number)).stdout for number in range(5, 8)]
    shown = next(text for text in states if "count[0]: attempt 1 completed" in text)
    shown = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, \d+\.\d{3} s", "DATE, N s", shown)
    shown = re.sub(r"event \d of", "event NUMBER of", shown)
    shown = re.sub(r"(1 +)(about to start|started)$", r"\1STARTS", shown, flags=re.MULTILINE)
    shown = re.sub(r"\u2500+\n(?=.count.1. )", "LINE\n", shown)
    assert shown == GOLDEN


def test_the_state_is_told_to_programs(ran: Commands) -> None:
    events = story(ran)
    told = ran.json("log", "first", "--at", str(len(events)))
    assert (told["run"], told["standing"], told["event"]["seq"]) == ("first", "completed", len(events))
    (step,) = told["steps"]
    assert (step["path"], step["jobs"], step["completed"], step["instances"]) == ("/count", 2, 2, {"done": 1})
    told = ran.json("log", "first", "--at", "4")
    assert told["under_way"] == [
        {"path": "/count[0]", "attempt": 1, "started": True},
        {"path": "/count[1]", "attempt": 1, "started": False},
    ]


def test_a_point_may_be_a_time(ran: Commands) -> None:
    events = story(ran)
    started = datetime.fromtimestamp(float(str(events[0]["instant"])))
    for point in (
        (started + timedelta(minutes=5)).isoformat(),
        (started + timedelta(minutes=5)).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "+1h",
        "+90s",
        "+2.5m",
    ):
        assert ran.json("log", "first", "--at", point)["standing"] == "completed", point
    third = ran("log", "first").stdout.splitlines()[2].split()
    assert ran.json("log", "first", "--at", f"+{third[1]}s")["event"]["seq"] >= int(third[0])
    assert ran.json("log", "first", "--at", "+0s")["event"] is None
    assert ran.json("log", "first", "--at", f"{started:%H:%M:%S}")["event"]["seq"] >= 1
    assert "none of 9 events" in ran("log", "first", "--at", "+0s").stdout


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("99", "run first has no event 99: they are 1 to 9"),
        ("0", "run first has no event 0"),
        ("1" * 5000, "has no event"),
        ("2001-02-03", "2001-02-03 is before run first started, at 20"),
        ("yesterday", "'yesterday' is no point in the story of a run"),
        (":", "is no point"),
        ("25:99", "is no point"),
        ("+90", "is no point"),
        ("", "is no point"),
    ],
)
def test_what_is_no_point_in_the_story_is_refused_in_a_line(ran: Commands, point: str, said: str) -> None:
    assert said in ran("log", "first", "--at", point, code=2).stderr


def test_it_works_for_a_run_that_goes_on_and_for_one_whose_controller_is_gone(recrate: Commands) -> None:
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sleep", "5"],
        "inputs": {},
        "outputs": {},
    }
    (recrate.folder / "sleep.cwl").write_text(json.dumps(tool))
    controller = subprocess.Popen(
        [sys.executable, "-m", "recrate", "run", "-q", "sleep.cwl", "--name", "slow"],
        cwd=recrate.folder,
        env=recrate.environment,
    )
    try:
        deadline = time.monotonic() + 30
        while not list((recrate.folder / "data").rglob("out")):
            assert controller.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        states = [recrate.json("log", "slow", "--at", "+1h")]
    finally:
        controller.kill()
        controller.wait()
    states.append(recrate.json("log", "slow", "--at", "+1h"))
    for state in states:
        assert state["standing"] == "going on"
        assert state["under_way"] == [{"path": "/", "attempt": 1, "started": True}]
    assert recrate.json("runs")[0]["state"] == "interrupted"
