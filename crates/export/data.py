"""The data of a run: its files by content, and its values as entities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any

from ...data_classes import dataclass
from ...provenance.queries import in_batches
from ...provenance.rows import TokenRow
from . import files
from .ahead import Ahead, Request
from .contents import Copied, Copier
from .draft import Draft
from .graph import Spool
from .jsonld import path_id, ref
from .outline import Outline
from .record import Record
from .source import FoundFile, JobRecord, Use
from .values import Values, is_alone, value_id

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _File:
    """A file or directory of the run, the ports that it was on, its path in the crate, and whether it is wanted."""

    found: FoundFile
    uses: Sequence[Use]
    path: str
    is_wanted: bool


def _to_be_copied(copier: Copier, one: _File) -> Request | None:
    """Return what another process is asked to copy."""
    place = copier.place(one.found) if one.is_wanted and not one.found.key.is_folder else None
    return None if place is None else (place, one.found.key.digest, one.path)


@dataclass(slots=True)
class Data:
    """Writes files and values.

    Attributes:
        copied: how many files and directories are in the crate.
        left_out: how many were to be left out.
        missing: paths of some of those that could not be had.
        missing_count: how many there are of them.
    """

    record: Record
    draft: Draft
    outline: Outline
    copied: int = 0
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0

    def write_files(self, main_job: JobRecord | None) -> None:
        """Write all files and directories; the inputs and outputs of the job are those of the run."""
        names, source = self.record.names, self.record.source
        names.without_data = self.record.options.metadata_only
        if main_job is not None:
            names.give("outputs", source.files_of(main_job.outputs.values()))
            names.give("inputs", source.files_of(main_job.inputs.values()))
        copier = Copier(source.database, self.draft.target, was_made_here=self.record.detail.crate is None)
        with Ahead(self.draft.target) as ahead:
            for one, copied in ahead.copied(self._found(), partial(_to_be_copied, copier)):
                if copied is None and one.is_wanted:
                    copied = copier.copy(one.found, one.path)
                self._file(one, copied)

    def _found(self) -> Iterator[_File]:
        for found, uses in self.record.source.files():
            path = self.record.names.path(found.key)
            yield _File(found, uses, path, files.is_wanted(found, path, self.record.options))

    def _file(self, one: _File, copied: Copied | None) -> None:
        names, found = self.record.names, one.found
        if copied is None:
            names.lack(found.key)
            self._note_absent(one.path, one.is_wanted)
        self.copied += copied is not None
        identity = names.id(found.key)
        self.draft.parts.add_ref(identity)
        made = files.file_entity(
            identity,
            found,
            self._examples(one.uses),
            looks_like_text=copied.looks_like_text if copied else None,
            size=copied.size if copied else None,
            absent_since=None if copied else self.record.day,
            parts=[path_id(member.path) for member in copied.members] if copied else (),
        )
        self.draft.body.add(made)
        for member in copied.members if copied else ():
            self.draft.body.add(files.member_entity(member))

    def _note_absent(self, path: str, is_wanted: bool) -> None:
        self.left_out += not is_wanted
        self.missing_count += is_wanted
        if is_wanted and len(self.missing) < _SHOWN:
            self.missing.append(path)

    def _examples(self, uses: Iterable[Use]) -> list[str]:
        found = (self.outline.parameter(use.step_id, use.direction, use.port) for use in uses)
        return [one.id for one in found if one is not None]

    def write_values(self) -> None:
        """Write the values that are no files alone, once the files are known by the names that they go by."""
        values = Values(self.record.names)
        for batch in self.record.source.tokens():
            parts = self.record.source.parts([row.id for row, _ in batch if row.value is None])
            for row, uses in batch:
                examples = self._examples(uses)
                if row.value is None:
                    self._gathered(values, row, parts.get(row.id, ()), examples)
                    continue
                value = json.loads(row.value)
                if value is None or is_alone(value):
                    continue
                for made in values.described(row.id, row.port, value, examples):
                    self.draft.body.add(made)
                    if made["@type"] == "Collection":
                        self.draft.mentions.add_ref(made["@id"])

    def _gathered(self, values: Values, row: TokenRow, parts: Sequence[str], examples: Sequence[str]) -> None:
        """Write the entity of a list that was put together of others, which may be long."""
        made = values.gathered(row.id, row.port, examples, is_empty=not parts)
        with Spool() as items:
            for some in in_batches(parts):
                texts = self.record.source.texts(some)
                for part in some:
                    items.add(_part(values, part, texts))
            self.draft.body.add_with(made, {"value": items})


def _part(values: Values, token: str, texts: Mapping[str, str | None]) -> Any:
    text = texts.get(token)
    return values.part(token, json.loads(text)) if text is not None else ref(value_id(token))
