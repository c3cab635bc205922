"""Locations and deployments as Place, transfers between them as TransferAction (terms of schema.org)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...provenance.rows import DeploymentRow, LocationRow, TransferRow
from ...provenance.states import TransferState
from .jsonld import Entity, clean, entity, escaped, instant, ref

COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"


def location_id(row_id: str) -> str:
    """Return the `@id` of a location."""
    return f"#location/{escaped(row_id)}"


def _deployment_id(row_id: str) -> str:
    return f"#deployment/{escaped(row_id)}"


def deployment_entity(row: DeploymentRow) -> Entity:
    """Return the entity of a deployment, without its configuration, which stands in a file of its own."""
    return entity(
        _deployment_id(row.id),
        "Place",
        name=clean(row.name),
        description=f"deployment of kind {clean(row.kind)}",
        containedInPlace=ref(_deployment_id(row.wraps)) if row.wraps else None,
    )


def location_entity(row: LocationRow) -> Entity:
    """Return the entity of a location with the facts that were found there."""
    facts = [
        row.os, row.kernel, row.cpu_model,
        None if row.cores is None else f"{row.cores} cores",
        None if row.memory is None else f"{row.memory} MiB of memory",
        f"{row.gpus} GPUs" if row.gpus else None,
        row.runtime,
        f"queue {row.queue}" if row.queue else None,
        f"umask {row.umask}" if row.umask else None,
        f"time zone {row.time_zone}" if row.time_zone else None,
    ]  # fmt: skip
    addresses = json.loads(row.addresses) if row.addresses else []
    return entity(
        location_id(row.id),
        "Place",
        name=clean(row.hostname or row.name),
        alternateName=clean(row.name) if row.hostname and row.hostname != row.name else None,
        description=clean(", ".join(fact for fact in facts if fact)) or None,
        address=clean(", ".join(map(str, addresses))) or None,
        containedInPlace=ref(_deployment_id(row.deployment_id)),
    )


def transfer_entity(row: TransferRow, moved: str | None, engine: str) -> Entity:
    """Return the entity of one try of a transfer; `moved` is the `@id` of what it was for, when that is known."""
    failed = row.state is not TransferState.COMPLETED
    error = (row.error or "its end is not on record") if failed else None
    said = f"{row.method}: {row.source_path} to {row.target_path}"
    named: Mapping[str, Any] = {"object": ref(moved)} if moved else {}
    return entity(
        f"#transfer/{escaped(row.id)}",
        "TransferAction",
        name=f"transfer by {clean(row.method)}, try {row.number}",
        description=clean(said if row.bytes is None else f"{said} ({row.bytes} bytes)"),
        agent=ref(engine),
        **named,
        fromLocation=ref(location_id(row.source_location_id)),
        toLocation=ref(location_id(row.target_location_id)),
        startTime=instant(row.started),
        endTime=instant(row.ended),
        actionStatus=FAILED if failed else COMPLETED,
        error=clean(error) if error else None,
    )
