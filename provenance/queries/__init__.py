"""The one read layer of the store: functions by topic, each given a connection.

A connection for reading only comes from `Store.connect(readonly=True)`; the store's own serves
as well. No function changes anything.
"""

from __future__ import annotations

from .cache import CachedResult, Candidate, cached_results, candidates, is_kept, taken_by, unclaimed
from .contents import Placed, is_available, replicas_at, replicas_of, replicas_of_run
from .events import count_events, event_at, events, last_event, next_events
from .jobs import (
    AttemptDetail,
    JobDetail,
    all_attempts,
    attempt_detail,
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
from .lineage import Lineage, Produced, downstream, makers, producers, upstream
from .reasons import Aspect, Change, changes, earlier_job, input_changes, latest_job
from .resolve import Found, Kind, resolve, resolve_any
from .runs import (
    RunDetail,
    RunSummary,
    StepSummary,
    current_state,
    documents,
    get_run,
    list_runs,
    ports,
    run_detail,
    run_state,
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
from .transfers import Way, open_transfers, transfers, ways

__all__ = [
    "Aspect", "AttemptDetail", "CachedResult", "Candidate", "Change", "Found", "JobDetail", "Kind", "Lineage",
    "Placed", "Produced", "RunDetail", "RunSummary", "StepSummary", "TokenDetail", "Way", "all_attempts", "all_tokens",
    "attempt_detail", "attempts", "cached_results", "candidates", "changes", "count_events", "current_state",
    "documents", "downstream", "earlier_job", "event_at", "events", "files_of", "find_job", "get_job", "get_run",
    "get_token", "get_tokens", "in_batches", "input_changes", "inputs", "is_available", "is_kept", "job_detail",
    "jobs", "last_attempts", "last_event", "latest_job", "list_runs", "makers", "next_events", "open_attempts",
    "open_transfers", "outputs", "outputs_of_run", "parts_of", "places", "ports", "producers", "replicas_at",
    "replicas_of", "replicas_of_run", "resolve", "resolve_any", "run_detail", "run_state", "steps", "taken_by",
    "token_detail", "token_value", "token_values", "transfers", "unclaimed", "upstream", "used_by", "ways",
]  # fmt: skip
