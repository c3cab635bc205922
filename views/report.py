"""A run as one static file that fetches nothing: `recrate report`, and the preview of a crate."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..redaction import from_environment
from .files import FileViewer, Link, no_link
from .jobs import Fact
from .limits import Limits
from .rendering import inline, render
from .run import run_view


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to a file of the crate."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class CrateFacts:
    """What a page in a crate says beside the run.

    Attributes:
        title: of the crate; empty: that of the workflow.
        description: of the crate.
        facts: such as license and authors, in their order.
        files: of the crate, that readers may look for.
        link: from a file of the run to its place in the crate, as a relative URL; None when it is not in it.
    """

    title: str = ""
    description: str = ""
    facts: Sequence[Fact] = ()
    files: Sequence[PageLink] = ()
    link: Link = field(default=no_link)


def report(
    database: Database, run_id: str, *, limits: Limits | None = None, made: float | None = None
) -> Iterator[str]:
    """Yield the page of a run. Raises UsageError when there is none.

    Args:
        database: a connection that may only read.
        run_id: its id.
        limits: how much is shown at most.
        made: the instant that the page says it was made at; None: now.
    """
    viewer = viewer_of(database, run_id, limits or Limits())
    return _page(database, run_id, viewer, None, time.time() if made is None else made)


def preview(database: Database, run_id: str, facts: CrateFacts, *, limits: Limits | None = None) -> Iterator[str]:
    """Yield `ro-crate-preview.html` for the crate of a run: the same page, with links to the crate's files.

    It says nothing of when it was made, so that equal crates have equal pages. Raises UsageError
    when there is no such run.
    """
    viewer = viewer_of(database, run_id, limits or Limits(), facts.link)
    return _page(database, run_id, viewer, facts, None)


def viewer_of(database: Database, run_id: str, limits: Limits, link: Link = no_link) -> FileViewer:
    """Return what shows the files of a run."""
    return FileViewer(
        replicas=lambda hashes: queries.replicas_in_run(database, run_id, hashes),
        link=link,
        limits=limits,
        redactor=from_environment(),
    )


def _page(
    database: Database, run_id: str, viewer: FileViewer, crate: CrateFacts | None, made: float | None
) -> Iterator[str]:
    values: dict[str, Any] = {
        "run": run_view(database, run_id, viewer, details=True),
        "crate": crate,
        "title": crate.title if crate else "",
        "details": True,
        "lineage_href": None,
        "style": inline("recrate.css"),
        "script": inline("page.js"),
        "made": made,
    }
    return render("report.html", values)
