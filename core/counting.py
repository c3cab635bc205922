"""The jobs of a run that goes on, counted from what it tells."""

from __future__ import annotations

from dataclasses import field

from ..data_classes import dataclass
from .machine.paths import plain_path
from .observer import Notice, Progress


@dataclass(slots=True)
class StepCounts:
    """How many jobs of a step, over all its instances, are in which state."""

    total: int = 0
    running: int = 0
    done: int = 0
    skipped: int = 0
    cached: int = 0
    failed: int = 0
    begun: float | None = None
    ended: float | None = None

    @property
    def waiting(self) -> int:
        """Jobs that are known of and have not started."""
        return max(0, self.total - self.running - self.done - self.skipped - self.cached - self.failed)


@dataclass(slots=True)
class Counts:
    """The state of a run as its notices tell it, by path of a step without indices."""

    steps: dict[str, StepCounts] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)

    def take(self, progress: Progress, now: float) -> None:
        """Take a notice into account."""
        path = plain_path(progress.step or progress.job)
        if not path:
            return
        counts = self.steps.setdefault(path, StepCounts())
        match progress.notice:
            case Notice.STEP_UNFOLDED:
                counts.total += progress.jobs
            case Notice.JOB_STARTED:
                counts.begun = counts.begun or now
                if progress.job not in self._running:
                    self._running.add(progress.job)
                    counts.running += 1
            case Notice.JOB_COMPLETED:
                self._end(counts, progress.job, now)
                counts.done += 1
            case Notice.JOB_CACHED:
                counts.cached += 1
            case Notice.JOB_SKIPPED:
                counts.skipped += 1
            case Notice.JOB_FAILED:
                self._end(counts, progress.job, now)
                counts.failed += 1
            case _:
                return

    def _end(self, counts: StepCounts, job: str, now: float) -> None:
        counts.ended = now
        if job in self._running:
            self._running.discard(job)
            counts.running -= 1
