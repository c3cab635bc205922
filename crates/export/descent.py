"""What a run was derived from, and whether its result was the same: the run before it, and verdicts as reviews."""

from __future__ import annotations

from collections.abc import Sequence

from ...provenance.queries import RunDetail
from ...provenance.rows import ComparisonRow, RunRow
from .actions import earlier_id, main_action_id
from .jsonld import Entity, clean, entity, escaped, instant, ref


def descent_entities(detail: RunDetail, parent: RunRow | None, comparisons: Sequence[ComparisonRow]) -> list[Entity]:
    """Return the entities of the runs that this one was derived from or compared with, and of the verdicts."""
    names = {row.other_id: row.other for row in comparisons}
    if detail.row.parent_id is not None:
        names[detail.row.parent_id] = parent.name if parent is not None else names.get(detail.row.parent_id, "")
    made = [
        entity(
            earlier_id(run_id), "CreativeWork", name=clean(f"run {name or run_id}"), identifier=run_id,
            description="a run that is in another crate",
        )
        for run_id, name in names.items()
    ]  # fmt: skip
    for row in comparisons:
        made += _verdict(detail.row, row)
    return made


def _verdict(run: RunRow, row: ComparisonRow) -> list[Entity]:
    from ..compare.report import counts
    from ..compare.verdicts import verdict_of

    identity = f"#comparison/{escaped(row.id)}"
    found = verdict_of(row)
    within = "" if found is None else f" Tolerances: {found.tolerances.in_words()}."
    values = "" if found is None else f" Values on the way: {counts(found)}."
    because = f": {row.cause}" if row.cause else ""
    review = entity(
        identity,
        "Review",
        name=clean(f"run {run.name} compared with {row.other}: {row.verdict}"),
        itemReviewed=ref(main_action_id(run)),
        isBasedOn=ref(earlier_id(row.other_id)),
        reviewRating=ref(f"{identity}/verdict"),
        reviewBody=clean(f"The outputs are graded {row.verdict}{because}.{values}{within}"),
        dateCreated=instant(row.instant),
    )
    rating = entity(
        f"{identity}/verdict",
        "Rating",
        name=row.verdict,
        ratingValue=row.verdict,
        ratingExplanation=clean(row.cause) if row.cause else None,
    )
    return [review, rating]
