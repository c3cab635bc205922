"""`kill -9` of the controller at any moment costs nothing but time."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .documents import EFFECTS, INPUTS, everything
from .driver import Bed, contents

MakeBed = Callable[..., Bed]
SHARES = 4
"""The commit points are dealt out to so many tests, which may run side by side."""
MOST_COMMITS = 60
RANDOM_KILLS = 100


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What the run is when nothing happens to it: made by the first test that asks."""
    return {}


def undisturbed(whole: dict[str, Any], make_bed: MakeBed) -> dict[str, Any]:
    if not whole:
        bed = make_bed(everything, INPUTS, "undisturbed")
        begun = time.monotonic()
        whole |= bed.run()
        whole["seconds"] = time.monotonic() - begun
        assert whole["state"] == "completed"
        assert sum(bed.lines().values()) == EFFECTS
        bed.check_closed()
    return whole


def finished_as(whole: dict[str, Any], bed: Bed, answer: dict[str, Any]) -> None:
    """The run came to the same end, nothing was done twice, and nothing is left open."""
    assert answer.get("state") == "completed", answer
    assert contents(answer["outputs"]) == contents(whole["outputs"])
    assert set(bed.lines().values()) == {1}, bed.lines()
    assert sum(bed.lines().values()) == EFFECTS
    bed.check_closed()


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_commit_point(share: int, after: bool, make_bed: MakeBed, whole: dict[str, Any]) -> None:
    expected = undisturbed(whole, make_bed)
    for commit in range(1 + share, MOST_COMMITS, SHARES):
        bed = make_bed(everything, INPUTS, f"kill-{commit}")
        killed = bed.run(commit=commit, after=after)
        if killed["status"] == 0:
            continue  # this run needed fewer commits: they are as many as come together by chance
        if not bed.has_run():
            assert (commit, after) == (1, False)
            continue
        finished_as(expected, bed, bed.resume())


@pytest.mark.parametrize("share", range(SHARES))
def test_kills_at_random_instants_again_and_again(share: int, make_bed: MakeBed, whole: dict[str, Any]) -> None:
    expected = undisturbed(whole, make_bed)
    chance = random.Random(share)
    kills = number = 0
    while kills < RANDOM_KILLS // SHARES:
        number += 1
        bed = make_bed(everything, INPUTS, f"random-{number}")
        answer = bed.run(seconds=chance.uniform(0.01, expected["took"]))
        while answer["status"] != 0:
            kills += 1
            again = bed.resume if bed.has_run() else bed.run
            answer = again(seconds=chance.uniform(0.02, expected["took"])) if chance.random() < 0.7 else again()
        finished_as(expected, bed, answer)


def test_a_kill_during_each_commit_of_the_controllers_that_follow(make_bed: MakeBed, whole: dict[str, Any]) -> None:
    """Each controller gets as far as its sixth commit; what each does is one more step, never lost."""
    expected = undisturbed(whole, make_bed)
    bed = make_bed(everything, INPUTS)
    answer, controllers = bed.run(commit=6, after=True), 1
    while answer["status"] != 0:
        answer, controllers = bed.resume(commit=6, after=True), controllers + 1
        assert controllers < 100
    finished_as(expected, bed, answer)
    assert controllers > 5


def test_resuming_takes_no_longer_than_what_remained(make_bed: MakeBed, whole: dict[str, Any]) -> None:
    expected = undisturbed(whole, make_bed)
    bed = make_bed(everything, INPUTS)
    killed = bed.run(commit=expected["commits"] // 2)
    answer = bed.resume()
    assert killed["took"] + answer["took"] <= expected["took"] + 1.0


def test_jobs_that_run_are_awaited_and_those_that_ended_are_taken_over(make_bed: MakeBed) -> None:
    from recrate.provenance.rows import AttemptRow
    from recrate.provenance.store import open_store

    from .documents import pair

    bed = make_bed(lambda log: pair(log, short=0.3, long=3.0), {"x": "a"})
    killed = bed.run(seconds=1.2)
    assert killed["status"] == -9
    time.sleep(0.3)
    answer = bed.resume()
    assert answer["state"] == "completed"
    assert 0.5 < answer["took"] < 2.5
    assert sorted(bed.lines().values()) == [1, 1]
    with open_store(bed.store) as store:
        rows = store.database.rows(AttemptRow)
    assert [row.number for row in rows] == [1, 1]
    for row in rows:
        assert row.exit_code == 0 and row.started is not None and row.ended is not None
        assert row.cpu_seconds is not None and row.ended - row.started > 0.2


def test_a_reboot_takes_the_jobs_along_and_they_are_done_again(make_bed: MakeBed, whole: dict[str, Any]) -> None:
    """As after a loss of power: the controller and all jobs end at once, wherever they are."""
    expected = undisturbed(whole, make_bed)
    for share in (0.2, 0.4, 0.6, 0.8):
        bed = make_bed(everything, INPUTS, f"reboot-{share}")
        if bed.run(seconds=expected["took"] * share)["status"] == 0 or not bed.has_run():
            continue
        kill_all_below(bed.directory)
        answer = bed.resume()
        assert answer.get("state") == "completed", answer
        assert contents(answer["outputs"]) == contents(expected["outputs"])
        assert len(bed.lines()) == EFFECTS
        bed.check_closed()


def kill_all_below(folder: Path) -> None:
    """Kill each process whose command line names something below a directory."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue
