"""Options of a service as the fields of a job in Slurm's other interfaces, which have names of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...errors import DocumentInvalid
from .options import Options, Value

REST = {
    "account": "account",
    "begin": "begin_time",
    "constraint": "constraints",
    "cpusPerTask": "cpus_per_task",
    "dependency": "dependency",
    "exclude": "excluded_nodes",
    "exclusive": "exclusive",
    "gpus": "tres_per_job",
    "gpusPerTask": "tres_per_task",
    "gres": "tres_per_node",
    "hold": "hold",
    "jobName": "name",
    "licenses": "licenses",
    "mem": "memory_per_node",
    "memPerCpu": "memory_per_cpu",
    "nice": "nice",
    "nodelist": "required_nodes",
    "nodes": "nodes",
    "ntasks": "tasks",
    "ntasksPerNode": "tasks_per_node",
    "partition": "partition",
    "priority": "priority",
    "qos": "qos",
    "requeue": "requeue",
    "reservation": "reservation",
    "threadsPerCore": "threads_per_core",
    "time": "time_limit",
    "wckey": "wckey",
}
"""Fields of slurmrestd (OpenAPI v0.0.36 and on, `job_properties`) by key."""
LIBRARY = {
    "account": "account",
    "begin": "begin_time",
    "constraint": "constraints",
    "container": "container",
    "coresPerSocket": "cores_per_socket",
    "cpusPerGpu": "cpus_per_gpu",
    "cpusPerTask": "cpus_per_task",
    "deadline": "deadline",
    "dependency": "dependencies",
    "exclude": "excluded_nodes",
    "exclusive": "resource_sharing",
    "gpus": "gpus",
    "gpusPerSocket": "gpus_per_socket",
    "gpusPerTask": "gpus_per_task",
    "gres": "gres_per_node",
    "jobName": "name",
    "licenses": "licenses",
    "mem": "memory_per_node",
    "memPerCpu": "memory_per_cpu",
    "memPerGpu": "memory_per_gpu",
    "network": "network",
    "nice": "nice",
    "nodelist": "required_nodes",
    "nodes": "nodes",
    "ntasks": "ntasks",
    "ntasksPerNode": "ntasks_per_node",
    "overcommit": "overcommit",
    "partition": "partitions",
    "priority": "priority",
    "qos": "qos",
    "reboot": "requires_node_reboot",
    "requeue": "is_requeueable",
    "reservation": "reservations",
    "spreadJob": "spreads_over_nodes",
    "threadsPerCore": "threads_per_core",
    "time": "time_limit",
    "timeMin": "time_limit_min",
    "tmp": "temporary_disk_per_node",
    "wckey": "wckey",
}
"""Attributes of `pyslurm.JobSubmitDescription` (PySlurm 25.11) by key."""
_MEGABYTES = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}


def as_fields(options: Options, names: Mapping[str, str], way: str) -> dict[str, Value]:
    """Return options under other names. Raises DocumentInvalid for one that a way to talk to Slurm does not know."""
    fields: dict[str, Value] = {}
    for key, value in options.items():
        if key == "noRequeue":
            fields[names["requeue"]] = not value
        elif key in names:
            fields[names[key]] = value
        else:
            raise DocumentInvalid(
                f"the option {key!r} cannot be set through {way}", hint="use `via: commands`, which knows all options"
            )
    return fields


def minutes(text: str) -> int | None:
    """Return the minutes of a time limit as sbatch(1) writes it: `90`, `1:30`, `2:00:00`, `1-12`; None: no limit.

    Seconds count as a whole minute. Raises DocumentInvalid for what is none.
    """
    if text.upper() in ("UNLIMITED", "INFINITE", "-1"):
        return None
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if found is None:
        raise DocumentInvalid(f"{text!r} is no time limit", hint="minutes, or days-hours:minutes:seconds")
    days, *rest = found.groups()
    parts = [int(part) for part in rest if part is not None]
    if days is not None:
        hours, low, seconds = [*parts, 0, 0][:3]
    elif len(parts) == 3:
        hours, low, seconds = parts
    else:
        hours, (low, seconds) = 0, [*parts, 0][:2]
    return int(days or 0) * 1440 + hours * 60 + low + (1 if seconds else 0)


def megabytes(text: str) -> int:
    """Return the MiB of an amount of memory as sbatch(1) writes it: `512`, `4G`. Raises DocumentInvalid."""
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", text.strip().upper())
    if found is None:
        raise DocumentInvalid(f"{text!r} is no amount of memory", hint="such as 512M or 4G")
    return max(1, round(int(found[1]) * _MEGABYTES[found[2]]))
