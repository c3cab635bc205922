"""The poll, with a queue and directories that are told what to say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recrate.connectors.base import Ending, Figures
from recrate.connectors.queues.manager import Phase, QueueJob
from recrate.connectors.queues.reports import OVER, Report
from recrate.connectors.queues.tracking import SHARE, SHARE_OF_MANY, Tracked, Tracking, least_pause
from recrate.errors import PlaceFailed

RECORD = "recrate-result 1\ncode 3\nstarted 10\nended 12\nrss -\n0m0s 0m0s\n0m0s 0m0s\nend t\n"
DONE = Report(True, claimed=True, record=RECORD, marks=frozenset({OVER}))


@dataclass
class Scene:
    """A queue with one job, and the directory of its attempt."""

    job: QueueJob | None = None
    report: Report = field(default_factory=Report)
    ends_when_asked: QueueJob | None = None
    """What the job comes to while the queue is asked; its record appears then."""
    told_later: QueueJob | None = None
    """What the accounts make of the job when it was asked for details three times."""
    asked: int = 0
    is_silent: bool = False
    tells_ends: bool = False
    """Jobs that are over are listed like the others."""
    accounts: bool = False
    longest_pause: float = 0.2
    seconds_of_a_look: float = 0.0
    leaves_its_record: QueueJob | None = None
    """What the job has come to when the place was watched for its record; None: there is no record."""
    watched: int = 0
    looks: int = 0

    async def listed(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        self.looks += 1
        await asyncio.sleep(self.seconds_of_a_look)
        if self.is_silent:
            raise PlaceFailed("no answer")
        if self.ends_when_asked is not None:
            self.job, self.report = self.ends_when_asked, DONE
        return {} if self.job is None or (self.job.phase.is_over and not self.tells_ends) else {"7": self.job}

    async def details(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        self.asked += 1
        if self.told_later is not None and self.asked > 3:
            return {"7": self.told_later}
        return {} if self.job is None else {"7": self.job}

    async def cancel(self, native_ids: Sequence[str]) -> None:
        """Take jobs out of the queue."""

    async def usage(self, native_ids: Sequence[str]) -> Mapping[str, Figures]:
        return {}

    async def reports(self, directories: Sequence[str]) -> Sequence[Report]:
        return [self.report for _ in directories]

    async def recorded(self, directories: Sequence[str], seconds: float) -> bool:
        self.watched += 1
        if self.leaves_its_record is None:
            await asyncio.sleep(seconds)
            return False
        self.job, self.report = self.leaves_its_record, DONE
        return True

    async def end(self, asked: Sequence[Tracked], why: str) -> None:
        raise AssertionError("nothing is to be ended here")

    def tracking(self, patience: float = 60) -> Tracking:
        return Tracking(self, self.reports, self.end, self.recorded, self.longest_pause, patience)  # type: ignore[arg-type]


def tracked(*, shared: bool) -> Tracked:
    return Tracked("t", "/d", "7", shared, asyncio.get_running_loop().create_future())


async def test_what_a_job_leaves_while_the_queue_is_asked_is_seen() -> None:
    """A member of a group that began and ended in between is not taken for one that never began."""
    ended = QueueJob("7", Phase.OUT_OF_MEMORY, "OUT_OF_MEMORY")
    scene = Scene(QueueJob("7", Phase.RUNNING, "RUNNING"), Report(True), ends_when_asked=ended)
    one = tracked(shared=True)
    scene.tracking().add(one)
    found = await asyncio.wait_for(one.done, 5)
    assert (found.ending, found.exit_code) == (Ending.EXITED, 3)


async def test_a_queue_that_is_silent_does_not_hide_what_is_done() -> None:
    scene = Scene(report=DONE, is_silent=True)
    one = tracked(shared=False)
    tracking = scene.tracking()
    tracking.add(one)
    assert (await asyncio.wait_for(one.done, 5)).exit_code == 3
    assert tracking.silence == "no answer"


async def test_nothing_is_looked_at_when_nothing_is_open() -> None:
    scene = Scene(QueueJob("7", Phase.COMPLETED, "COMPLETED"), DONE)
    one = tracked(shared=False)
    scene.tracking().add(one)
    await asyncio.wait_for(one.done, 5)
    looks = scene.looks
    await asyncio.sleep(0.5)
    assert scene.looks == looks


def test_pauses_grow_with_what_a_look_takes_and_where_many_end_all_the_time() -> None:
    assert least_pause(took=0.5, since_last=2, ended=0, still_open=400) == SHARE * 0.5
    assert least_pause(took=0.5, since_last=2, ended=50, still_open=400) == 4.0
    assert least_pause(took=0.1, since_last=2, ended=50, still_open=400) == SHARE_OF_MANY * 0.1


def test_the_last_ones_are_not_waited_for_longer_than_needed() -> None:
    assert least_pause(took=0.5, since_last=2, ended=50, still_open=50) == 1.0
    assert least_pause(took=0.5, since_last=2, ended=50, still_open=10) == 0.5
    assert least_pause(took=0.5, since_last=2, ended=50, still_open=0) == 0.5


PUT_BACK = QueueJob("7", Phase.REQUEUED, "PENDING", "BeginTime")
PREEMPTED = QueueJob("7", Phase.PREEMPTED, "PREEMPTED")
BEGUN = Report(True, claimed=True)


async def test_why_a_job_was_put_back_is_told_by_accounts_that_come_late() -> None:
    scene = Scene(PUT_BACK, BEGUN, told_later=PREEMPTED, accounts=True)
    one = tracked(shared=False)
    scene.tracking().add(one)
    assert (await asyncio.wait_for(one.done, 5)).ending is Ending.PREEMPTED


async def test_without_accounts_nobody_waits_for_them() -> None:
    scene = Scene(PUT_BACK, BEGUN, told_later=PREEMPTED)
    one = tracked(shared=False)
    scene.tracking().add(one)
    assert (await asyncio.wait_for(one.done, 5)).ending is Ending.REQUEUED
    assert scene.asked == 1


async def test_of_a_job_that_is_listed_as_completed_nothing_more_is_asked() -> None:
    scene = Scene(QueueJob("7", Phase.COMPLETED, "COMPLETED"), DONE, tells_ends=True)
    one = tracked(shared=False)
    scene.tracking().add(one)
    assert (await asyncio.wait_for(one.done, 5)).exit_code == 3
    assert scene.asked == 0


async def test_of_a_job_that_is_listed_as_failed_the_reason_is_asked_for() -> None:
    scene = Scene(QueueJob("7", Phase.OUT_OF_MEMORY, "OUT_OF_MEMORY"), DONE, tells_ends=True)
    one = tracked(shared=False)
    scene.tracking().add(one)
    assert (await asyncio.wait_for(one.done, 5)).ending is Ending.OUT_OF_MEMORY
    assert scene.asked == 1


async def test_a_long_pause_ends_when_the_last_attempts_have_left_their_records() -> None:
    """A look takes so long here that four times as much passes between two of them."""
    running, completed = QueueJob("7", Phase.RUNNING, "RUNNING"), QueueJob("7", Phase.COMPLETED, "COMPLETED")
    scene = Scene(running, seconds_of_a_look=1.0, longest_pause=60, leaves_its_record=completed)
    one = tracked(shared=False)
    begun = asyncio.get_running_loop().time()
    scene.tracking().add(one)
    assert (await asyncio.wait_for(one.done, 10)).exit_code == 3
    assert asyncio.get_running_loop().time() - begun < 2 * 1.0 + SHARE * 1.0 / 2


async def test_a_job_that_stays_in_the_queue_after_its_record_is_looked_at_no_more_often() -> None:
    running = QueueJob("7", Phase.RUNNING, "RUNNING")
    scene = Scene(running, seconds_of_a_look=0.2, longest_pause=60, leaves_its_record=running)
    tracking = scene.tracking()
    tracking.add(tracked(shared=False))
    await asyncio.sleep(2.5)
    assert (scene.watched, scene.looks < 6) == (1, True)
    await tracking.stop()
