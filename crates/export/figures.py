"""What attempts asked for and what they used, as PropertyValue (Provenance Run Crate, `resourceUsage`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...provenance.rows import AttemptRow
from .jsonld import Entity, entity
from .vocabulary import property_id

_UNITS = "https://qudt.org/vocab/unit"


class Figure(NamedTuple):
    """A number with a name and a unit; `unit` is the last part of its IRI at QUDT."""

    name: str
    label: str
    value: float | int
    unit: str

    def entity(self, identity: str) -> Entity:
        """Return the entity of the figure."""
        return entity(
            identity,
            "PropertyValue",
            name=self.label,
            propertyID=property_id(self.name),
            value=f"{self.value:g}" if isinstance(self.value, float) else str(self.value),
            unitCode=f"{_UNITS}/{self.unit}",
        )


def used(row: AttemptRow) -> Iterator[Figure]:
    """Yield what an attempt used, as far as it was measured."""
    if row.cpu_seconds is not None:
        yield Figure("cpuTime", "CPU time", row.cpu_seconds, "SEC")
    if row.peak_rss is not None:
        yield Figure("peakMemory", "peak memory", row.peak_rss, "BYTE")
    if row.bytes_read is not None:
        yield Figure("bytesRead", "bytes read", row.bytes_read, "BYTE")
    if row.bytes_written is not None:
        yield Figure("bytesWritten", "bytes written", row.bytes_written, "BYTE")


def asked(row: AttemptRow) -> Iterator[tuple[str, Figure]]:
    """Yield what an attempt asked for, each with an `@id` that equal requests share."""
    figures = []
    if row.cores is not None:
        figures.append(Figure("cores", "cores asked for", row.cores, "UNITLESS"))
    if row.ram is not None:
        figures.append(Figure("memory", "memory asked for", row.ram, "MebiBYTE"))
    if row.gpus is not None:
        figures.append(Figure("gpus", "GPUs asked for", row.gpus, "UNITLESS"))
    if row.time_limit is not None:
        figures.append(Figure("wallTime", "time allowed", row.time_limit, "SEC"))
    for figure in figures:
        yield f"#asked/{figure.name}/{figure.value:g}", figure
