"""The one loop: carries out what the run machine asks for, stores what happened, tells the machine.

Each event is committed together with the rows that it stands for, and only then handled; so
whatever the machine asks for next rests on what is on record. A write that fails ends the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import field
from typing import Any, assert_never

from ..data_classes import dataclass
from ..errors import RecrateError, StoreFailed
from ..provenance.database import Database
from .attempts import Attempts
from .board import Board, Tokens, scope_of
from .firing import Firing
from .ledger import Ledger
from .machine.events import (
    RETRIED,
    AttemptEnded,
    CancelAsked,
    Event,
    Failure,
    NothingHappened,
    RunResumed,
    RunStarted,
    ScopeCollected,
    StepFailed,
    StepGathered,
    StepUnfolded,
    encode,
)
from .machine.instructions import Cancel, Collect, Finish, Fire, Gather, Instruction, Outcome, Unfold
from .machine.run import RunMachine
from .model import Body, Workflow
from .observer import Notice
from .restoring import Restorer
from .story import sentence
from .watching import STALLED_SECONDS, StallWatch


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: its outcome, and the tokens on its output ports when it completed."""

    outcome: Outcome
    outputs: Tokens
    blocked: int = 0


@dataclass(slots=True)
class Engine:
    """Runs one body to its end."""

    body: Body
    ledger: Ledger
    attempts: Attempts
    connect: Callable[[], Database]
    """Opens a connection to the store that only reads."""
    stalled: float = STALLED_SECONDS
    """Seconds without any event after which the run says what it waits for."""
    restorer: Restorer = field(init=False)
    machine: RunMachine = field(init=False)
    board: Board = field(init=False)
    firing: Firing = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    _ended: asyncio.Future[Finish] = field(init=False)
    _failed_scopes: set[str] = field(init=False, default_factory=set)
    """Paths of the scopes in which something failed."""

    def __post_init__(self) -> None:
        self.machine = RunMachine(self.body)
        self.attempts.is_stopping = self._is_stopping
        self.attempts.backoff.outlook = self._outlook
        self.board = Board(self.ledger.mint)
        self.restorer = Restorer(
            self.body, self.ledger, self.attempts, self.attempts.contents, self.connect, self.happened
        )
        self.firing = Firing(self.board, self.ledger, self.attempts, self.happened, self.restorer)

    async def execute(self, inputs: Tokens, settings: RunStarted) -> Ending:
        """Run the body with these inputs. Raises StoreFailed when the store cannot be written."""
        self._ended = asyncio.get_running_loop().create_future()
        self.firing.root_inputs = inputs
        self._spawn(self._watch().watch())
        try:
            await self.happened(settings)
            finish = await self._ended
        finally:
            await self._stop_tasks()
        return Ending(finish.outcome, self.firing.root_outputs, finish.blocked)

    async def go_on(self, machine: RunMachine, *rows: Any, cancelled: bool = False) -> Ending:
        """Go on where an earlier controller was: `machine` and the board are as it left them.

        `cancelled`: only to end what still runs.

        Raises StoreFailed as `execute`.
        """
        self.machine = machine
        self._ended = asyncio.get_running_loop().create_future()
        await self.ledger.store(RunResumed(), *rows)
        machine.handle(RunResumed())
        if cancelled and machine.outcome is None:
            await self.ledger.store(CancelAsked())
            machine.handle(CancelAsked())
        if machine.outcome is not None:
            return Ending(machine.outcome, self.firing.root_outputs)
        self._spawn(self._watch().watch())
        try:
            for instruction in machine.pending():
                self._react(instruction)
            finish = await self._ended
            await self.attempts.close_adopted()
        finally:
            await self._stop_tasks()
        return Ending(finish.outcome, self.firing.root_outputs, finish.blocked)

    def _watch(self) -> StallWatch:
        return StallWatch(self._progress, self.attempts.diagnosis, self._tell_stalled, self.stalled)

    def _progress(self) -> object:
        """Return what changes whenever something happens, or bytes move."""
        data = self.attempts.data
        return self.ledger.next_event, 0 if data is None else data.bytes_moved

    async def _tell_stalled(self, event: NothingHappened) -> None:
        self.ledger.tell(Notice.WARNING, text=sentence(*encode(event)))
        await self.happened(event)

    def _is_stopping(self) -> bool:
        return self.machine.stopping

    @property
    def is_under_way(self) -> bool:
        """Tell whether the run has begun and is not over."""
        return "/" in self.machine.jobs

    def ask_to_cancel(self) -> None:
        """See `cancel`, which goes on by itself; when it fails, the run does."""
        self._spawn(self.cancel())

    def _outlook(self, path: str, failure: Failure) -> tuple[Failure, ...] | None:
        """Return the failures that the next attempt of a job follows on; None when none follows."""
        job = self.machine.jobs.get(path)
        if job is None or not self.machine.tries_again(job, failure):
            return None
        return (*job.failures, failure) if failure in RETRIED else job.failures

    async def cancel(self) -> None:
        """End the run and the jobs that it runs."""
        await self.happened(CancelAsked())
        await self.restorer.cancel()

    async def happened(self, event: Event, *rows: Any) -> None:
        """Store an event with its rows; when both are on disk, do what follows from it."""
        await self.ledger.store(event, *rows)
        instructions = self.machine.handle(event)
        if self.machine.stopping:
            self.attempts.backoff.stop()
        if isinstance(event, AttemptEnded) and event.failure is not None and event.job not in self.machine.jobs:
            self.ledger.tell(Notice.JOB_FAILED, job=event.job, attempt=event.attempt)
        self._close_scopes(event)
        for instruction in instructions:
            self._react(instruction)

    def _close_scopes(self, event: Event) -> None:
        """Put on record that the scopes around a job or step are over, when they ended without being collected."""
        path = str(getattr(event, "step", None) or getattr(event, "job", "/"))
        failed = _is_failure(event) and path not in self.machine.jobs
        while path != "/":
            path = scope_of(path)
            if failed:
                self._failed_scopes.add(path)
            if path not in self.machine.jobs:
                self._close(path)
            elif not failed:
                return

    def _close(self, path: str) -> None:
        if path in self.board.scopes:
            self.board.close(path)
            self.ledger.recorder.put(*self.ledger.ended_scope(path, failed=path in self._failed_scopes))

    def _react(self, instruction: Instruction) -> None:
        if isinstance(instruction, Finish):
            for path in list(self.board.scopes):
                self._close(path)
            if not self._ended.done():
                self._ended.set_result(instruction)
            return
        self._spawn(self._carry_out(instruction))

    async def _carry_out(self, instruction: Unfold | Fire | Gather | Collect | Cancel) -> None:
        match instruction:
            case Fire():
                await self.firing.fire(instruction)
            case Unfold():
                await self._unfold(instruction)
            case Gather():
                await self._gather(instruction)
            case Collect():
                await self._collect(instruction)
            case Cancel():
                await self.attempts.cancel(instruction.job)
            case _:
                assert_never(instruction)

    async def _unfold(self, unfold: Unfold) -> None:
        try:
            unfolding = self.board.unfold(unfold.step, unfold.model)
        except RecrateError as error:
            await self._step_failed(unfold.step, error)
            return
        self.ledger.tell(Notice.STEP_UNFOLDED, step=unfold.step, shape=unfolding.shape, model=unfold.model)
        await self.happened(StepUnfolded(unfold.step, unfolding.shape))

    async def _gather(self, gather: Gather) -> None:
        try:
            self.board.gather(gather.step)
        except RecrateError as error:
            await self._step_failed(gather.step, error)
            return
        self.ledger.tell(Notice.STEP_ENDED, step=gather.step)
        await self.happened(StepGathered(gather.step))

    async def _step_failed(self, step: str, error: RecrateError) -> None:
        rows = self.ledger.failed_job(step, error)
        self.ledger.tell(Notice.JOB_FAILED, step=step, job=step, text=error.render())
        await self.happened(StepFailed(step), *rows)

    async def _collect(self, collect: Collect) -> None:
        body = collect.body
        assert isinstance(body, Workflow)
        try:
            tokens = self.board.collect(collect.job)
            outputs = self.firing.delivered(collect.job, body, tokens)
        except RecrateError as error:
            self.board.close(collect.job)
            self.ledger.tell(Notice.JOB_FAILED, job=collect.job, text=error.render())
            await self.happened(ScopeCollected(collect.job, ok=False), *self.ledger.failed_job(collect.job, error))
            return
        job = self.ledger.known_job(collect.job)
        rows = self.ledger.ended_job(job, outputs)
        self.board.close(collect.job)
        try:
            self.firing.finished(job, outputs)
        except RecrateError as error:
            await self.happened(ScopeCollected(collect.job, ok=False), *rows, *self.ledger.failed_job(job, error))
            return
        await self.happened(ScopeCollected(collect.job), *rows)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, StoreFailed):
            self.attempts.leaves_jobs = True
        if error is not None and not self._ended.done():
            self._ended.set_exception(error)

    async def _stop_tasks(self) -> None:
        """End what is still under way, jobs included, when the run is over or broke."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


def _is_failure(event: Event) -> bool:
    """Tell whether an event says that a job or step failed."""
    if isinstance(event, AttemptEnded):
        return event.failure not in (None, Failure.CANCELLED)
    return isinstance(event, StepFailed) or (isinstance(event, ScopeCollected) and not event.ok)
