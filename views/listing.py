"""Runs in a list, with how far each has come."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import RunSummary
from ..provenance.states import JobState, RunState
from .looks import Look, look, words_of
from .steps import Cell
from .words import clean, instant, seconds_text

PAGE = 50


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in one line; `bar` shows the shares of its jobs by state."""

    id: str
    name: str
    workflow: str
    look: Look
    started: str
    took: str
    jobs: int
    said: str
    error: str
    bar: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, newest first."""

    runs: Sequence[RunLine]
    total: int
    page: int
    pages: int


def listing_of(database: Database, *, text: str = "", state: RunState | None = None, page: int = 1) -> Listing:
    """Return a page of the runs whose name, workflow or id has a text in it, and that are in a state."""
    found = [run for run in reversed(queries.list_runs(database)) if _fits(run, text.lower(), state)]
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    counts = queries.job_counts(database, [run.id for run in shown])
    return Listing([_line(run, counts.get(run.id, {})) for run in shown], len(found), page, pages)


def _fits(run: RunSummary, text: str, state: RunState | None) -> bool:
    if state is not None and run.state is not state:
        return False
    return not text or run.id.startswith(text) or text in run.name.lower() or text in (run.workflow or "").lower()


def _line(run: RunSummary, counts: Mapping[JobState, int]) -> RunLine:
    total, start, bar = sum(counts.values()), 0.0, []
    for state in JobState:
        if counts.get(state):
            share = counts[state] / total
            bar.append(Cell(start, share, look(state), f"{counts[state]:,} {state.value}"))
            start += share
    ended = time.time() if run.state is RunState.RUNNING else run.ended
    return RunLine(
        id=run.id,
        name=clean(run.name),
        workflow=clean(run.workflow or ""),
        look=look(run.state),
        started=instant(run.started),
        took="" if ended is None else seconds_text(max(0.0, ended - run.started)),
        jobs=total,
        said=words_of(counts),
        error=clean(run.error or "")[:300],
        bar=bar,
    )
