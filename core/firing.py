"""What one job comes to: skipped, a scope that opens, an expression that is evaluated, or attempts
of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from typing import Any, TypeVar

from ..data_classes import dataclass
from ..errors import FileElsewhere, RecrateError
from .attempts import MOST_EXCUSED, MOST_REMOVED, Attempts
from .board import Board, Tokens
from .ledger import Ledger
from .machine.events import RETRIED, AttemptEnded, Failure, JobSkipped, ScopeOpened
from .machine.instructions import Fire
from .model import Body, Step, Task, Workflow
from .observer import Notice
from .records import Job
from .restoring import Restorer, missing
from .results import Failed, Succeeded
from .reuse import Taken
from .tokens import Origin
from .values import Values

T = TypeVar("T")
Happened = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Firing:
    """Carries out `Fire` instructions."""

    board: Board
    ledger: Ledger
    attempts: Attempts
    happened: Happened
    restorer: Restorer
    root_inputs: Tokens = field(default_factory=dict)
    root_outputs: Tokens = field(default_factory=dict)
    _iterations: dict[str, Values] = field(default_factory=dict)
    """By path of a looping step: the inputs of its latest iteration, as they were evaluated."""
    _evaluator: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "javascript"))

    async def fire(self, fire: Fire) -> None:
        """Carry out a job; its end becomes an event."""
        job = self.ledger.job(fire)
        try:
            tokens, step = self._inputs(fire)
            if not self.attempts.is_stopping():
                await self.restorer.ensure([token.value for token in tokens.values()])
            slow = _is_slow(fire.body) or (step is not None and step.code.uses_javascript)
            given = [token.value for token in tokens.values()]
            values = await self._with_files(given, slow, self._prepare, fire, step, tokens)
        except RecrateError as error:
            await self._failed(job, error)
            return
        if values is None:
            await self._skip(job, fire)
        elif isinstance(fire.body, Workflow):
            await self._open(job, fire.body, tokens, values)
        elif fire.body.code.kind == "expression":
            await self._evaluate(job, fire.body, tokens, values)
        else:
            await self._attempt(job, fire, fire.body, tokens, values)

    def _inputs(self, fire: Fire) -> tuple[Tokens, Step | None]:
        if not fire.step:
            return self.root_inputs, None
        return self.board.inputs_of(fire.step, fire.index), self.board.unfoldings[fire.step].step

    def _prepare(self, fire: Fire, step: Step | None, tokens: Tokens) -> Values | None:
        """Return the values that the body gets, or None when the job is to be skipped."""
        data = self.attempts.data
        values: Values = {name: token.value for name, token in tokens.items()}
        if data is not None:
            values = data.view(values)
        if step is not None:
            values = self._given(fire.step, fire.index, step, values)
            if (step.conditional or step.loop is not None) and not step.code.condition(values):
                return None
        names = fire.body.inputs
        accepted = fire.body.code.accept({name: values[name] for name in names if name in values})
        self.attempts.contents.complete(accepted)
        if data is not None:
            accepted = data.unviewed(accepted)
        return {**dict.fromkeys(names), **accepted}

    def _given(self, path: str, index: int, step: Step, values: Values) -> Values:
        """Return the values that a step gives to its body; of a loop, these are kept for the next iteration."""
        if step.loop is None or index == 0:
            values = step.code.inputs(values)
        if step.loop is not None:
            self._iterations[path] = values
        return values

    def turn(self, path: str, index: int) -> None:
        """Get ready for the end of an iteration that an earlier controller carried out."""
        tokens = self.board.inputs_of(path, index)
        step = self.board.unfoldings[path].step
        self._given(path, index, step, {name: token.value for name, token in tokens.items()})

    async def _skip(self, job: Job, fire: Fire) -> None:
        unfolding = self.board.unfoldings[fire.step]
        if unfolding.step.loop is None:
            unfolding.results[fire.index] = None
        self.ledger.tell(Notice.JOB_SKIPPED, job=job.path, step=fire.step)
        await self.happened(JobSkipped(job.path), *self.ledger.skipped_job(job))

    async def _open(self, job: Job, body: Workflow, tokens: Tokens, values: Values) -> None:
        inputs, rows = self.ledger.inputs(job, tokens, values)
        self.board.open(job.path, body, inputs)
        await self.happened(ScopeOpened(job.path), *rows)

    async def _evaluate(self, job: Job, body: Task, tokens: Tokens, values: Values) -> None:
        _, rows = self.ledger.inputs(job, tokens, values)
        try:
            outputs = await self._with_files(values, _is_slow(body), self._outputs_of, body, values)
            self.attempts.contents.complete(outputs)
        except RecrateError as error:
            await self._failed(job, error, *rows)
            return
        await self._succeeded(job, 0, values, outputs, *rows)

    def _outputs_of(self, body: Task, values: Values) -> Values:
        """Return the outputs of an expression."""
        data = self.attempts.data
        if data is None:
            return body.code.evaluate(values)
        return data.unviewed(body.code.evaluate(data.view(values)))

    async def _attempt(self, job: Job, fire: Fire, body: Task, tokens: Tokens, values: Values) -> None:
        _, rows = self.ledger.inputs(job, tokens, values)
        if fire.attempt > 1:
            rows.append(self.ledger.tried_again(job))
            await self._pause(job, fire.attempt)
        ended = await self.attempts.attempt(job, fire.attempt, body.code, values, rows, self.happened, fire.failures)
        may_be_invalid = isinstance(ended, Succeeded) and ended.taken is None and fire.attempt < MOST_REMOVED
        if isinstance(ended, Succeeded) and may_be_invalid and missing(values):
            ended = self.attempts.invalidated(job, fire.attempt, ended)
        if isinstance(ended, Succeeded):
            number = fire.attempt if ended.taken is None else 0
            rows = [*ended.rows, *(self.restorer.gone(values) if fire.attempt >= MOST_REMOVED else ())]
            await self._succeeded(job, number, values, ended.outputs, *rows, taken=ended.taken)
        else:
            await self._ended_badly(job, await self._excused(ended, values))

    async def _excused(self, ended: Failed, inputs: Values) -> Failed:
        """Return how an attempt ended: one that failed while its inputs got lost is not to blame."""
        if ended.failure not in RETRIED or not 0 < ended.attempt < MOST_EXCUSED:
            return ended
        if await self.restorer.are_there(inputs):
            return ended
        return replace(ended, failure=Failure.INTERRUPTED)

    async def _pause(self, job: Job, number: int) -> None:
        """Wait until an attempt is due; meanwhile its job holds nothing, and has not failed."""
        seconds = self.attempts.backoff.due(job, number)
        if seconds > 0:
            await self.ledger.recorder.record(self.ledger.tried_again(job))
            await self.attempts.backoff.pause(seconds)

    async def _ended_badly(self, job: Job, ended: Failed) -> None:
        self.ledger.tell(Notice.ATTEMPT_FAILED, job=job.path, step=job.step, attempt=ended.attempt, text=ended.error)
        await self.happened(AttemptEnded(job.path, ended.attempt, ended.failure), *ended.rows)

    async def _succeeded(
        self, job: Job, attempt: int, inputs: Values, outputs: Values, *rows: Any, taken: Taken | None = None
    ) -> None:
        self.attempts.contents.trust(outputs)
        tokens, made = self.ledger.outputs(job, inputs, outputs, attempt, taken)
        try:
            self.finished(job, tokens)
        except RecrateError as error:
            await self._failed(job, error, *rows, *made)
            return
        notice = Notice.JOB_COMPLETED if taken is None else Notice.JOB_CACHED
        self.ledger.tell(notice, job=job.path, step=job.step, attempt=attempt)
        await self.happened(AttemptEnded(job.path, attempt), *rows, *made)

    async def _failed(self, job: Job, error: RecrateError, *rows: Any) -> None:
        """Put on record that a job failed before it came to an attempt."""
        self.ledger.tell(Notice.ATTEMPT_FAILED, job=job.path, step=job.step, text=error.render())
        await self.happened(AttemptEnded(job.path, 0, Failure.INVALID), *rows, *self.ledger.failed_job(job, error))

    def delivered(self, job: str, body: Workflow, tokens: Tokens) -> Tokens:
        """Return the outputs of a scope as its workflow delivers them. Raises OutputInvalid."""
        values = body.code.deliver({name: token.value for name, token in tokens.items()})
        return {
            name: tokens[name]
            if tokens[name].value is value
            else self.ledger.mint(job, name, "output", value, Origin.DERIVED, (tokens[name],))
            for name, value in values.items()
        }

    def finished(self, job: Job, outputs: Tokens) -> None:
        """Lay the outputs of a job where its step's will be put together.

        Raises ExpressionFailed when the next iteration of a loop cannot be made of them.
        """
        if not job.step:
            self.root_outputs = outputs
            return
        unfolding = self.board.unfoldings[job.step]
        unfolding.results[job.index] = outputs
        if unfolding.step.loop is not None:
            previous = self._iterations[job.step]
            linked = self.board.loop_tokens(job.step, job.index)
            changed = unfolding.step.code.iterate(previous, {name: token.value for name, token in linked.items()})
            self.board.next_iteration(job.step, job.index, {**previous, **changed}, linked)

    async def _with_files(self, values: Any, slow: bool, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of the language; what it wants to read of other places is brought here before."""
        while True:
            try:
                return await self._evaluated(slow, function, *arguments)
            except FileElsewhere as wanted:
                data = self.attempts.data
                if data is None:
                    raise
                await data.fetch(wanted.location, values)

    async def _evaluated(self, slow: bool, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of the language; off the event loop when it may take its time."""
        if not slow:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._evaluator, function, *arguments)


def _is_slow(body: Body) -> bool:
    """Tell whether what a body evaluates may take its time: JavaScript, or files of a whole workflow."""
    return isinstance(body, Workflow) or body.code.uses_javascript
