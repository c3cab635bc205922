"""Recrate runs CWL workflows so that someone else gets the same result elsewhere.

import recrate

result = recrate.run("workflow.cwl", {"reads": "sample.fastq"}, outdir="results")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import RunOptions, RunResult, run, run_async
    from .errors import RecrateError
    from .runs import attach, cancel, resume, resume_async

__version__ = "0.1.0"
__all__ = [
    "RecrateError",
    "RunOptions",
    "RunResult",
    "__version__",
    "attach",
    "cancel",
    "resume",
    "resume_async",
    "run",
    "run_async",
]


def __getattr__(name: str) -> Any:
    """Load what runs workflows when it is asked for: the version alone must cost nothing."""
    if name == "RecrateError":
        from . import errors

        return errors.RecrateError
    if name in ("attach", "cancel", "resume", "resume_async"):
        from . import runs

        return getattr(runs, name)
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module 'recrate' has no attribute {name!r}")
