"""What is known of a run from the start of its export: read once, and small."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from ...data_classes import dataclass
from ...provenance.queries import RunDetail
from ...provenance.rows import DocumentRow, RunRow, SoftwareRow, StepRow
from ...redaction import Redactor, from_environment
from ..rows_apart import RowsApart
from .agents import Organisation, Person, person_of
from .jsonld import day
from .names import FileNames
from .options import ExportOptions
from .source import Source
from .texts import Texts, read_texts


@dataclass(frozen=True)
class Record:
    """A run, what is to be written of it, and by which names its files go."""

    source: Source
    detail: RunDetail
    rows: RowsApart
    options: ExportOptions
    redactor: Redactor = field(default_factory=from_environment)
    names: FileNames = field(default_factory=FileNames)

    @cached_property
    def documents(self) -> Sequence[DocumentRow]:
        """The documents of the workflow, as written."""
        return self.source.documents(self.detail.row.workflow_id)

    @cached_property
    def texts(self) -> Texts:
        """What these say."""
        return read_texts(self.detail.workflow, self.documents)

    @cached_property
    def structure(self) -> Mapping[str, Any] | None:
        """The steps and links of the workflow, when they are known."""
        workflow = self.detail.workflow
        return json.loads(workflow.structure) if workflow is not None and workflow.structure else None

    @cached_property
    def parent(self) -> RunRow | None:
        """The run that this one was derived from, when the store has it."""
        parent = self.detail.row.parent_id
        return None if parent is None else self.source.database.row(RunRow, parent)

    @property
    def steps(self) -> list[StepRow]:
        """The steps."""
        return [step.row for step in self.detail.steps]

    @cached_property
    def authors(self) -> Sequence[Person]:
        """Who made the crate, and on whose behalf the run was made."""
        agent = [] if self.detail.agent is None else [person_of(self.detail.agent)]
        return list({person.id: person for person in (*self.options.authors, *agent)}.values())

    @property
    def agent(self) -> str | None:
        """The `@id` of who acted."""
        if self.detail.agent is not None:
            return person_of(self.detail.agent).id
        return self.options.authors[0].id if self.options.authors else None

    @property
    def publisher(self) -> Organisation | None:
        """The organisation behind the crate."""
        return self.options.publisher or next((one.affiliation for one in self.authors if one.affiliation), None)

    @property
    def day(self) -> str:
        """The day on which the run ended."""
        return day(self.detail.row.ended or self.detail.row.started)

    @property
    def packages(self) -> Mapping[str, Sequence[SoftwareRow]]:
        """What tools ask for, by path of a step."""
        found: dict[str, list[SoftwareRow]] = {}
        for row in self.detail.software:
            if row.role not in ("engine", "dependency"):
                found.setdefault(row.role, []).append(row)
        return found
