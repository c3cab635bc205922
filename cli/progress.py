"""What a run looks like while it goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Any, TextIO, cast

from ..core.amounts import bytes_text
from ..core.counting import Counts, StepCounts
from ..core.machine.paths import plain_path
from ..core.observer import Notice, Observer, Progress, Silent
from ..data_classes import dataclass

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

REFRESH_PER_SECOND = 8
BYTES_SECONDS = 5.0
"""Plain lines tell no oftener than this of bytes that moved."""
MOST_ROWS = 30
"""Steps shown at a time; those that are done are folded first."""


def observer(*, quiet: bool = False, stream: TextIO | None = None) -> Observer:
    """Return the observer that fits the stream (standard error): live on a terminal."""
    stream = stream or sys.stderr
    if quiet:
        return Silent()
    if stream.isatty():
        return LiveProgress(cast("TextIO", Lenient(stream)))
    return PlainProgress(cast("TextIO", Lenient(stream)))


class Lenient:
    """A stream that forgives what can no longer be shown, such as on a terminal that was closed: a run
    must not end because of its display."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or nothing."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush what was written, if it can be shown at all."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@dataclass(slots=True)
class PlainProgress:
    """One line for each thing worth telling; a step with many jobs tells of every tenth of them."""

    stream: TextIO
    counts: Counts = field(default_factory=Counts)
    begun: float = field(default_factory=time.monotonic)
    bytes: int = 0
    told_bytes: float = field(default_factory=time.monotonic)

    def notify(self, progress: Progress) -> None:
        """Print a line when the notice is worth one."""
        now = _moment(progress)
        if progress.notice is Notice.RUN_STARTED:
            self.begun = min(self.begun, now)
        self.counts.take(progress, now)
        text = self._line(progress)
        if text:
            self.stream.write(f"[{now - self.begun:7.1f} s] {text}\n")
            self.stream.flush()

    def _line(self, progress: Progress) -> str:
        match progress.notice:
            case Notice.RUN_STARTED | Notice.RUN_ENDED:
                return progress.text
            case Notice.WARNING:
                return f"warning: {progress.text}"
            case Notice.IMAGE | Notice.STOPPING:
                return progress.text
            case Notice.BYTES_MOVED:
                return self._moved(progress)
            case Notice.ATTEMPT_FAILED:
                return f"{progress.job}: {_number(progress)}failed: {progress.text}"
            case Notice.JOB_FAILED if progress.text:
                return f"{progress.job or progress.step}: failed: {progress.text}"
            case Notice.JOB_COMPLETED | Notice.JOB_CACHED | Notice.JOB_SKIPPED:
                return self._ended(progress)
            case _:
                return ""

    def _moved(self, progress: Progress) -> str:
        """Tell now and then how much has moved between places."""
        self.bytes += progress.bytes
        now = time.monotonic()
        if now - self.told_bytes < BYTES_SECONDS:
            return ""
        self.told_bytes = now
        return f"moved {bytes_text(self.bytes)} between places so far (now {progress.location})"

    def _ended(self, progress: Progress) -> str:
        path = plain_path(progress.step or progress.job)
        counts = self.counts.steps[path]
        ended = counts.done + counts.cached + counts.skipped
        every = max(1, counts.total // 10)
        if counts.total <= 1:
            return f"{path}: {progress.notice.value.removeprefix('job ')}"
        cached = f", {counts.cached} cached" if counts.cached else ""
        return f"{path}: {ended} of {counts.total} jobs{cached}" if ended % every == 0 or ended == counts.total else ""


class LiveProgress:
    """A table of the steps that is drawn anew while the run goes on."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self.console: Console = Console(file=stream)
        self.counts = Counts()
        self.begun = time.monotonic()
        self.title = ""
        self.bytes = 0
        self._live: Live | None = None

    def notify(self, progress: Progress) -> None:
        """Take a notice into the table, or print it above the table."""
        now = _moment(progress)
        self.counts.take(progress, now)
        match progress.notice:
            case Notice.RUN_STARTED:
                self.begun = min(self.begun, now)
                self.title = progress.text
                self._start()
            case Notice.RUN_ENDED:
                self._stop(progress.text)
            case Notice.WARNING:
                self._say(f"[yellow]warning:[/yellow] {_escape(progress.text)}")
            case Notice.BYTES_MOVED:
                self.bytes += progress.bytes
            case Notice.IMAGE | Notice.STOPPING:
                self._say(_escape(progress.text))
            case Notice.ATTEMPT_FAILED | Notice.JOB_FAILED if progress.text:
                place = progress.job or progress.step
                self._say(f"[red]failed[/red] {_escape(place)}: {_number(progress)}{_escape(progress.text)}")
            case _:
                return

    def _start(self) -> None:
        from rich.live import Live

        self._live = Live(
            get_renderable=self.table, console=self.console, refresh_per_second=REFRESH_PER_SECOND, transient=False
        )
        self._live.start()

    def _stop(self, text: str) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if text:
            self.console.print(text, highlight=False, markup=False)

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False)

    def table(self) -> Table:
        """Return the table of the steps as it stands."""
        from rich.table import Table

        now = time.monotonic()
        moved = f"  {bytes_text(self.bytes)} moved" if self.bytes else ""
        table = Table(
            title=f"{self.title}  {now - self.begun:.1f} s{moved}", title_justify="left", box=None, pad_edge=False
        )
        table.add_column("step", overflow="fold")
        for name in ("waiting", "running", "done", "failed", "time"):
            table.add_column(name, justify="right")
        table.add_column("")
        for path, counts in self._shown():
            table.add_row(*_cells(path, counts, now))
        return table

    def _shown(self) -> list[tuple[str, StepCounts]]:
        steps = [item for item in self.counts.steps.items() if item[1] != StepCounts()]
        if len(steps) <= MOST_ROWS:
            return steps
        busy = [item for item in steps if item[1].running or item[1].waiting or item[1].failed]
        return (busy + [item for item in reversed(steps) if item not in busy])[:MOST_ROWS]


def _moment(progress: Progress) -> float:
    """Return when a notice's thing happened, by the clock that displays measure time with."""
    now = time.monotonic()
    return now if progress.instant is None else now - max(0.0, time.time() - progress.instant)


def _number(progress: Progress) -> str:
    """Return which attempt a notice is about, when a job has had more than one."""
    return f"attempt {progress.attempt} " if progress.attempt > 1 else ""


def _cells(path: str, counts: StepCounts, now: float) -> list[Any]:
    took = (counts.ended if not counts.running and counts.ended else now) - counts.begun if counts.begun else 0.0
    ended = counts.done + counts.cached + counts.skipped
    return [
        _escape(path),
        str(counts.waiting or ""),
        f"[cyan]{counts.running}[/cyan]" if counts.running else "",
        f"[green]{ended}[/green]{_cached(counts)}" if ended else "",
        f"[red]{counts.failed}[/red]" if counts.failed else "",
        f"{took:.1f} s" if counts.begun else "",
        _bar(ended, counts.total),
    ]


def _cached(counts: StepCounts) -> str:
    return f" [dim]({counts.cached} cached)[/dim]" if counts.cached else ""


def _bar(ended: int, total: int, width: int = 20) -> str:
    filled = width * ended // total if total else 0
    return f"[green]{'━' * filled}[/green][dim]{'━' * (width - filled)}[/dim]"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else "?" for char in text))
