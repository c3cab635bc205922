"""What whoever exports a run says about its crate."""

from __future__ import annotations

from collections.abc import Sequence

from ...data_classes import dataclass
from .agents import Organisation, Person
from .lines import LINE_05, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is in a crate, and what its root says.

    Attributes:
        line: versions of the specifications that are followed.
        name: title of the crate; None: made of the workflow's and the run's.
        description: what it is about; None: made of what the run did.
        license: SPDX identifier or URL; None: none was given.
        keywords: words to find it by.
        authors: who made it; the first one acts for a run of which no agent is on record.
        publisher: the organisation that stands behind it; None: the affiliation of the first author.
        url: where the workflow is at home, such as its repository.
        version: of the workflow.
        metadata_only: no contents of inputs, outputs and what lies between; they are named by their hashes.
        exclude: patterns of names, or of paths in the crate, of files whose contents stay out.
        max_file_size: bytes above which the contents of a file stay out; None: all are in.
    """

    line: Line = LINE_05
    name: str | None = None
    description: str | None = None
    license: str | None = None
    keywords: Sequence[str] = ()
    authors: Sequence[Person] = ()
    publisher: Organisation | None = None
    url: str | None = None
    version: str | None = None
    metadata_only: bool = False
    exclude: Sequence[str] = ()
    max_file_size: int | None = None
