"""Results of work beside other programs: lines of a table that `benchmarks.ssh`, `.slurm` and `.stores` fill in."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .results import RESULTS, rounded
from .supervise import Measured
from .table import NONE, markdown, number

SUPERVISE = Path(__file__).with_name("supervise.py")
PLACES = RESULTS / "places.json"
MEGABYTE = 1e6


class Failed(Exception):
    """A command that was to be measured failed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done by Recrate and by something else, each at its quickest."""

    name: str
    seconds: float
    beside: str
    """By what else."""
    other: float | None
    """Its seconds; None: it was not there."""
    goal: str
    peak_bytes: int | None = None
    """Of the controller."""
    cpu: float | None = None
    """Seconds of the controller."""
    taken: str = ""
    load: float = 0.0
    """Processes that wanted to run in the minute before the end; more than there are cores: it was not idle."""

    @classmethod
    def of(cls, name: str, ours: Sequence[Measured], beside: str, others: Sequence[float], goal: str) -> Line:
        """Return the line of some runs, and of the seconds of something else."""
        best = min(ours, key=lambda run: run["seconds"])
        other = min(others, default=None)
        peak = max(run["peak_bytes"] for run in ours)
        return cls.now(name, best["seconds"], beside, other, goal, peak, best["controller_cpu"])

    @classmethod
    def now(
        cls,
        name: str,
        seconds: float,
        beside: str,
        other: float | None,
        goal: str,
        peak_bytes: int | None = None,
        cpu: float | None = None,
    ) -> Line:
        """Return a line that was taken just now."""
        taken, load = datetime.now(UTC).strftime("%Y-%m-%d"), os.getloadavg()[0]
        return cls(name, seconds, beside, other, goal, peak_bytes, cpu, taken, load)

    @property
    def text(self) -> str:
        """The line for whoever ran it."""
        beside = f"{self.beside} {self.other:.2f} s, {self.seconds / self.other:.2f} x" if self.other else "nothing"
        memory = "" if self.peak_bytes is None else f", peak {self.peak_bytes / MEGABYTE:.0f} MB, CPU {self.cpu:.1f} s"
        return f"{self.name}: {self.seconds:.2f} s{memory}; beside {beside} (goal {self.goal})"


def measured(argv: Sequence[str], room: Path, limit: float, environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command and return what it took. Raises Failed with its last words."""
    result, said = room / "measured.json", room / "said"
    with said.open("wb") as stream:
        command = [sys.executable, "-I", "-S", str(SUPERVISE), f"{limit}", str(result), *argv]
        subprocess.run(command, stdout=stream, stderr=stream, check=True, env={**os.environ, **(environment or {})})
    found: Measured = json.loads(result.read_text())
    if found["code"] != 0 or found["timed_out"]:
        words = said.read_text(errors="replace").strip().splitlines()[-5:]
        raise Failed(f"{argv[0]}: exit code {found['code']}: {' / '.join(words)}")
    return found


def least(times: int, *works: Callable[[], Any]) -> list[float]:
    """Return the least seconds that each of some things took, which are done in turn."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, seconds in zip(works, taken, strict=True):
            begun = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begun)
    return [min(seconds) for seconds in taken]


def asked(description: str | None, names: Sequence[str]) -> argparse.ArgumentParser:
    """Return what reads the command line of a program that measures the things of these names."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*names, []], help="all when nothing is named")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still work?")
    return parser


def tell(lines: Sequence[Line], *, quick: bool) -> None:
    """Print lines, and keep those of whole sizes."""
    for line in lines:
        print(line.text)
    if not quick:
        keep(lines)


def keep(lines: Sequence[Line]) -> None:
    """Write lines into the results; those of the same name are replaced."""
    known = {line.name: line for line in kept()} | {line.name: line for line in lines}
    PLACES.write_text(json.dumps([rounded(asdict(line)) for line in known.values()], indent=1) + "\n")


def kept() -> list[Line]:
    """Return all lines that are known."""
    return [Line(**data) for data in json.loads(PLACES.read_text())] if PLACES.exists() else []


def table(lines: Sequence[Line]) -> str:
    """Return what is known as a table: at most so many times as long as what stands beside it is the goal."""
    header = ["work", "Recrate, s", "beside", "s", "ratio", "goal", "peak MB", "CPU s", "taken", "load"]
    rows = [
        [
            line.name,
            number(line.seconds),
            line.beside,
            number(line.other),
            NONE if not line.other else f"{line.seconds / line.other:.2f} x",
            line.goal,
            number(line.peak_bytes, MEGABYTE),
            number(line.cpu),
            line.taken,
            f"{line.load:.1f}",
        ]
        for line in lines
    ]
    return markdown(header, rows)
