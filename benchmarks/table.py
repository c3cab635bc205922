"""Tables of a sitting as Markdown: ratios to Recrate, and all figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .results import NOT_ASKED, CaseResult, Entry, Sitting

OURS = "recrate"
NONE = "–"


@dataclass(slots=True)
class Notes:
    """Reasons for what is not in a table, numbered by their first use."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """Return the mark of a note, which is added unless it is there."""
        if text not in self.texts:
            self.texts.append(text)
        return f"({self.texts.index(text) + 1})"

    def lines(self) -> list[str]:
        """Return the notes as they stand below the table."""
        return [f"({number}) {text}  " for number, text in enumerate(self.texts, 1)]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose columns line up also where nobody renders it; all but the first stand right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    dash = "-"
    rule = f"|{'-' * (widths[0] + 2)}|{''.join(f'{dash * (width + 1)}:|' for width in widths[1:])}"
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def number(value: float | None, unit: float = 1) -> str:
    """Return a figure with three digits that count, or a dash when there is none."""
    if value is None:
        return NONE
    scaled = value / unit
    if scaled >= 100:
        return f"{scaled:,.0f}"
    return f"{scaled:.1f}" if scaled >= 10 else f"{scaled:.2f}"


def ratio(theirs: Entry, ours: Entry | None) -> float | None:
    """Return how many times as long as Recrate an engine took, or None when one of them has no time."""
    mine, other = (ours.median("seconds") if ours else None), theirs.median("seconds")
    return other / mine if mine and other is not None else None


def a_job(entry: Entry, figure: str, jobs: int) -> float | None:
    """Return a figure divided by the number of jobs, or None when there are no jobs or no figure."""
    value = entry.median(figure)
    return value / jobs if jobs and value is not None else None


def timed(entry: Entry) -> str:
    """Return the median time with its spread."""
    spread = entry.spread()
    if spread is None:
        return NONE
    range_ = f" ({number(spread[0])} to {number(spread[1])})" if len(entry.samples) > 1 else ""
    return f"{number(entry.median('seconds'))}{range_}"


def cell(case: CaseResult, name: str, sitting: Sitting, notes: Notes) -> str:
    """Return how an engine compares with Recrate in one case, or the mark of the reason why it cannot."""
    title = sitting.engines[name].title
    entry = case.entries.get(name)
    if entry is None:
        return notes.mark(f"{title}: {sitting.engines[name].missing or 'did not take part'}")
    if entry.skipped == NOT_ASKED:
        return NONE
    if entry.skipped:
        return notes.mark(f"{title}: {entry.skipped}")
    found = ratio(entry, case.entries.get(OURS))
    return f"{number(found)}x" if found is not None else f"{timed(entry)} s"


def ratio_row(case: CaseResult, others: Sequence[str], sitting: Sitting, notes: Notes) -> list[str]:
    """Return the row of a case in the table of ratios."""
    ours = case.entries.get(OURS) or Entry(skipped="did not take part")
    return [
        case.title,
        f"{case.jobs:,}" if case.jobs else NONE,
        notes.mark(f"Recrate: {ours.skipped}") if ours.skipped else timed(ours),
        number(a_job(ours, "seconds", case.jobs), 1e-3),
        *(cell(case, name, sitting, notes) for name in others),
        number(ours.median("peak_bytes"), 1e6),
        number(a_job(ours, "controller_cpu", case.jobs), 1e-3),
        number(a_job(ours, "jobs_cpu", case.jobs), 1e-3),
        number(a_job(ours, "store_bytes", case.jobs)),
    ]


def ratios(sitting: Sitting) -> str:
    """Return the table of ratios with the notes below it."""
    others = [name for name in sitting.engines if name != OURS]
    header = [
        "question", "jobs", "Recrate, s", "ms a job", *(sitting.engines[name].title for name in others),
        "peak MB", "CPU ms a job: controller", "jobs", "store, bytes a job",
    ]  # fmt: skip
    notes = Notes()
    rows = [ratio_row(case, others, sitting, notes) for case in sitting.cases]
    return "\n".join([markdown(header, rows), "", *notes.lines()]).rstrip()


def figures(sitting: Sitting) -> str:
    """Return the table of all figures that were taken."""
    header = [
        "question", "engine", "seconds", "runs", "peak MB",
        "CPU s: controller", "jobs", "store, MB",
    ]  # fmt: skip
    rows = [
        [
            case.title,
            sitting.engines[name].title,
            timed(entry),
            str(len(entry.samples)),
            number(entry.median("peak_bytes"), 1e6),
            number(entry.median("controller_cpu")),
            number(entry.median("jobs_cpu")),
            number(entry.median("store_bytes"), 1e6),
        ]
        for case in sitting.cases
        for name, entry in case.entries.items()
        if not entry.skipped
    ]
    return markdown(header, rows)
