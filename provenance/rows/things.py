"""What runs refer to and share: documents, images, places, people.

Made of `schema.py` by `python -m recrate.provenance.make_rows`: change that, not this.
Instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from ..conflict import OnConflict
from .base import Row, row


@row
class AgentRow(Row):
    """A person or organisation on whose behalf runs are made."""

    TABLE: ClassVar[str] = "agent"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of the other columns."""
    name: str
    """Name as it is to be shown."""
    orcid: str | None = None
    """ORCID as a URL, `https://orcid.org/0000-0000-0000-0000`."""
    affiliation: str | None = None
    """Name or ROR URL of the organisation."""
    email: str | None = None
    """Address for questions."""


@row
class WorkflowRow(Row):
    """A workflow as its author wrote it."""

    TABLE: ClassVar[str] = "workflow"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.REPLACE
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of all its documents, entry point and language."""
    name: str
    """Name for people: its label or the name of its file."""
    language: str
    """Language and version, such as `cwl v1.2`."""
    entry: str
    """URI of the process that was run, with its fragment."""
    main_uri: str
    """URI of the document that the entry point is in."""
    structure: str | None = None
    """JSON: steps, ports and links, nested."""


@row
class DocumentRow(Row):
    """One file of a workflow, in its original text."""

    TABLE: ClassVar[str] = "document"
    KEY: ClassVar[tuple[str, ...]] = ("workflow_id", "uri")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    workflow_id: str
    """The workflow."""
    uri: str
    """Where it was read from."""
    sha256: str
    """Hash of its bytes, hex."""
    text: str
    """Its text."""


@row
class EnvironmentRow(Row):
    """The environment variables that a command was given."""

    TABLE: ClassVar[str] = "environment"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of the variables."""
    variables: str
    """JSON: an object of name to value; secret ones are masked."""


@row
class ImageRow(Row):
    """A container image as it was found when a job used it."""

    TABLE: ClassVar[str] = "image"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of the other columns."""
    name: str
    """Name as the workflow gives it, without the tag."""
    tag: str | None = None
    """Tag, when there is one."""
    digest: str | None = None
    """`sha256:...` of its manifest, or without a registry of its configuration."""
    platform: str | None = None
    """Such as `linux/amd64`."""
    engine: str
    """Kind of program that runs it: `docker`, `podman`, `apptainer`."""
    size: int | None = None
    """Bytes."""


@row
class DeploymentRow(Row):
    """An environment that jobs can be sent to, as configured."""

    TABLE: ClassVar[str] = "deployment"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of the other columns."""
    name: str
    """Name in the binding file, `local` for the controller's machine."""
    kind: str
    """Connector that serves it, such as `local`, `ssh`, `slurm`."""
    config: str
    """JSON: its configuration without secrets."""
    wraps: str | None = None
    """Refers to the deployment that it is stacked on."""


@row
class LocationRow(Row):
    """A unit of scheduling of a deployment, with the facts that were probed there."""

    TABLE: ClassVar[str] = "location"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    id: str
    """Hash of the other columns: new facts make a new location."""
    deployment_id: str
    """The deployment."""
    name: str
    """Name within the deployment."""
    service: str | None = None
    """Unit of binding that it belongs to."""
    hostname: str | None = None
    """Host name as the host says."""
    addresses: str | None = None
    """JSON: a list of addresses as configured."""
    os: str | None = None
    """Operating system and version."""
    kernel: str | None = None
    """Kernel release."""
    cpu_model: str | None = None
    """Model of the processor."""
    cores: int | None = None
    """Processors that jobs can use."""
    memory: int | None = None
    """MiB."""
    gpus: int | None = None
    """Number of GPUs."""
    runtime: str | None = None
    """Container runtime and version."""
    queue: str | None = None
    """Queue or partition."""
    umask: str | None = None
    """Octal digits: that of jobs which are told none; of other machines."""
    time_zone: str | None = None
    """Name of the system's zone in the tz database; of other machines."""


@row
class LeftoverRow(Row):
    """A directory that is left of a run that was removed, until `removal` has removed it too."""

    TABLE: ClassVar[str] = "leftover"
    KEY: ClassVar[tuple[str, ...]] = ("path", "host")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = True

    path: str
    """Absolute path of the work directory of the run."""
    host: str
    """Host that it is on."""
    run_id: str
    """Id of the run, which is no longer there."""
    since: float
    """Instant when the run was removed."""
