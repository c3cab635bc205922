"""Results of a sitting as data, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"
LATEST = RESULTS / "latest.json"


NOT_ASKED = "has no such command"
"""Why an engine has no figures where it cannot be asked at all; the table shows a dash."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run, measured."""

    seconds: float
    peak_bytes: int
    """Of the controller alone."""
    controller_cpu: float
    jobs_cpu: float
    """Seconds of all processes that the controller started."""
    store_bytes: int | None
    """What stays on record; None when nothing does."""


@dataclass(slots=True)
class Entry:
    """One engine and one case: its runs, or why there are none."""

    samples: list[Sample] = field(default_factory=list)
    skipped: str | None = None

    def median(self, figure: str) -> float | None:
        """Return the median of a figure by its name, or None when it was not taken."""
        taken = [value for sample in self.samples if (value := getattr(sample, figure)) is not None]
        return None if self.skipped or not taken else float(median(taken))

    def spread(self) -> tuple[float, float] | None:
        """Return the shortest and the longest time, or None when there are no runs."""
        seconds = [sample.seconds for sample in self.samples]
        return None if self.skipped or not seconds else (min(seconds), max(seconds))


@dataclass(slots=True)
class CaseResult:
    """One case: what came of it with each engine, by name."""

    name: str
    title: str
    jobs: int
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is called, and which version took part."""

    title: str
    version: str | None
    missing: str | None = None
    """Why it could not take part."""


@dataclass(slots=True)
class Sitting:
    """All that was measured in one go, and on what."""

    taken: str
    quick: bool
    runs: int
    limit: float
    machine: dict[str, str]
    engines: dict[str, EngineInfo]
    cases: list[CaseResult] = field(default_factory=list)


def save(sitting: Sitting, path: Path) -> None:
    """Write a sitting as JSON; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rounded(asdict(sitting)), indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def rounded(value: Any) -> Any:
    """Return a value with its numbers cut to what can be told apart."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def load(path: Path) -> Sitting:
    """Read a sitting."""
    data = json.loads(path.read_text(encoding="utf-8"))
    engines = {name: EngineInfo(**info) for name, info in data.pop("engines").items()}
    cases = [case_of(item) for item in data.pop("cases")]
    return Sitting(**data, engines=engines, cases=cases)


def case_of(data: dict[str, Any]) -> CaseResult:
    """Return a case of its JSON form."""
    entries = {
        name: Entry([Sample(**sample) for sample in entry["samples"]], entry["skipped"])
        for name, entry in data["entries"].items()
    }
    return CaseResult(data["name"], data["title"], data["jobs"], entries)
