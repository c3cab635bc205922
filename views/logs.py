"""The last lines of what a job printed, as far as its log lies on this machine."""

from __future__ import annotations

import os
import platform

from ..core.tails import last_bytes
from ..provenance.queries import AttemptDetail
from ..redaction import Redactor
from .words import clean

TAIL_BYTES = 16_384
LONGEST_LINE = 500


def log_path(detail: AttemptDetail, stream: str) -> str | None:
    """Return where a log (`stdout` or `stderr`) of an attempt lies on this machine, None when it does not.

    Rows that came with a crate from elsewhere name paths that mean nothing here, or worse; attempts
    of this store are known by their token, which no crate holds.
    """
    row = detail.row
    path = row.stderr if stream == "stderr" else row.stdout
    is_local = detail.deployment is not None and detail.deployment.kind == "local"
    is_here = detail.location is not None and detail.location.hostname == platform.node()
    if path is None or not (row.token and is_local and is_here):
        return None
    inside = os.path.normpath(path).startswith(os.path.normpath(row.work_directory) + os.sep)
    return path if inside else None


def tail(path: str, lines: int, redactor: Redactor | None = None) -> str:
    """Return the last lines of a log as they can be shown; nothing when it cannot be read."""
    text = last_bytes(path, TAIL_BYTES).decode("utf-8", "replace")
    return shown(text, lines, redactor or Redactor())


def shown(text: str, lines: int, redactor: Redactor) -> str:
    """Return the last lines of a text, long ones cut and secrets masked."""
    kept = redactor.text(text).rstrip("\n").split("\n")[-lines:] if text.strip() else []
    return "\n".join(clean(line.rstrip("\r"))[:LONGEST_LINE] for line in kept)
