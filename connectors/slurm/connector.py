"""Slurm as a place: `slurm` deployments of a configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...errors import DocumentInvalid, PlaceFailed
from ..base import Connector
from ..queues.batch import PLAIN, Template, read_template
from ..queues.connector import IN_FLIGHT, PATIENCE_SECONDS, POLL_SECONDS, QueueConnector, QueueSettings
from ..queues.manager import QueueManager
from ..queues.running import ANSWER_SECONDS, Shell
from ..queues.submitting import Service
from .commands import SlurmCommands
from .options import read_service

TOKEN_LIFESPAN = 3600
"""Seconds; a new token is asked for after half of it."""
INDEX = "SLURM_ARRAY_TASK_ID"
SUPPORTED = frozenset({"services", "file", "maxConcurrentJobs", "pollingInterval", "group", "patience", "via", "rest"})
WAYS = ("commands", "rest", "pyslurm")


class SlurmConnector(QueueConnector):
    """A Slurm cluster, reached through a location of another connector, or from this machine.

    Its locations are its services: jobs that the queue takes are limited by its `slots`, not by cores.

    Args:
        name: of the deployment.
        options: its `config`: `services`, `file`, `maxConcurrentJobs`, `pollingInterval` (seconds); and
            beyond the format `group`, `patience` (seconds), `via` (one of WAYS), `rest` (see `rest`).
        workdir: not needed here; each attempt has its own directory.
        inner: the connector that reaches the cluster; None is this machine.
        inner_location: one of its locations.

    Raises DocumentInvalid for options that cannot be.
    """

    SUPPORTED = SUPPORTED

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        workdir: str | None = None,
        inner: Connector | None = None,
        inner_location: str | None = None,
    ) -> None:
        options = options or {}
        if inner is None:
            from ..local import LocalConnector

            inner, inner_location = LocalConnector(), "local"
        location = inner_location or name
        services, self.remarks = read_services(name, options)
        settings = QueueSettings(
            services=services,
            slots=_number(name, options, "maxConcurrentJobs", IN_FLIGHT),
            poll_seconds=_number(name, options, "pollingInterval", POLL_SECONDS),
            patience=_number(name, options, "patience", PATIENCE_SECONDS),
        )
        manager = _manager(name, options, Shell(inner, location), services)
        super().__init__(name, inner, location, manager, settings, INDEX)


def _manager(name: str, options: Mapping[str, Any], shell: Shell, services: Mapping[str, Service]) -> QueueManager:
    match options.get("via", WAYS[0]):
        case "commands":
            return SlurmCommands(name, shell.command, _clusters(services))
        case "rest":
            from .rest import SlurmRest, read_settings, send_by_urllib

            settings = read_settings(name, options.get("rest"))
            return SlurmRest(name, settings, partial(_token, name, shell), send_by_urllib)
        case "pyslurm":
            from .library import SlurmLibrary, load_library

            return SlurmLibrary(name, load_library())
        case other:
            raise DocumentInvalid(f"{name}: 'via' cannot be {other!r}", hint=f"one of {', '.join(WAYS)}")


async def _token(name: str, shell: Shell) -> str:
    """Return a JSON Web Token: the one in SLURM_JWT, or a new one of a host of the cluster. Raises PlaceFailed."""
    given = os.environ.get("SLURM_JWT")
    if given:
        return given
    done = await shell.command(["scontrol", "token", f"lifespan={TOKEN_LIFESPAN}"], b"", ANSWER_SECONDS)
    found = re.search(rb"SLURM_JWT=(\S+)", done.stdout)
    if done.code != 0 or found is None:
        raise PlaceFailed(f"{name}: `scontrol token` gave no token for slurmrestd", hint="or set SLURM_JWT")
    return found[1].decode("ascii", "replace")


def _clusters(services: Mapping[str, Service]) -> str | None:
    """Return the clusters that jobs go to, when a service names them: their state is asked for there too."""
    named = {str(service.options["clusters"]) for service in services.values() if "clusters" in service.options}
    return ",".join(sorted(named)) or None


def read_services(name: str, options: Mapping[str, Any]) -> tuple[Mapping[str, Service], Sequence[str]]:
    """Return the services of a deployment, the one without a name among them, and remarks on keys without effect."""
    defaults = {key: options[key] for key in ("file", "group") if key in options}
    services = {"": Service(template=_template(defaults.get("file")), group=_number(name, options, "group", 1))}
    remarks: list[str] = []
    for key, keys in dict(options.get("services") or {}).items():
        read = read_service(key, {**defaults, **(keys or {})})
        template = _template((keys or {}).get("file", defaults.get("file")))
        services[key] = Service(key, read.options, read.flags, read.group, template)
        remarks += [f"{name}: {remark}" for remark in read.remarks]
    return services, remarks


def _template(file: str | None) -> Template:
    return Template(PLAIN) if file is None else read_template(file)


def _number(name: str, options: Mapping[str, Any], key: str, default: Any) -> Any:
    value = options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise DocumentInvalid(f"{name}: {key!r} must be a number above 0, not {value!r}")
    return value
