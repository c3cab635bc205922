"""Rows of the store as data classes, one for each table.

Made of `schema.py` by `python -m recrate.provenance.make_rows`: change that, not this.
"""

from __future__ import annotations

from .base import Row
from .data import EventRow, FileRow, PartRow, ReplicaRow, TokenRow, TransferRow, UsageRow
from .runs import (
    AttemptRow,
    ComparisonRow,
    CrateRow,
    JobRow,
    LeaseRow,
    MetricRow,
    PortRow,
    RepositoryRow,
    RunRow,
    SoftwareRow,
    StepRow,
)
from .things import (
    AgentRow,
    DeploymentRow,
    DocumentRow,
    EnvironmentRow,
    ImageRow,
    LeftoverRow,
    LocationRow,
    WorkflowRow,
)

TABLES: tuple[type[Row], ...] = (
    AgentRow,
    WorkflowRow,
    DocumentRow,
    EnvironmentRow,
    ImageRow,
    DeploymentRow,
    LocationRow,
    RunRow,
    CrateRow,
    ComparisonRow,
    LeaseRow,
    SoftwareRow,
    RepositoryRow,
    StepRow,
    PortRow,
    JobRow,
    AttemptRow,
    MetricRow,
    TokenRow,
    PartRow,
    FileRow,
    UsageRow,
    TransferRow,
    ReplicaRow,
    EventRow,
    LeftoverRow,
)
"""All classes of rows, in the order in which rows are inserted."""

__all__ = [
    "TABLES",
    "AgentRow",
    "AttemptRow",
    "ComparisonRow",
    "CrateRow",
    "DeploymentRow",
    "DocumentRow",
    "EnvironmentRow",
    "EventRow",
    "FileRow",
    "ImageRow",
    "JobRow",
    "LeaseRow",
    "LeftoverRow",
    "LocationRow",
    "MetricRow",
    "PartRow",
    "PortRow",
    "ReplicaRow",
    "RepositoryRow",
    "Row",
    "RunRow",
    "SoftwareRow",
    "StepRow",
    "TokenRow",
    "TransferRow",
    "UsageRow",
    "WorkflowRow",
]
