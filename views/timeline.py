"""The course of a run in time: for each location its attempts side by side, and what was brought there.

Places along the time axis are shares from 0 to 1 of the whole span.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace

from ..data_classes import dataclass
from ..provenance.queries import TimedAttempt
from ..provenance.rows import LocationRow, TransferRow
from ..provenance.states import AttemptState
from .looks import Look, look
from .words import clean, counted, seconds_text

COLUMNS = 200
MOST_LANES = 40
MOST_TICKS = 8
MOST_TRACKS = 24
"""Locations that are shown by themselves: those with the most attempts."""
MOST_BARS_OF_ALL = 1200
FEWEST_BARS = 20
_BAD = (AttemptState.FAILED, AttemptState.LOST)


@dataclass(frozen=True, slots=True)
class Bar:
    """An attempt or a transfer in a lane: from when to when, and since when it waited."""

    lane: int
    start: float
    width: float
    waited: float
    look: Look
    title: str
    label: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """How many attempts were under way in one part of the time, as shares of the most ever; those that fail apart."""

    start: float
    width: float
    running: float
    failed: float
    title: str


@dataclass(frozen=True, slots=True)
class Track:
    """A location: either bars in lanes, or columns where there are too many for that."""

    name: str
    about: str
    said: str
    lanes: int = 0
    bars: Sequence[Bar] = ()
    columns: Sequence[Column] = ()
    most: int = 0
    transfers: Sequence[Bar] = ()
    transfer_lanes: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All locations of a run; `span` is in seconds, `more_transfers` are not shown."""

    tracks: Sequence[Track]
    ticks: Sequence[Tick]
    span: float
    more_transfers: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time that is shown, instants in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length, which is never 0."""
        return max(self.end - self.start, 1e-3)

    def share(self, instant: float) -> float:
        """Return where an instant is in it."""
        return min(1.0, max(0.0, (instant - self.start) / self.seconds))


@dataclass(slots=True)
class _Gathered:
    """The attempts of one location, one by one until there are too many."""

    most: int
    attempts: list[TimedAttempt] = field(default_factory=list)
    count: int = 0
    failed: int = 0
    running: list[int] = field(default_factory=lambda: [0] * (COLUMNS + 1))
    """Differences: how many more are under way in a column than in the one before."""
    failures: list[int] = field(default_factory=lambda: [0] * COLUMNS)

    def take(self, attempt: TimedAttempt, window: Window) -> None:
        """Take one more attempt into account."""
        self.count += 1
        bad = attempt.state in _BAD
        self.failed += bad
        if self.count <= self.most:
            self.attempts.append(attempt)
        start, end = _span(attempt, window)
        first = min(COLUMNS - 1, int(window.share(start) * COLUMNS))
        last = min(COLUMNS - 1, int(window.share(end) * COLUMNS))
        self.running[first] += 1
        self.running[last + 1] -= 1
        self.failures[last] += bad

    def add(self, other: _Gathered) -> None:
        """Take the attempts of another location into account, too."""
        self.count += other.count
        self.failed += other.failed
        self.attempts += other.attempts
        self.running = [one + more for one, more in zip(self.running, other.running, strict=True)]
        self.failures = [one + more for one, more in zip(self.failures, other.failures, strict=True)]


def timeline_of(
    window: Window,
    attempts: Iterable[TimedAttempt],
    transfers: Sequence[TransferRow],
    locations: Callable[[Iterable[str]], Mapping[str, LocationRow]],
    *,
    most: int,
    href: Callable[[str], str],
) -> Timeline:
    """Return the course of a run.

    Args:
        window: what is shown, to the end of the run or to now.
        attempts: in any order; they are taken one by one.
        transfers: those that are shown.
        locations: gives rows by id.
        most: bars of one location.
        href: from the id of a job to where it is shown.
    """
    gathered: dict[str, _Gathered] = {}
    for attempt in attempts:
        found = gathered.get(attempt.location_id)
        if found is None:
            found = gathered[attempt.location_id] = _Gathered(most)
        found.take(attempt, window)
    for transfer in transfers:
        gathered.setdefault(transfer.target_location_id, _Gathered(most))
    shown, rest = _busiest(gathered)
    known = locations({*shown, *(row.source_location_id for row in transfers)})
    bars = min(most, max(FEWEST_BARS, MOST_BARS_OF_ALL // max(len(shown), 1)))
    tracks = [
        _track(
            known.get(name),
            found,
            [row for row in transfers if row.target_location_id == name],
            known,
            window,
            href,
            bars,
        )
        for name, found in shown.items()
    ]
    tracks.sort(key=lambda track: track.name)
    if rest is not None:
        others = _track(None, rest, (), known, window, href, 0)
        tracks.append(replace(others, name=counted(len(gathered) - len(shown), "more location")))
    return Timeline(tracks, ticks(window.seconds), window.seconds)


def _busiest(gathered: Mapping[str, _Gathered]) -> tuple[dict[str, _Gathered], _Gathered | None]:
    """Return the locations with the most attempts, and all others as one, None when there are none."""
    ordered = sorted(gathered.items(), key=lambda item: (-item[1].count, item[0]))
    if len(ordered) <= MOST_TRACKS:
        return dict(ordered), None
    rest = _Gathered(0)
    for _, found in ordered[MOST_TRACKS:]:
        rest.add(found)
    return dict(ordered[:MOST_TRACKS]), rest


def _track(
    row: LocationRow | None, found: _Gathered, here: Sequence[TransferRow], locations: Mapping[str, LocationRow],
    window: Window, href: Callable[[str], str], most_bars: int,
) -> Track:  # fmt: skip
    bars, lanes = _bars(found.attempts, window, href)
    single = found.count <= most_bars and lanes <= MOST_LANES
    moved, moved_lanes = _transfers(here, locations, window)
    columns, most = _columns(found, window)
    failed = f", {found.failed:,} failed" if found.failed else ""
    brought = f", {counted(len(here), 'transfer')} to here" if here else ""
    return Track(
        name=clean(row.name) if row else "a place that is not on record", about=about_location(row),
        said=f"{counted(found.count, 'attempt')}{failed}{brought}", lanes=lanes if single else 0,
        bars=bars if single else (), columns=() if single else columns, most=most, transfers=moved,
        transfer_lanes=moved_lanes,
    )  # fmt: skip


def about_location(row: LocationRow | None) -> str:
    """Return what kind of machine a location is, in a few words."""
    if row is None:
        return ""
    memory = f"{row.memory / 1024:.0f} GiB" if row.memory else ""
    cores = counted(row.cores, "core") if row.cores else ""
    gpus = counted(row.gpus, "GPU") if row.gpus else ""
    said = (row.hostname or "", row.queue or "", cores, memory, gpus, row.cpu_model or "")
    return clean(" · ".join(text for text in said if text))


def _span(attempt: TimedAttempt, window: Window) -> tuple[float, float]:
    start = attempt.started if attempt.started is not None else attempt.submitted
    start = window.start if start is None else start
    if attempt.ended is not None:
        return start, max(start, attempt.ended)
    is_open = attempt.state in (AttemptState.INTENDED, AttemptState.RUNNING)
    return start, max(start, window.end) if is_open else start


def _bars(attempts: Sequence[TimedAttempt], window: Window, href: Callable[[str], str]) -> tuple[list[Bar], int]:
    spans = sorted(((*_span(attempt, window), attempt) for attempt in attempts), key=lambda item: item[:2])
    lanes = lanes_of([(start, end) for start, end, _ in spans])
    bars = []
    for (start, end, attempt), lane in zip(spans, lanes, strict=True):
        waited = window.share(start) - window.share(attempt.submitted if attempt.submitted is not None else start)
        again = f", attempt {attempt.number}" if attempt.number > 1 else ""
        said = f"{clean(attempt.path)}{again}: {attempt.state.value}, {seconds_text(end - start)}"
        bars.append(
            Bar(
                lane, window.share(start), window.share(end) - window.share(start), max(0.0, waited),
                look(attempt.state), said, clean(attempt.path).rpartition("/")[2], href(attempt.job_id),
            )
        )  # fmt: skip
    return bars, max(lanes, default=-1) + 1


def _transfers(
    rows: Sequence[TransferRow], locations: Mapping[str, LocationRow], window: Window
) -> tuple[list[Bar], int]:
    spans = [(row.started or window.start, row.ended or row.started or window.start) for row in rows]
    lanes = lanes_of(spans)
    bars = []
    for row, (start, end), lane in zip(rows, spans, lanes, strict=True):
        source = locations.get(row.source_location_id)
        said = f"{clean(row.target_path)} from {clean(source.name) if source else '?'} by {clean(row.method)}"
        title = f"{said}: {row.state.value}, {seconds_text(end - start)}"
        bars.append(
            Bar(lane, window.share(start), window.share(end) - window.share(start), 0.0, look(row.state), title)
        )
    return bars, max(lanes, default=-1) + 1


def lanes_of(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Return the lane of each span, so that none of one lane overlap; spans come in the order of their starts."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    lanes = []
    for start, end in spans:
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        lanes.append(lane)
    return lanes


def _columns(found: _Gathered, window: Window) -> tuple[list[Column], int]:
    running, level = [], 0
    for change in found.running[:COLUMNS]:
        level += change
        running.append(level)
    most = max(running, default=0)
    columns = []
    for index, (count, failed) in enumerate(zip(running, found.failures, strict=True)):
        if count:
            start = index / COLUMNS
            bad = f", {failed:,} of them failed" if failed else ""
            title = f"{seconds_text(start * window.seconds)}: {count:,} under way{bad}"
            columns.append(Column(start, 1 / COLUMNS, count / most, failed / most, title))
    return columns, most


def ticks(seconds: float) -> list[Tick]:
    """Return round marks on an axis from 0 to so many seconds."""
    step = _round_step(seconds / MOST_TICKS)
    count = int(seconds / step + 1e-9)
    return [Tick(number * step / seconds, _tick_text(number * step, step)) for number in range(count + 1)]


_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def _round_step(least: float) -> float:
    if least > _STEPS[-1]:
        return math.ceil(least / 86400) * 86400.0
    if least >= 1:
        return float(next(step for step in _STEPS if step >= least))
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def _tick_text(seconds: float, step: float) -> str:
    if seconds == 0:
        return "0"
    if step < 1:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if step >= 86400:
        return f"{whole / 86400:g} d"
    if step >= 3600:
        return f"{whole / 3600:g} h"
    if step >= 60:
        return f"{whole // 3600} h {whole % 3600 // 60:02}" if whole >= 3600 else f"{whole / 60:g} min"
    return f"{whole // 60}:{whole % 60:02}" if whole >= 60 else f"{whole} s"
