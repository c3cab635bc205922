"""The values that flowed, the files in them, where these lie, and what happened.

Made of `schema.py` by `python -m recrate.provenance.make_rows`: change that, not this.
Instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from ..conflict import OnConflict
from ..states import Direction, FileClass, ReplicaKind, TokenOrigin, TransferState
from .base import Row, row


@row
class TokenRow(Row):
    """A value on a port, with an identity of its own."""

    TABLE: ClassVar[str] = "token"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"origin": TokenOrigin}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from run, path, port and role."""
    run_id: str
    """The run."""
    path: str
    """Path of the job or step instance that the port is of."""
    port: str
    """Name of the port."""
    tag: str | None = None
    """Its indices, as those of a job."""
    value: str | None = None
    """JSON; none: the list of the values of its parts, in order."""
    origin: TokenOrigin
    """How it came to be."""
    job_id: str | None = None
    """Refers to the job that made it."""
    source_id: str | None = None
    """Refers to the token that it was derived from."""


@row
class PartRow(Row):
    """A token that another one was put together of."""

    TABLE: ClassVar[str] = "part"
    KEY: ClassVar[tuple[str, ...]] = ("token_id", "position")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    token_id: str
    """The whole."""
    position: int
    """Place in the order of parts, from 0."""
    part_id: str
    """The part."""


@row
class FileRow(Row):
    """A File or Directory object within the value of a token."""

    TABLE: ClassVar[str] = "file"
    KEY: ClassVar[tuple[str, ...]] = ("token_id", "pointer")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"kind": FileClass}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    token_id: str
    """The token."""
    pointer: str
    """Where in the value: a JSON pointer (RFC 6901), empty for the value itself."""
    kind: FileClass
    """File or directory."""
    basename: str
    """The name that tools see."""
    location: str | None = None
    """URI that it was given or made at; none for a literal."""
    sha256: str | None = None
    """Hash of the content, hex; of a directory that of its listing."""
    sha1: str | None = None
    """SHA-1 of the content, hex."""
    size: int | None = None
    """Bytes."""


@row
class UsageRow(Row):
    """Which token a job had on a port. Outputs are listed for jobs whose body is a workflow: those of other jobs
    are the tokens that they made."""

    TABLE: ClassVar[str] = "usage"
    KEY: ClassVar[tuple[str, ...]] = ("job_id", "direction", "port")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"direction": Direction}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    job_id: str
    """The job."""
    direction: Direction
    """Which side."""
    port: str
    """Name of the port."""
    token_id: str
    """The token."""


@row
class TransferRow(Row):
    """One try to bring a content from one place to another. Committed as INTENDED before it starts."""

    TABLE: ClassVar[str] = "transfer"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"state": TransferState}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    id: str
    """Random."""
    run_id: str
    """The run."""
    token_id: str | None = None
    """Refers to the token that it was for."""
    source_location_id: str
    """Refers to the location it came from."""
    source_path: str
    """Path there."""
    target_location_id: str
    """Refers to the location it went to."""
    target_path: str
    """Path there."""
    method: str
    """How: `copy`, `sftp`, `direct`, ..."""
    number: int
    """Number of the try, from 1."""
    state: TransferState
    """Where it is."""
    bytes: int | None = None
    """Bytes moved."""
    sha256: str | None = None
    """Hash that was found at the target."""
    started: float | None = None
    """Instant."""
    ended: float | None = None
    """Instant."""
    error: str | None = None
    """Why it failed."""


@row
class ReplicaRow(Row):
    """Where a content lies or lay, as one run knows it."""

    TABLE: ClassVar[str] = "replica"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"kind": ReplicaKind}
    FLAGS: ClassVar[tuple[str, ...]] = ("valid",)
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.REPLACE
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from run, location, path and hash."""
    run_id: str
    """The run."""
    location_id: str
    """Refers to the location."""
    path: str
    """Absolute path there."""
    path_key: int
    """`ids.path_key` of the path: what it is looked up by."""
    sha256: str | None = None
    """Hash of the content, hex."""
    size: int | None = None
    """Bytes."""
    kind: ReplicaKind
    """Why it lies there."""
    valid: bool
    """False once the content is known to be gone or changed."""
    attempt_id: str | None = None
    """Refers to the attempt that made it."""


@row
class EventRow(Row):
    """What happened in a run: replaying the events in order rebuilds its state."""

    TABLE: ClassVar[str] = "event"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "seq")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    run_id: str
    """The run."""
    seq: int
    """Place in the order, from 1."""
    kind: str
    """Name of the event's class."""
    body: str
    """JSON: its fields."""
    instant: float
    """When it was recorded."""
