"""What attempts recorded of themselves, as PropertyValue: the last number of each name, the least and the greatest.

All numbers are in the rows of the crate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...provenance.queries import MetricSummary
from ...provenance.rows import MetricRow
from .jsonld import Entity, clean, entity, escaped


def metric_id(action: str, name: str) -> str:
    """Return the `@id` of the numbers of one name of an action."""
    return f"{action}/metric/{escaped(name)}"


def metric_entities(action: str, summaries: Iterable[MetricSummary]) -> Iterator[Entity]:
    """Yield the entities of what an action recorded."""
    for one in summaries:
        yield entity(
            metric_id(action, one.name),
            "PropertyValue",
            name=clean(one.name),
            value=_text(one.last),
            minValue=None if one.least is None or one.count == 1 else one.least.value,
            maxValue=None if one.greatest is None or one.count == 1 else one.greatest.value,
            description=_description(one),
        )


def _text(row: MetricRow) -> str:
    return "NaN" if row.value is None else repr(row.value)


def _description(one: MetricSummary) -> str:
    step = "" if one.last.step is None else f" at step {one.last.step}"
    return f"recorded once{step}" if one.count == 1 else f"the last of {one.count:,} numbers{step}"
