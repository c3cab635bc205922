"""What is common to the servers: what one wants to be done, what will be sent, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from ...data_classes import dataclass
from ...errors import UsageError
from ..read import Crate
from ..validation.report import Issue
from .archive import Packed
from .targets import Kind
from .transport import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions:
    """How a crate is to be published.

    Attributes:
        version_of: id of the entry that gets a new version; None: a new entry.
        projects: ids of the teams of WorkflowHub that a new entry belongs to.
        comment: what changed, for a new version at WorkflowHub.
        submit: let WorkflowHub find the entry by the source URL and the version in the crate.
        communities: of Zenodo, that the entry is proposed to.
        final: publish the draft at Zenodo, which cannot be taken back.
    """

    version_of: str | None = None
    projects: Sequence[str] = ()
    comment: str | None = None
    submit: bool = False
    communities: Sequence[str] = ()
    final: bool = False

    def check(self, kind: Kind) -> None:
        """Raise UsageError for what a kind of server does not know, and for what does not go together."""
        of_hub = {"--project": self.projects, "--comment": self.comment, "--submit": self.submit}
        of_zenodo = {"--community": self.communities, "--final": self.final}
        for name, given in (of_zenodo if kind is Kind.WORKFLOWHUB else of_hub).items():
            if given:
                raise UsageError(f"{name} is not for a server of this kind ({kind.value})")
        if self.submit and self.version_of is not None:
            raise UsageError("--submit finds the entry itself, so it does not go with --version-of")
        if self.comment is not None and self.version_of is None:
            raise UsageError("--comment says what is new in a version, so it needs --version-of")


@dataclass(frozen=True, slots=True)
class Step:
    """One request, as it is shown before it is sent.

    Attributes:
        method: of HTTP.
        url: with names in braces for what only the server knows.
        fields: what is said; of a form its texts, of JSON the object.
        file: name of the file that is sent, empty when there is none.
    """

    method: str
    url: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """An entry that there is now.

    Attributes:
        id: of the entry, at the server.
        url: where people look at it.
        version: as the server counts or calls it, empty when it does not say.
        doi: reserved or given; empty when there is none.
        draft: it is not public yet: `url` is where it can be looked at and published.
    """

    id: str
    url: str
    version: str = ""
    doi: str = ""
    draft: bool = False


Tell = Callable[[str], None]
"""Is told what happens, in words."""


class Service(Protocol):
    """What a kind of server wants, and how it is spoken to."""

    authorization: str
    """How its `Authorization` header begins."""

    def issues(self, crate: Crate, options: PublishOptions) -> Iterator[Issue]:
        """Yield what it would refuse (required), and what it would do without."""

    def steps(self, url: str, crate: Crate, name: str, options: PublishOptions) -> Sequence[Step]:
        """Return what will be sent for a crate in an archive of this name."""

    def publish(self, server: Server, url: str, crate: Crate, archive: Packed, options: PublishOptions,
                tell: Tell) -> Published:  # fmt: skip
        """Send a crate. Raises PublishFailed."""
