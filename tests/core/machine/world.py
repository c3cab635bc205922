"""What the machine's instructions meet in tests: a world of fixed answers, a driver that carries
instructions out in any order, and a plain interpreter that says what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from zlib import crc32

from recrate.core.machine.events import (
    RETRIED,
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    JobSkipped,
    OnError,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Cancel, Collect, Finish, Fire, Gather, Instruction, Unfold
from recrate.core.machine.paths import job_path, step_path
from recrate.core.machine.run import RunMachine
from recrate.core.model import Body, Step, Workflow

from .sights import check, say

FAILURES = tuple(failure for failure in Failure if failure not in (Failure.CANCELLED, Failure.INTERRUPTED))


@dataclass(frozen=True)
class World:
    """Fixed answers: each depends on the seed and on the path asked about, never on when it is asked.

    `failing` is how many of 100 attempts, unfoldings, gatherings and collections go wrong.
    """

    seed: int = 0
    failing: int = 0

    def roll(self, *about: object) -> int:
        """Return a number from 0 to 99."""
        return crc32(repr((self.seed, *about)).encode()) % 100

    def goes_wrong(self, *about: object) -> bool:
        return self.roll("wrong", *about) < self.failing

    def shape(self, step: str, model: Step) -> tuple[int, ...]:
        lengths = (2, 1, 3, 0, 4, 5) if len(model.scatter) == 1 else (2, 1, 0, 3)
        return tuple(lengths[self.roll("shape", step, port) % len(lengths)] for port in model.scatter)

    def skips(self, step: str, index: int, model: Step | None) -> bool:
        if model is None:
            return False
        if model.loop is not None:
            return index >= self.roll("iterations", step) % 4
        return model.conditional and self.roll("skip", step, index) < 40

    def needs_no_attempt(self, job: str) -> bool:
        return self.roll("direct", job) < 20

    def failure(self, job: str, attempt: int) -> Failure | None:
        if not self.goes_wrong(job, attempt):
            return None
        return FAILURES[self.roll("why", job, attempt) % len(FAILURES)]


@dataclass
class Driver:
    """Plays the engine: keeps what was asked for, and answers it piece by piece as the world says.

    `done` tells of each job how it ended, with the number of attempts.
    """

    body: Body
    world: World
    settings: RunStarted = field(default_factory=RunStarted)
    stored: list[Event] = field(default_factory=list)
    todo: dict[str, Instruction] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    finish: Finish | None = None
    most_outstanding: int = 0

    def __post_init__(self) -> None:
        self.machine = RunMachine(self.body)
        self.models: dict[str, Step] = {}
        self.started: set[tuple[str, int]] = set()

    def send(self, event: Event) -> list[str]:
        """Store an event, let the machine handle it, keep what it asks for and return that as text."""
        self.stored.append(event)
        asked = self.machine.handle(event)
        for instruction in asked:
            assert self.finish is None, "asked for something after the end"
            if isinstance(instruction, Finish):
                self.finish = instruction
                continue
            name = say(instruction)
            assert name not in self.todo, f"asked twice: {name}"
            self.todo[name] = instruction
            if isinstance(instruction, Unfold):
                self.models[instruction.step] = instruction.model
        fires = sum(isinstance(instruction, Fire) for instruction in self.todo.values())
        self.most_outstanding = max(self.most_outstanding, fires)
        return [say(instruction) for instruction in asked]

    def answer(self, name: str) -> None:
        """Send the next event that carrying out this instruction leads to."""
        for event in self.answers(name):
            self.send(event)

    def answers(self, name: str) -> list[Event]:
        """Return the next events that carrying out this instruction leads to."""
        match self.todo[name]:
            case Unfold(step, model):
                del self.todo[name]
                wrong = self.world.goes_wrong("unfold", step)
                return [StepFailed(step) if wrong else StepUnfolded(step, self.world.shape(step, model))]
            case Gather(step):
                del self.todo[name]
                return [StepFailed(step) if self.world.goes_wrong("gather", step) else StepGathered(step)]
            case Collect(job):
                del self.todo[name]
                ok = not self.world.goes_wrong("collect", job)
                self._ended(job, "done" if ok else "failed")
                return [ScopeCollected(job, ok)]
            case Cancel(job, attempt):
                return self._end(job, attempt, Failure.CANCELLED)
            case Fire() as fire:
                return self._carry_out(fire)
        raise AssertionError(f"no answer to {name}")

    def _carry_out(self, fire: Fire) -> list[Event]:
        name = say(fire)
        if self.world.skips(fire.step, fire.index, self.models.get(fire.step)):
            del self.todo[name]
            self._ended(fire.job, "skipped")
            return [JobSkipped(fire.job)]
        if isinstance(fire.body, Workflow) and not self.world.goes_wrong("open", fire.job):
            del self.todo[name]
            self.done[fire.job] = "opened"
            return [ScopeOpened(fire.job)]
        if isinstance(fire.body, Workflow) or self.world.needs_no_attempt(fire.job):
            del self.todo[name]
            failure = Failure.INVALID if self.world.goes_wrong("open", fire.job) else None
            self._ended(fire.job, "failed" if failure else "done")
            return [AttemptEnded(fire.job, 0, failure)]
        if (fire.job, fire.attempt) not in self.started:
            self.started.add((fire.job, fire.attempt))
            return [AttemptStarted(fire.job, fire.attempt)]
        return self._end(fire.job, fire.attempt, self.world.failure(fire.job, fire.attempt))

    def _end(self, job: str, attempt: int, failure: Failure | None) -> list[Event]:
        self.started.discard((job, attempt))
        about = [name for name, each in self.todo.items() if isinstance(each, Fire | Cancel) and each.job == job]
        for name in about:
            del self.todo[name]
        self.done[job] = f"{'failed' if failure else 'done'} at attempt {attempt}"
        return [AttemptEnded(job, attempt, failure)]

    def _ended(self, job: str, how: str) -> None:
        assert self.done.get(job) in (None, "opened"), f"{job} ended twice"
        self.done[job] = how

    def cancel(self) -> None:
        self.send(CancelAsked())

    def killed(self) -> None:
        """Lose the machine and all that was asked for; come back from the stored events alone."""
        self.machine = RunMachine.replay(self.body, self.stored)
        self.todo = {say(instruction): instruction for instruction in self.machine.pending()}
        # Without them the condition of a loop would be true for ever.
        self.models |= {each.step: each.model for each in self.todo.values() if isinstance(each, Unfold)}

    def run(self, *, checked: bool = True) -> Driver:
        """Start the run and answer in the order of asking, until it ends."""
        self.send(self.settings)
        return self.go_on(checked=checked)

    def go_on(self, *, checked: bool = True) -> Driver:
        while self.finish is None:
            assert self.todo, "the run hangs: nothing is asked for, and it did not end"
            self.answer(next(iter(self.todo)))
            if checked:
                check(self.machine)
        return self


@dataclass
class Expected:
    """What a run comes to when failures do not stop it, worked out by plain recursion."""

    world: World
    retries: int = 0
    done: dict[str, str] = field(default_factory=dict)
    blocked: int = 0

    @classmethod
    def of(cls, body: Body, world: World, retries: int = 0) -> tuple[Expected, bool]:
        """Return what comes of the body as a whole run, and whether that is a success."""
        expected = cls(world, retries)
        return expected, expected.job("/", body)

    def job(self, path: str, body: Body) -> bool:
        if isinstance(body, Workflow):
            return self._scope(path, body)
        if self.world.needs_no_attempt(path):
            return self._ended(path, not self.world.goes_wrong("open", path))
        for attempt in range(1, self.retries + 2):
            failure = self.world.failure(path, attempt)
            if failure not in RETRIED:
                break
        return self._ended(path, failure is None, f" at attempt {attempt}")

    def _ended(self, path: str, ok: bool, how: str = "") -> bool:
        self.done[path] = ("done" if ok else "failed") + how
        return ok

    def _scope(self, path: str, body: Workflow) -> bool:
        if self.world.goes_wrong("open", path):
            return self._ended(path, False)
        self.done[path] = "opened"
        well: set[str] = set()
        for name, step in body.steps.items():
            if not step.upstream <= well:
                self.blocked += 1
            elif self._step(step_path(path, name), step):
                well.add(name)
        if len(well) < len(body.steps):
            return False
        return self._ended(path, not self.world.goes_wrong("collect", path))

    def _step(self, path: str, step: Step) -> bool:
        if self.world.goes_wrong("unfold", path):
            return False
        ended = self._loop(path, step) if step.loop else self._jobs(path, step)
        return ended and not self.world.goes_wrong("gather", path)

    def _jobs(self, path: str, step: Step) -> bool:
        shape = self.world.shape(path, step)
        ended = [self._one(path, step, index, shape) for index in range(prod(shape))]
        return all(ended)

    def _loop(self, path: str, step: Step) -> bool:
        index = 0
        while self._one(path, step, index, ()):
            if self.done[f"{path}~{index}"] == "skipped":
                return True
            index += 1
        return False

    def _one(self, path: str, step: Step, index: int, shape: tuple[int, ...]) -> bool:
        job = job_path(path, shape, index, loop=step.loop is not None)
        if self.world.skips(path, index, step):
            self.done[job] = "skipped"
            return True
        return self.job(job, step.body)


def stop(**settings: int) -> RunStarted:
    return RunStarted(on_error=OnError.STOP, **settings)


def go_on(**settings: int) -> RunStarted:
    return RunStarted(on_error=OnError.CONTINUE, **settings)
