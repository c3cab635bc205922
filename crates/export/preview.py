"""`ro-crate-preview.html`: the page of the run, with what whoever published it says, and links into the crate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...provenance.rows import FileRow
from ...views.jobs import Fact
from ...views.limits import Limits
from ...views.report import CrateFacts, PageLink, preview
from .. import rows
from ..read import METADATA_FILE
from . import documents, software
from .jsonld import path_id
from .names import FileKey
from .outline import Outline
from .record import Record
from .root import license_entity, title_of


def preview_of(record: Record, outline: Outline) -> Iterator[bytes]:
    """Yield the page of a crate, in UTF-8."""
    options = record.options
    facts = CrateFacts(
        title=options.name or title_of(record.detail),
        description=options.description or "",
        facts=tuple(_facts(record)),
        files=tuple(_files(outline)),
        link=lambda row: _link(record, row),
    )
    for text in preview(record.source.database, record.detail.row.id, facts, limits=_limits(record)):
        yield text.encode("utf-8", "backslashreplace")


def _facts(record: Record) -> Iterator[Fact]:
    options = record.options
    license_ = license_entity(options.license)
    yield Fact("License", license_["name"], license_.get("url", ""))
    for person in record.authors:
        affiliation = f", {person.affiliation.name}" if person.affiliation else ""
        yield Fact("Author", f"{person.name}{affiliation}", person.orcid or "")
    if options.keywords:
        yield Fact("Keywords", ", ".join(options.keywords))
    if options.url:
        yield Fact("Workflow at", options.url, options.url if options.url.startswith("http") else "")
    yield Fact("Profile", f"Workflow Run RO-Crate {options.line.name}", options.line.provenance)


def _files(outline: Outline) -> Iterator[PageLink]:
    yield PageLink("the workflow", outline.main.id)
    yield PageLink("README", documents.README)
    yield PageLink("metadata", METADATA_FILE)
    yield PageLink("how the run was made", software.CONFIGURATION)
    yield PageLink("its record as rows", rows.PATH)


def _link(record: Record, row: FileRow) -> str | None:
    key = FileKey(row.kind.name, row.sha256 or row.location or f"{row.token_id}{row.pointer}", row.basename)
    if not record.names.has(key):
        return None
    return path_id(record.names.path(key)) + ("/" if key.is_folder else "")


def _limits(record: Record) -> Limits:
    """Return the bounds of the page: it shows nothing of contents that are to stay out of the crate."""
    usual, options = Limits(), record.options
    if options.metadata_only or options.exclude:
        return replace(usual, figure=0)
    return usual if options.max_file_size is None else replace(usual, figure=min(usual.figure, options.max_file_size))
