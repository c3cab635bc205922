"""The git repositories that the sources of a run lay in, as entities, and what had changed in them, as files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ...core.sources import repository_text
from ...provenance.rows import RepositoryRow
from .draft import Draft
from .jsonld import Entity, clean, entity, path_id, ref
from .said import web_address


def repository_id(number: int) -> str:
    """Return the `@id` of a repository, counted from 1."""
    return f"#repository/{number}"


def repository_ids(rows: Sequence[RepositoryRow]) -> list[str]:
    """Return the `@id` of each repository."""
    return [repository_id(number) for number, _ in enumerate(rows, 1)]


def write_changes(rows: Sequence[RepositoryRow], draft: Draft) -> None:
    """Write what differed from the commits."""
    for number, row in enumerate(rows, 1):
        if row.diff is not None:
            content = clean(row.diff).encode()
            about = ref(repository_id(number))
            draft.add_file(_diff_path(number), content, "what differed from the commit", encoding=_DIFF, about=about)


def repository_entities(rows: Sequence[RepositoryRow]) -> Iterator[Entity]:
    """Yield the entities of repositories. They are no files of the crate, so that none may be SoftwareSourceCode."""
    for number, row in enumerate(rows, 1):
        address = None if row.origin is None else web_address(row.origin)
        yield entity(
            repository_id(number),
            "CreativeWork",
            name=clean(f"git repository {os.path.basename(row.origin or row.root).removesuffix('.git')}"),
            description=clean(repository_text(row)),
            version=row.revision or "before the first commit",
            url=None if address is None else clean(address),
            hasPart=None if row.diff is None else ref(path_id(_diff_path(number))),
        )


_DIFF = "text/x-diff"


def _diff_path(number: int) -> str:
    return f"recrate/sources-{number}.diff"
