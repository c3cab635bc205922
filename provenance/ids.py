"""Identifiers of rows: hex digits that we make, never numbers that a database counts.

Where the identity of a thing follows from others, its id is computed from theirs, so that the
same history makes the same ids and a row that is stored again is the same row.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ..hashing import hash_json

ID_LENGTH = 20
"""Hex digits of an id that is computed: 80 bits."""

RUN_ID_LENGTH = 16
"""Hex digits of the id of a run, which is random: 64 bits."""

FIRST_FACTS = 14
"""Columns of a location in the first schema."""

_SEPARATOR = "\x00"
SHARED = 4
"""Digits that the id of a run and the ids of what is in it have in common."""


def derived_id(*parts: str) -> str:
    """Return the id that follows from a sequence of texts (which hold no NUL)."""
    text = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:ID_LENGTH]


def _of_run(run_id: str, *parts: str) -> str:
    """Return the id of a thing of a run: it begins as the run's does, so that in a large store the
    rows of one run lie together in each index."""
    return run_id[:SHARED] + derived_id(run_id, *parts)[: ID_LENGTH - SHARED]


def new_run_id() -> str:
    """Return an id for a new run: random."""
    return secrets.token_hex(RUN_ID_LENGTH // 2)


def new_token() -> str:
    """Return an unguessable text by which an effect outside (an attempt, a transfer) is found again."""
    return secrets.token_hex(16)


def workflow_id(entry: str, digests: Mapping[str, str]) -> str:
    """Return the id of a workflow: its entry point, and the sha256 of each of its documents by URI."""
    return hash_json([entry, sorted(digests.items())])[:ID_LENGTH]


def step_id(run_id: str, path: str) -> str:
    """Return the id of the step at a path without indices, such as `/fold/train`; `/` is the workflow."""
    return _of_run(run_id, "step", path)


@lru_cache(maxsize=1024)
def job_id(run_id: str, path: str) -> str:
    """Return the id of the job at a path with indices, such as `/fold[3]/train~2`."""
    return _of_run(run_id, "job", path)


def attempt_id(job: str, number: int) -> str:
    """Return the id of the attempt of a job (its id) with this number, counted from 1."""
    return _of_run(job, "attempt", str(number))


def token_id(run_id: str, path: str, port: str, role: str) -> str:
    """Return the id of a token on a port of the step instance or job at a path.

    `role` keeps tokens apart that lie on ports of one name: `input`, `output`, `element`, ...
    """
    return _of_run(run_id, "token", path, port, role)


def replica_id(run_id: str, location_id: str, path: str, sha256: str | None) -> str:
    """Return the id of the fact that a run has a content at a path of a location."""
    return _of_run(run_id, "replica", location_id, path, sha256 or "")


def comparison_id(run_id: str, other_id: str, tolerances: str) -> str:
    """Return the id of how a run compares with another one, within tolerances as JSON has them."""
    return _of_run(run_id, "comparison", other_id, tolerances)


def deployment_id(name: str, kind: str, config: str, wraps: str | None = None) -> str:
    """Return the id of a deployment with this name, connector and configuration, stacked on that of the id `wraps`."""
    return derived_id("deployment", name, kind, config, *([] if wraps is None else [wraps]))


def location_id(values: Sequence[object]) -> str:
    """Return the id of a location of which these are the values of all columns, the id as an empty text.

    Columns that came after the first release of the schema count only up to the last that has a value, so that
    a location which an earlier release has put on record keeps its id.
    """
    known = list(values)
    while len(known) > FIRST_FACTS and known[-1] is None:
        known.pop()
    return derived_id("location", *map(str, known))


def image_id(name: str, tag: str | None, digest: str | None, platform: str | None, engine: str) -> str:
    """Return the id of a container image."""
    return derived_id("image", name, tag or "", digest or "", platform or "", engine)


def agent_id(name: str, orcid: str | None, affiliation: str | None, email: str | None) -> str:
    """Return the id of a person or organisation."""
    return derived_id("agent", name, orcid or "", affiliation or "", email or "")


def path_key(path: str) -> int:
    """Return a number of 64 bits, signed, that stands for a path in an index."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
