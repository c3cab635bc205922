"""What a text may mean in the store: runs, jobs and tokens by id or name, contents by hash or file name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import FoundFile, Kind
from .listing import RunLine, listing_of
from .words import bytes_text, clean

MOST = 50
SHORTEST_HASH = 6
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A job or a token."""

    kind: str
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class FileHit:
    """A file in a value, and the run that the value is of."""

    name: str
    sha256: str
    size: str
    run: str
    run_id: str
    port: str
    token: str


@dataclass(frozen=True, slots=True)
class Results:
    """What was found, the newest first; `is_cut` when there are more files."""

    runs: Sequence[RunLine]
    hits: Sequence[Hit]
    files: Sequence[FileHit]
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        """Nothing was found."""
        return not (self.runs or self.hits or self.files)


def search(database: Database, text: str) -> Results:
    """Return what a text may mean: the beginning of an id, a hash or a file name, a part of a run's name."""
    text = text.strip()
    if not text:
        return Results((), (), (), False)
    lower = text.lower()
    is_hash = len(lower) >= SHORTEST_HASH and _HEX.fullmatch(lower)
    files = queries.files_of_content(database, lower, limit=MOST + 1) if is_hash else []
    # All names have to be looked through, as names have no index: only when the hash is none.
    files = files or queries.files_called(database, text, limit=MOST + 1)
    return Results(
        listing_of(database, text=text).runs, _hits(database, text), [_file(one) for one in files[:MOST]],
        len(files) > MOST,
    )  # fmt: skip


def _hits(database: Database, text: str) -> list[Hit]:
    found = []
    for kind in (Kind.JOB, Kind.TOKEN):
        try:
            one = queries.resolve_any(database, text, (kind,))
        except UsageError:
            continue  # it means nothing of that kind, or too much
        found.append(Hit(kind.value, one.id, clean(one.label)))
    return found


def _file(found: FoundFile) -> FileHit:
    return FileHit(
        clean(found.basename), found.sha256 or "", bytes_text(found.size), clean(found.run_name), found.run_id,
        clean(f"{found.path} {found.port}"), found.token_id,
    )  # fmt: skip
