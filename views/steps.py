"""The steps of a run: each with its numbers, a strip of its jobs, and some of the jobs themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import StepSummary, StepUse
from ..provenance.states import JobState
from .files import FileViewer
from .flow import step_look
from .jobs import Fact, JobView, job_view
from .looks import NOT_STARTED, Look, most_telling, words_of
from .words import bytes_text, clean, seconds_text, took

CELLS = 150


@dataclass(frozen=True, slots=True)
class Cell:
    """One or several jobs of a strip; `start` and `width` are shares of the whole."""

    start: float
    width: float
    look: Look
    title: str


@dataclass(frozen=True, slots=True)
class StepView:
    """A step. Of its jobs some are shown in full, and `more` are not."""

    id: str
    anchor: str
    path: str
    depth: int
    tool: str
    look: Look
    said: str
    took: str
    strip: Sequence[Cell]
    facts: Sequence[Fact]
    jobs: Sequence[JobView] = ()
    more: int = 0


def anchor_of(path: str) -> str:
    """Return the name of the place on a page where a step is: made of digits and letters alone."""
    return "step" + "".join(char if char.isascii() and char.isalnum() else f"-{ord(char):x}" for char in path)


class Strips:
    """The states of the jobs of each step, in the order of their starts; many share their cells."""

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._totals = totals
        self._seen: Counter[str] = Counter()
        self._cells: dict[str, list[Counter[JobState]]] = {}

    def take(self, states: Iterable[tuple[str, JobState]]) -> None:
        """Take jobs into account: their steps and states, those of one step in order."""
        for step, state in states:
            total = max(self._totals.get(step, 0), 1)
            cells = self._cells.get(step)
            if cells is None:
                cells = self._cells[step] = [Counter() for _ in range(min(CELLS, total))]
            number = self._seen[step]
            cells[min(number * len(cells) // total, len(cells) - 1)][state] += 1
            self._seen[step] = number + 1

    def of(self, step_id: str) -> list[Cell]:
        """Return the strip of a step."""
        cells = self._cells.get(step_id, [])
        width, first, shown = 1 / max(len(cells), 1), 1, []
        for index, counts in enumerate(cells):
            count = sum(counts.values())
            if count:
                title = f"job {first:,}" if count == 1 else f"jobs {first:,} to {first + count - 1:,}"
                shown.append(Cell(index * width, width, most_telling(counts), f"{title}: {words_of(counts)}"))
            first += count
        return shown


def step_views(
    database: Database, run_id: str, steps: Sequence[StepSummary], viewer: FileViewer, *, details: bool
) -> list[StepView]:
    """Return the first steps of a run; with `details` some jobs of each are shown in full."""
    strips = Strips({step.row.id: sum(step.counts.values()) for step in steps})
    strips.take(queries.job_states(database, run_id))
    use = queries.step_use(database, run_id)
    limits = viewer.limits
    shown = listed(steps)[: limits.steps]
    most = min(limits.jobs, max(1, limits.details // max(len(shown), 1))) if details else 0
    jobs = [_jobs(database, step, viewer, most if at < limits.details else 0) for at, step in enumerate(shown)]
    return [_view(step, strips, use.get(step.row.id), some) for step, some in zip(shown, jobs, strict=True)]


def listed(steps: Sequence[StepSummary]) -> list[StepSummary]:
    """Return the steps that are told of: a workflow is no step of its own."""
    return [step for step in steps if step.row.path != "/" or len(steps) == 1]


def _jobs(database: Database, step: StepSummary, viewer: FileViewer, most: int) -> list[JobView]:
    if step.row.kind != "command" or not most:
        return []
    rows = queries.jobs(database, step.row.run_id, step_id=step.row.id, limit=most)
    return [job_view(database, job.id, viewer) for job in rows]


def _view(step: StepSummary, strips: Strips, use: StepUse | None, jobs: Sequence[JobView]) -> StepView:
    row, total = step.row, sum(step.counts.values())
    return StepView(
        id=row.id,
        anchor=anchor_of(row.path),
        path=clean(row.path),
        depth=max(0, row.path.count("/") - 1),
        tool=clean(row.tool),
        look=step_look(step).look,
        said=words_of(step.counts) or NOT_STARTED.word,
        took=took(step.started, step.ended),
        strip=strips.of(row.id) if total > 1 else (),
        facts=list(_facts(use)),
        jobs=jobs,
        more=max(0, total - len(jobs)) if row.kind == "command" else 0,
    )


def _facts(use: StepUse | None) -> Iterable[Fact]:
    if use is None:
        return
    failed = f", {use.failed:,} failed" if use.failed else ""
    yield Fact("attempts", f"{use.attempts:,}{failed}")
    if use.mean is not None and use.shortest is not None and use.longest is not None:
        one = seconds_text(use.mean)
        spread = f"{seconds_text(use.shortest)} to {seconds_text(use.longest)}, {one} on average"
        yield Fact("took", one if use.attempts == 1 else spread)
    if use.cpu_seconds is not None:
        yield Fact("CPU time", seconds_text(use.cpu_seconds))
    if use.peak_rss is not None:
        yield Fact("peak memory", bytes_text(use.peak_rss))
