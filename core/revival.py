"""The state of a run, rebuilt from its rows: the machine by replay of the events, the board from tokens.

Only what a run still needs is read: scopes that are open, and in them the outputs of jobs that
ended. What this makes is what the old controller had, so that the run goes on as if nothing had
happened. Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.rows import JobRow, RunRow
from ..provenance.statements import Update
from ..provenance.states import Direction, JobState, RunState
from .board import Board, Mint, Tokens
from .firing import Firing
from .ledger import Ledger
from .machine.events import RunResumed, decode
from .machine.paths import count, job_path, step_path
from .machine.run import RunMachine
from .machine.state import JobState as Fired
from .machine.state import Phase
from .model import Body, Step, Task, Workflow
from .observer import Notice
from .records import Job
from .stored_tokens import TokenReader
from .tokens import Origin, Token
from .values import Value

ENDED = (Phase.DONE, Phase.RUNNING, Phase.GATHERING)


def replayed(database: Database, run_id: str, body: Body) -> tuple[RunMachine, int]:
    """Return the machine as the next controller gets it, and the number of the last event.

    It awaits one more RunResumed than the store has: that of this controller.
    """
    earlier = queries.count_events(database, run_id, RunResumed.__name__)
    machine, last = RunMachine(body, earlier + 1), 0
    for row in queries.events(database, run_id):
        machine.handle(decode(row.kind, json.loads(row.body)))
        last = row.seq
    return machine, last


def reopened(database: Database, run_id: str, machine: RunMachine) -> list[Update]:
    """Return the rows that say that a run goes on, and with it the jobs that had failed or were cancelled."""
    rows = [Update(RunRow, (run_id,), {"state": RunState.RUNNING, "ended": None, "error": None})]
    going = {ids.job_id(run_id, path) for path in machine.jobs}
    for job in queries.jobs(database, run_id, states=(JobState.FAILED, JobState.CANCELLED)):
        if job.id in going:
            changes: dict[str, Any] = {"state": JobState.RUNNING, "ended": None, "error": None, "reason": None}
        else:
            changes = {"state": JobState.CANCELLED, "error": None, "reason": "its step is put together again"}
        rows.append(Update(JobRow, (job.id,), changes))
    return rows


@dataclass(slots=True)
class Revival:
    """Lays out on a board what the jobs that ended have left there."""

    run_id: str
    database: Database
    machine: RunMachine
    board: Board
    firing: Firing
    ledger: Ledger
    tokens: TokenReader

    def revive(self) -> None:
        """Open the scopes that are open, and fill them."""
        write, self.board.mint = self.board.mint, _remembered(self.run_id)
        try:
            for job in list(self.machine.jobs.values()):
                if isinstance(job.body, Workflow) and (job.scope is not None or job.collecting):
                    self._open(job, job.body)
        finally:
            self.board.mint = write

    def outputs(self, job: str, body: Body) -> Tokens:
        """Return the tokens on the output ports of a job that completed."""
        return self._outputs({job: body})[job] or {}

    def _open(self, job: Fired, body: Workflow) -> None:
        identity = ids.job_id(self.run_id, job.path)
        self.ledger.remember(Job(identity, job.path, job.step.path if job.step else "", job.index))
        self.board.open(job.path, body, self._used(identity, Direction.INPUT))
        states = job.scope.steps if job.scope is not None else {}
        for name in _in_order(body):
            path, state = step_path(job.path, name), states.get(name)
            if state is None:
                self._done(path, body.steps[name])
            elif state.phase is Phase.DONE:
                self._done(path, body.steps[name], state.total)
            elif state.phase in ENDED:
                self._under_way(path, body.steps[name], state.fired)

    def _done(self, path: str, step: Step, total: int | None = None) -> None:
        """Lay out the outputs of a step all of whose jobs ended."""
        shape = self._unfolded(path, step)
        if step.loop is not None:
            self._turns(path, step, total)
        else:
            self._results(path, step, range(count(shape)))
        self.board.gather(path)
        self.ledger.tell(Notice.STEP_ENDED, step=path)

    def _under_way(self, path: str, step: Step, fired: int) -> None:
        """Lay out the outputs of those jobs of a step that ended."""
        shape = self._unfolded(path, step)
        if step.loop is not None:
            self._turns(path, step, fired)
            return
        paths = ((index, job_path(path, shape, index, loop=False)) for index in range(fired))
        self._results(path, step, [index for index, job in paths if job not in self.machine.jobs])

    def _unfolded(self, path: str, step: Step) -> tuple[int, ...]:
        shape = self.board.unfold(path, step).shape
        self.ledger.tell(Notice.STEP_UNFOLDED, step=path, shape=shape, model=step)
        return shape

    def _results(self, path: str, step: Step, indices: Sequence[int]) -> None:
        unfolding = self.board.unfoldings[path]
        jobs = {index: job_path(path, unfolding.shape, index, loop=False) for index in indices}
        found = self._outputs(dict.fromkeys(jobs.values(), step.body))
        for index, job in jobs.items():
            unfolding.results[index] = found[job]
            self._tell(path, job, found[job])

    def _turns(self, path: str, step: Step, most: int | None) -> None:
        """Go through the iterations of a loop that ended, so that the inputs of the next one are there."""
        index = 0
        while most is None or index < most:
            job = job_path(path, (), index, loop=True)
            if job in self.machine.jobs:
                return
            outputs = self._outputs({job: step.body})[job]
            self._tell(path, job, outputs)
            if outputs is None:
                return
            self.firing.turn(path, index)
            self.firing.finished(Job(ids.job_id(self.run_id, job), job, path, index), outputs)
            index += 1

    def _outputs(self, jobs: Mapping[str, Body]) -> dict[str, Tokens | None]:
        """Return the output tokens of jobs that ended, by path; None for one that was skipped."""
        identities = {ids.job_id(self.run_id, path): path for path in jobs}
        states = {
            row_id: JobState[state]
            for some in queries.in_batches(identities)
            for row_id, state in self.database.query(
                f"SELECT id, state FROM {JobRow.TABLE} WHERE id IN ({queries.places(some)})", some
            )
        }
        ended = {
            identity: path
            for identity, path in identities.items()
            if states.get(identity) in (JobState.COMPLETED, JobState.CACHED)
        }
        places = {path: dict(self._ports(identity, path, jobs[path])) for identity, path in ended.items()}
        tokens = self.tokens.read(token for ports in places.values() for token in ports.values())
        made: dict[str, Tokens | None] = dict.fromkeys(jobs)
        for path, ports in places.items():
            made[path] = {port: tokens[token] for port, token in ports.items() if token in tokens}
        return made

    def _ports(self, identity: str, path: str, body: Body) -> Iterator[tuple[str, str]]:
        """Yield the output ports of a job with the ids of the tokens on them."""
        if isinstance(body, Task):
            for port in body.outputs:
                yield port, ids.token_id(self.run_id, path, port, "output")
        else:
            used = queries.used_by(self.database, identity, Direction.OUTPUT)
            for port in body.outputs:
                if port in used:
                    yield port, used[port].id

    def _used(self, identity: str, direction: Direction) -> Tokens:
        ports = {port: row.id for port, row in queries.used_by(self.database, identity, direction).items()}
        tokens = self.tokens.read(ports.values())
        return {port: tokens[token] for port, token in ports.items()}

    def _tell(self, path: str, job: str, outputs: Tokens | None) -> None:
        notice = Notice.JOB_SKIPPED if outputs is None else Notice.JOB_COMPLETED
        self.ledger.tell(notice, step=path, job=job)


def _remembered(run_id: str) -> Mint:
    """Return what makes the same tokens again, which are on record already."""

    def mint(path: str, port: str, role: str, value: Value, origin: Origin, sources: Sequence[Token] = ()) -> Token:
        parts = sources if origin is Origin.GATHERED and sources else None
        return Token(ids.token_id(run_id, path, port, role), value, parts)

    return mint


def _in_order(body: Workflow) -> Iterator[str]:
    """Yield the names of steps, each after those that it takes values from."""
    waiting = dict(body.steps)
    while waiting:
        for name in [name for name, step in waiting.items() if not step.upstream & waiting.keys()]:
            del waiting[name]
            yield name
