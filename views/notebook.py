"""Runs in a notebook: how one goes while it goes on, and what it was when it is over.

What is shown of a run that is over is a page of its own in a frame in which no script runs, so that
neither its style nor what is in it can touch the notebook.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import field
from typing import Any

from ..core.counting import Counts, StepCounts
from ..core.observer import Notice, Progress
from ..data_classes import dataclass
from ..provenance.database import Database
from .limits import Limits
from .rendering import inline, render
from .report import viewer_of
from .run import run_view
from .words import clean, seconds_text

PAUSE_SECONDS = 0.25
MOST_STEPS = 30
LIMITS = Limits(failures=3, figures=2_000_000, files=8)


def run_html(database: Database, run_id: str) -> str:
    """Return a run as HTML for a notebook: outputs, figures, failures and the graph. Raises UsageError."""
    run = run_view(database, run_id, viewer_of(database, run_id, LIMITS), details=False)
    page = "".join(render("notebook.html", {"run": run, "style": inline("recrate.css"), "lineage_href": None}))
    return "".join(render("frame.html", {"page": page, "name": run.name}))


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step that goes on."""

    path: str
    ended: int
    total: int
    said: str


@dataclass(slots=True)
class NotebookProgress:
    """An observer that shows in a cell how a run goes.

    Attributes:
        show: shows HTML, in the place of what it has shown before.
        clock: seconds that never go back.
    """

    show: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    counts: Counts = field(default_factory=Counts)
    title: str = ""
    begun: float | None = None
    shown: float = 0.0

    def notify(self, progress: Progress) -> None:
        """Take a notice into account, and show what has changed now and then."""
        now = self.clock()
        self.begun = now if self.begun is None else self.begun
        self.counts.take(progress, now)
        if progress.notice in (Notice.RUN_STARTED, Notice.RUN_ENDED):
            self.title = progress.text or self.title
        is_end = progress.notice is Notice.RUN_ENDED
        if is_end or now - self.shown >= PAUSE_SECONDS:
            self.shown = now
            self.show(self._html(now, is_end))

    def _html(self, now: float, is_over: bool) -> str:
        lines = [
            StepLine(clean(path), one.done + one.cached + one.skipped + one.failed, one.total, _said(one))
            for path, one in list(self.counts.steps.items())[:MOST_STEPS]
            if one.total
        ]
        values = {
            "title": clean(self.title), "lines": lines, "more": max(0, len(self.counts.steps) - MOST_STEPS),
            "took": seconds_text(now - (self.begun or now)), "is_over": is_over,
        }  # fmt: skip
        return "".join(render("progress.html", values))


def _said(counts: StepCounts) -> str:
    parts = ("running", "failed", "cached", "skipped")
    return ", ".join(f"{getattr(counts, name):,} {name}" for name in parts if getattr(counts, name))


def notebook_observer() -> NotebookProgress | None:
    """Return an observer for the cell that is being run, None when this is no notebook.

    Nothing is imported to find that out: in a notebook IPython is there already.
    """
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown = ipython.display
    handle = shown.display(shown.HTML(""), display_id=True)
    return NotebookProgress(lambda text: handle.update(shown.HTML(text)))
