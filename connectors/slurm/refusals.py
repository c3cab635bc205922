"""What Slurm says when it refuses, as one line with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import PlaceFailed, PlaceRefused

MISSING = 127
_LASTING = (
    (r"invalid partition|partition specified", "see `sinfo -s` for the partitions, and the service's key `partition`"),
    (r"invalid account|account or account/partition", "see `sacctmgr show assoc user=$USER`, and the key `account`"),
    (r"invalid qos", "see `sacctmgr show assoc user=$USER format=qos`, and the key `qos`"),
    (r"reservation", "see `scontrol show reservation`, and the key `reservation`"),
    (r"gres|generic resource", "see `sinfo -o %G` for what the nodes have, and the keys `gres` and `gpus`"),
    (r"feature", "see `sinfo -o %f` for what the nodes have, and the key `constraint`"),
    (
        r"memory specification|node configuration|node count|cpu count|more processors",
        "see `sinfo -N -l` for what the nodes have",
    ),
    (r"time limit|--time", "see `sinfo -o '%P %l'` for the partitions' limits, and the key `time`"),
)
"""What Slurm says of a job that it will never take, and what to do about it."""
_PASSING = (
    (
        r"submit limit|job limit|qos policy|accounting/qos|max.*jobs",
        "lower `maxConcurrentJobs`, or ask for a higher limit",
    ),
    (
        r"unable to contact slurm controller|connection refused|slurm_persist|socket timed out|connect failure|"
        r"zero bytes were transmitted",
        "its controller (slurmctld) does not answer: see `scontrol ping`, or ask its administrator",
    ),
    (r"no space left|disk quota", "make room, or choose another `workdir`"),
    (r"configuration source|dns srv|slurm.conf", "this machine is no host of a Slurm cluster: see the key `wraps`"),
)
"""What Slurm says that has nothing to do with the job itself."""
_NOISE = re.compile(r"^(?:sbatch|squeue|scancel|scontrol|sacct):\s*(?:error|fatal):\s*", re.IGNORECASE)


def refusal(place: str, program: str, code: int, stderr: bytes) -> PlaceFailed:
    """Return the error of a command of Slurm that failed at a place."""
    if code == MISSING:
        return PlaceFailed(
            f"{place}: {program} was not found", hint="is it a host of the cluster, and is Slurm in its PATH?"
        )
    text = said(stderr) or f"exit code {code}"
    kind = PlaceRefused if _hint(text, _LASTING) is not None else PlaceFailed
    return kind(f"{place}: {program} says: {text}", hint=hint_for(text))


def said(stderr: bytes) -> str:
    """Return what a command said, in one line."""
    lines = [_NOISE.sub("", line.strip()) for line in stderr.decode("utf-8", "replace").split("\n")]
    return "; ".join(dict.fromkeys(line for line in lines if line))


def hint_for(text: str) -> str | None:
    """Return what to do about something that Slurm said."""
    return _hint(text, _LASTING + _PASSING)


def _hint(text: str, hints: Sequence[tuple[str, str]]) -> str | None:
    return next((hint for pattern, hint in hints if re.search(pattern, text, re.IGNORECASE)), None)
