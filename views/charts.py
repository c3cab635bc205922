"""Charts of what jobs recorded: for each name a panel, with a line for each job, or a bar when it said one number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..core.measurements import Measurement, varying
from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import MetricRow
from .rendering import render
from .words import clean, counted, shortened

WIDTH, HEIGHT = 720.0, 240.0
"""Of a panel with lines, in pixels; bars take what they need."""
LEFT, TOP, BOTTOM = 70.0, 34.0, 30.0
BAR = 22.0
LABELS = 260.0
"""Room for what bars are called."""
MOST_PANELS = 24
MOST_LINES = 24
MOST_BARS = 60
MOST_POINTS = 600
"""Of a line; a longer one is thinned out, so that its extremes stay."""
GREATEST = 1e300
"""Greater numbers are drawn as this one, so that differences of numbers are numbers."""
TICKS = 5
COLOURS = 8


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """The course of one job: its name, its number, and its points as SVG wants them."""

    label: str
    number: int
    points: str
    last: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """The one number of a job, as a part of its panel's width."""

    label: str
    number: int
    top: float
    start: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """All that jobs recorded by one name; `said` is what a reader must know beside."""

    title: str
    said: str
    top: float
    height: float
    lines: Sequence[Line] = ()
    bars: Sequence[Bar] = ()
    across: Sequence[Tick] = ()
    upwards: Sequence[Tick] = ()
    zero: float | None = None
    """Where bars begin."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour stands for."""

    label: str
    number: int
    left: float
    top: float


def chart(database: Database, found: Sequence[Measurement], names: Sequence[str] = ()) -> str:
    """Return an SVG of what jobs recorded: of these names, or of all."""
    chosen = list(names) or list(dict.fromkeys(one.name for job in found for one in job.metrics))
    labels = job_labels(found)
    panels: list[Panel] = []
    top = 0.0
    for name in chosen[:MOST_PANELS]:
        for panel in _panels(database, name, found, labels, top):
            panels.append(panel)
            top += panel.height
    lined = sorted({line.number for panel in panels for line in panel.lines})
    keys = [Key(labels[number], number, LEFT, top + 14 + 18 * at) for at, number in enumerate(lined)] if lined else []
    height = (keys[-1].top + 24 if keys else top) + 8
    left_out = len(chosen) - MOST_PANELS
    values = {
        "panels": panels,
        "keys": keys,
        "width": WIDTH,
        "height": height + (20 if left_out > 0 else 0),
        "note": f"{counted(left_out, 'more name')}: choose with --metric" if left_out > 0 else "",
        "left": LEFT,
        "right": WIDTH - 16,
    }
    return "".join(render("metrics.svg", values))


def job_labels(found: Sequence[Measurement]) -> list[str]:
    """Return what tells jobs from each other: their paths, their runs, and the parameters that vary."""
    several = len({one.run.id for one in found}) > 1
    differing = varying(one.parameters for one in found)
    labels = []
    for one in found:
        said = [f"{name}={one.parameters[name]}" for name in differing if name in one.parameters]
        run = f"{one.run.name} " if several else ""
        labels.append(shortened(clean(f"{run}{one.job.path} {' '.join(said)}".strip()), 80))
    return labels


def _panels(
    database: Database, name: str, found: Sequence[Measurement], labels: Sequence[str], top: float
) -> Iterator[Panel]:
    """Yield a panel with lines for jobs that recorded several numbers, and one with bars for the others."""
    having = [(number, summary) for number, one in enumerate(found) if (summary := one.metric(name)) is not None]
    several = [number for number, summary in having if summary.count > 1]
    if several:
        rows = {
            number: [row for row in queries.metrics(database, found[number].attempt_id) if row.name == name]
            for number in several[:MOST_LINES]
        }
        panel = _lines(name, rows, labels, len(several), top)
        yield panel
        top += panel.height
    single = [(number, summary.last.value) for number, summary in having if summary.count == 1]
    if single:
        yield _bars(name, single[:MOST_BARS], labels, len(single), top)


def _bars(
    name: str, values: Sequence[tuple[int, float | None]], labels: Sequence[str], count: int, top: float
) -> Panel:
    finite = [value for _, value in values if value is not None]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    scale = (WIDTH - LABELS - 90) / ((high - low) or 1.0)
    zero = LABELS + (0.0 - low) * scale
    bars = []
    for place, (number, value) in enumerate(values):
        length = abs(value or 0.0) * scale
        start = zero if (value or 0.0) >= 0 else zero - length
        text = "not finite" if value is None else number_text(value)
        bars.append(Bar(labels[number], number, top + TOP + place * BAR, start, length, text))
    height = TOP + BAR * len(bars) + 14
    return Panel(clean(name), _left_out(count - len(bars)), top, height, bars=bars, zero=zero)


def _lines(name: str, rows: Mapping[int, Sequence[MetricRow]], labels: Sequence[str], count: int, top: float) -> Panel:
    courses = {number: _course(values) for number, values in rows.items()}
    points = [point for course in courses.values() for point in course]
    if not points:
        return Panel(clean(name), "no number is finite", top, TOP + 14)
    across = _Axis.over((x for x, _ in points), LEFT, WIDTH - 16)
    upwards = _Axis.over((y for _, y in points), top + HEIGHT - BOTTOM, top + TOP)
    lines = []
    for number, course in courses.items():
        drawn = [(across.at(x), upwards.at(y)) for x, y in thinned(course, MOST_POINTS)]
        if drawn:
            text = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
            lines.append(Line(labels[number], number, text, drawn[-1]))
    missing = sum(len(values) for values in rows.values()) - len(points)
    said = [_left_out(count - len(rows)), f"{counted(missing, 'number')} not finite" if missing else ""]
    return Panel(
        clean(name), "; ".join(filter(None, said)), top, HEIGHT, lines, across=across.ticks(), upwards=upwards.ticks()
    )


def _course(rows: Sequence[MetricRow]) -> list[tuple[float, float]]:
    """Return the points of a line: by step where each number has one, else by their order."""
    by_step = all(row.step is not None for row in rows)
    points = [
        (float(row.step if by_step and row.step is not None else place), row.value) for place, row in enumerate(rows)
    ]
    return [(x, max(-GREATEST, min(GREATEST, y))) for x, y in points if y is not None]


def thinned(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Return at most so many points of a line: of each part the least and the greatest, in their order."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(2 * len(points) / most)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        part = range(start, min(start + size, len(points)))
        least = min(part, key=lambda index: points[index][1])
        greatest = max(part, key=lambda index: points[index][1])
        kept += [points[index] for index in sorted({least, greatest})]
    return kept


@dataclass(frozen=True, slots=True)
class _Axis:
    """Numbers from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float) -> _Axis:
        every = list(values)
        low, high = min(every), max(every)
        if low == high:
            margin = abs(low) / 10 or 1.0
            low, high = low - margin, high + margin
        return cls(low, high, start, end)

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * ((value - self.low) / (self.high - self.low))

    def ticks(self) -> list[Tick]:
        return [Tick(self.at(value), number_text(value)) for value in round_numbers(self.low, self.high, TICKS)]


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from `low` to `high`, which is greater: at most so many, and one more."""
    step = (high - low) / most or math.ulp(high)
    power = 10.0 ** math.floor(math.log10(step))
    step = next((power * factor for factor in (1, 2, 5, 10) if power * factor >= step), step)
    first = math.ceil(low / step)
    count = min(most + 1, math.floor(high / step) - first + 1)
    return [(first + number) * step for number in range(count)]


def number_text(value: float) -> str:
    """Return a number with four digits that count."""
    return f"{value:.4g}"


def _left_out(count: int) -> str:
    return f"{counted(count, 'more job')} not shown" if count > 0 else ""
