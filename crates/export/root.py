"""The root of the crate: what it is called, whose it is, what may be done with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...provenance.queries import RunDetail
from ...provenance.states import JobState, RunState
from .actions import earlier_id
from .agents import Organisation
from .jsonld import Entity, clean, day, entity, one_or_many, ref, refs
from .lines import OWN
from .options import ExportOptions

_SPDX = "https://spdx.org/licenses/"
_IDENTIFIER = re.compile(r"[A-Za-z0-9.+-]+")
NO_LICENSE = "#no-license"
IDENTIFIER = "#identifier"


def license_entity(said: str | None) -> Entity:
    """Return the entity of a license, given as an SPDX identifier or a URL."""
    if said is None:
        return entity(
            NO_LICENSE,
            "CreativeWork",
            name="no license",
            description="No license was given: ask the authors before you use what is in here.",
        )
    text = said.strip()
    if text.startswith(("http://", "https://")):
        name = text.rstrip("/").rpartition("/")[2] if text.startswith(_SPDX) else text
        return entity(text, "CreativeWork", name=name, url=text, description=f"the terms at {text}")
    if _IDENTIFIER.fullmatch(text):
        return entity(
            f"{_SPDX}{text}", "CreativeWork", name=text, identifier=text, url=f"{_SPDX}{text}",
            description=f"{text} as the license list of SPDX has it",
        )  # fmt: skip
    return entity("#license", "CreativeWork", name=clean(text), description=clean(text))


def title_of(detail: RunDetail) -> str:
    """Return what the workflow is called."""
    return clean(detail.workflow.name) if detail.workflow else "a workflow"


def summary_of(detail: RunDetail) -> str:
    """Return one sentence that says what the run was and how it ended."""
    counts = detail.counts
    total = sum(counts.values())
    said = {state: counts[state] for state in JobState if counts.get(state) and state is not JobState.COMPLETED}
    but = ", ".join(f"{count} {state.value}" for state, count in said.items())
    jobs = "1 job" if total == 1 else f"{total:,} jobs"
    ended = "completed" if detail.state is RunState.COMPLETED else f"ended as {detail.state.value}"
    return (
        f"Run {detail.row.name} of the workflow “{title_of(detail)}” on {day(detail.row.started)}: "
        f"it {ended} after {jobs}{f' ({but})' if but else ''}."
    )


def _before(detail: RunDetail) -> list[str]:
    return [] if detail.row.parent_id is None else [earlier_id(detail.row.parent_id)]


def root_entities(
    detail: RunDetail,
    options: ExportOptions,
    *,
    claims: Sequence[str],
    license_id: str,
    publisher: Organisation | None,
    main: str,
) -> list[Entity]:
    """Return the root but for its long lists, `hasPart` and `mentions`, and the entity of its identifier."""
    ended = detail.row.ended or detail.row.started
    made = entity(
        "./",
        "Dataset",
        name=clean(options.name) if options.name else f"Run {detail.row.name} of “{title_of(detail)}”",
        description=clean(options.description) if options.description else summary_of(detail),
        license=ref(license_id),
        # Of the run, not of the moment: so that the same run gives the same crate again.
        datePublished=day(ended),
        author=refs(person.id for person in options.authors),
        publisher=ref(publisher.id) if publisher else None,
        keywords=one_or_many([clean(word) for word in options.keywords]),
        version=clean(options.version) if options.version else None,
        isBasedOn=refs([*([options.url] if options.url else []), *_before(detail)]),
        conformsTo=refs(claims),
        mainEntity=ref(main),
        identifier=ref(IDENTIFIER),
    )
    identifier = entity(
        IDENTIFIER, "PropertyValue", name="id of the run", propertyID=f"{OWN}runId", value=detail.row.id
    )
    return [made, identifier]
