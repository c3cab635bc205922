"""Slurm's words: states of jobs and reasons (squeue(1), sections "JOB STATE CODES" and "JOB REASON CODES")."""

from __future__ import annotations

from ..queues.manager import Phase, QueueJob

PHASES = {
    "PENDING": Phase.WAITING,
    "REQUEUED": Phase.REQUEUED,
    "REQUEUE_FED": Phase.REQUEUED,
    "REQUEUE_HOLD": Phase.HELD,
    "RESV_DEL_HOLD": Phase.HELD,
    "SPECIAL_EXIT": Phase.HELD,
    "CONFIGURING": Phase.RUNNING,
    "POWER_UP_NODE": Phase.RUNNING,
    "RUNNING": Phase.RUNNING,
    "RESIZING": Phase.RUNNING,
    "SIGNALING": Phase.RUNNING,
    "SUSPENDED": Phase.RUNNING,
    "STOPPED": Phase.RUNNING,
    "STAGE_OUT": Phase.ENDING,
    "COMPLETING": Phase.ENDING,
    "COMPLETED": Phase.COMPLETED,
    "FAILED": Phase.FAILED,
    "SPECIAL": Phase.FAILED,
    "LAUNCH_FAILED": Phase.FAILED,
    "RECONFIG_FAIL": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
    "REVOKED": Phase.CANCELLED,
    "TIMEOUT": Phase.TIMED_OUT,
    "DEADLINE": Phase.TIMED_OUT,
    "OUT_OF_MEMORY": Phase.OUT_OF_MEMORY,
    "NODE_FAIL": Phase.NODE_FAILED,
    "BOOT_FAIL": Phase.NODE_FAILED,
    "PREEMPTED": Phase.PREEMPTED,
}

HELD = {
    "JobHeldUser": "held by its user (`scontrol release` lets it go on)",
    "JobHeldAdmin": "held by an administrator",
    "JobHoldMaxRequeue": "held, since it was requeued too often",
    "JobLaunchFailure": "its launch failed, and Slurm holds it (`scontrol release` tries it again)",
    "launch_failed_requeued_held": "its launch failed, and Slurm holds it (`scontrol release` tries it again)",
    "job_requeued_in_held_state": "requeued and held (`scontrol release` lets it go on)",
}

NEVER = {
    "PartitionTimeLimit": "its time limit is above the partition's",
    "PartitionNodeLimit": "it asks for more nodes than the partition gives to a job, or the partition is down",
    "PartitionConfig": "no node of the partition has what it asks for",
    "BadConstraints": "no node can meet its constraints",
    "AccountNotAllowed": "its account may not use the partition",
    "AccountingPolicy": "an accounting policy forbids it",
    "InvalidAccount": "its account is not valid",
    "InvalidQOS": "its QOS is not valid",
    "QOSNotAllowed": "its QOS may not be used with its account or partition",
    "QOSJobLimit": "its QOS lets it have no more jobs",
    "DependencyNeverSatisfied": "a job that it depends on did not end as it should",
    "BeginNever": "it begins never",
}
"""Reasons that do not go away by waiting, in words."""

WAITS = {
    "Priority": "jobs of a higher priority go first",
    "Resources": "its turn has come, and nodes are busy",
    "Dependency": "jobs that it depends on have not ended",
    "BeginTime": "its begin time has not come, or it was requeued",
    "ReqNodeNotAvail": "nodes that it needs are drained, down or reserved",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition is inactive",
    "Licenses": "no license is free",
    "Reservation": "its reservation has not begun",
    "Nodes_required_for_job_are_DOWN": "the nodes of the partition are down, drained or reserved",
    "None": "Slurm has not looked at it yet",
}


def phase_of(word: str, reason: str | None = None, restarts: int = 0) -> Phase:
    """Return where a job is whose state Slurm calls `word`; a word of a later release counts as running."""
    phase = PHASES.get(word, Phase.RUNNING)
    if phase is not Phase.WAITING:
        return phase
    if restarts:
        return Phase.REQUEUED
    key = _key(reason)
    if key in HELD:
        return Phase.HELD
    return Phase.NEVER if key in NEVER or _is_limit_of_one_job(key) else Phase.WAITING


def reason_in_words(reason: str | None) -> str | None:
    """Return a reason with what it means, when that is known."""
    key = _key(reason)
    words = HELD.get(key) or NEVER.get(key) or WAITS.get(key)
    if words is None and _is_limit_of_one_job(key):
        words = "it asks for more than one job may have"
    if not key or key == "None":
        return words if reason else None
    return f"{reason}: {words}" if words else reason


def waits_for(job: QueueJob) -> str | None:
    """Return in one line what a job that waits is waiting for; None when it does not."""
    if not job.phase.is_waiting:
        return None
    return f"Slurm job {job.native_id} is {job.word}: {reason_in_words(job.reason or 'None')}"


def _key(reason: str | None) -> str:
    """Return the first word of a reason: `ReqNodeNotAvail, UnavailableNodes:n2` is `ReqNodeNotAvail`."""
    return (reason or "").strip("()").partition(",")[0].strip().replace(" ", "_")


def _is_limit_of_one_job(key: str) -> bool:
    """Tell whether it is a limit on what a single job asks for, as `QOSMaxCpuPerJobLimit`."""
    return key.startswith(("QOSMax", "AssocMax", "QOSMin")) and key.endswith(
        ("PerJobLimit", "PerJob", "MinCpuNotSatisfied")
    )
