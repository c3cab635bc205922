"""The one read layer of the store: functions by topic, each given a connection.

A connection for reading only comes from `Store.connect(readonly=True)`; the store's own serves
as well. No function changes anything.
"""

from __future__ import annotations

from .cache import CachedResult, Candidate, cached_results, candidates, has_other_runs, is_kept, taken_by, unclaimed
from .conditions import StepImage, StepPlace, step_images, step_places
from .contents import Placed, is_available, replicas_at, replicas_of, replicas_of_many, replicas_of_run
from .events import count_events, event_at, events, events_of_kind, last_event, next_events
from .finding import (
    FoundFile,
    file_at,
    files_called,
    files_of_content,
)
from .heads import (
    TokenHead,
    count_files,
    count_parts,
    derived_from,
    first_files,
    first_parts,
    made_by_job,
    ports_of_job,
    token_head,
    users_of,
)
from .jobs import (
    AttemptDetail,
    JobDetail,
    all_attempts,
    attempt_detail,
    attempt_details,
    attempts,
    find_job,
    get_job,
    inputs,
    job_detail,
    jobs,
    last_attempts,
    open_attempts,
    outputs,
)
from .lineage import Lineage, Produced, downstream, made_before, makers, producers, upstream
from .metrics import MetricSummary, jobs_with_metrics, measured_users, metric_summaries, metrics
from .overview import (
    StepUse,
    TimedAttempt,
    TransferSum,
    attempts_of,
    count_transfers,
    failed_jobs,
    images_of_run,
    job_counts,
    job_states,
    locations,
    locations_of_run,
    open_transfers,
    pulse,
    pulse_of_all,
    replicas_in_run,
    step_use,
    steps_of_kind,
    timed_attempts,
    transfer_sums,
    transfers,
    transfers_with,
)
from .reasons import (
    Aspect,
    Change,
    attempt_changes,
    changes,
    changes_between,
    content_shown,
    content_text,
    earlier_job,
    input_changes,
    latest_job,
)
from .resolve import Found, Kind, resolve, resolve_any
from .runs import (
    RunDetail,
    RunSummary,
    StepSummary,
    comparisons,
    crate_of,
    current_state,
    documents,
    get_run,
    list_runs,
    ports,
    repositories_of,
    run_detail,
    run_state,
    software_of,
    steps,
)
from .tokens import (
    TokenDetail,
    all_tokens,
    files_of,
    get_token,
    get_tokens,
    in_batches,
    outputs_of_run,
    parts_of,
    places,
    token_detail,
    token_value,
    token_values,
    used_by,
)

__all__ = [
    "Aspect", "AttemptDetail", "CachedResult", "Candidate", "Change", "Found", "FoundFile", "JobDetail", "Kind",
    "Lineage", "MetricSummary", "Placed", "Produced", "RunDetail", "RunSummary", "StepImage", "StepPlace",
    "StepSummary", "StepUse", "TimedAttempt", "TokenDetail", "TokenHead", "TransferSum", "all_attempts",
    "all_tokens", "attempt_changes", "attempt_detail", "attempt_details", "attempts", "attempts_of",
    "cached_results", "candidates", "changes", "changes_between", "comparisons", "content_shown", "content_text",
    "count_events", "count_files", "count_parts", "count_transfers", "crate_of", "current_state", "derived_from",
    "documents", "downstream", "earlier_job", "event_at", "events", "events_of_kind", "failed_jobs", "file_at",
    "files_called", "files_of", "files_of_content", "find_job", "first_files", "first_parts", "get_job", "get_run",
    "get_token", "get_tokens", "has_other_runs", "images_of_run", "in_batches", "input_changes", "inputs",
    "is_available", "is_kept",
    "job_counts", "job_detail", "job_states", "jobs", "jobs_with_metrics", "last_attempts", "last_event",
    "latest_job", "list_runs", "locations", "locations_of_run", "made_before", "made_by_job", "makers",
    "measured_users", "metric_summaries", "metrics", "next_events", "open_attempts", "open_transfers", "outputs",
    "outputs_of_run", "parts_of", "places", "ports", "ports_of_job", "producers", "pulse", "pulse_of_all",
    "replicas_at", "replicas_in_run", "replicas_of", "replicas_of_many", "replicas_of_run",
    "repositories_of", "resolve", "resolve_any",
    "run_detail", "run_state", "software_of", "step_images", "step_places", "step_use", "steps", "steps_of_kind",
    "taken_by", "timed_attempts", "token_detail", "token_head", "token_value", "token_values", "transfer_sums",
    "transfers", "transfers_with", "unclaimed", "upstream", "used_by", "users_of",
]  # fmt: skip
