"""`recrate run --profile`: where the time of the controller went, in one table."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import TypeVar

from ..connectors.processes import elapsed
from ..core.phases import THREADS, Spent, profiled
from .render import print_table

T = TypeVar("T")


def with_profile(function: Callable[[], T]) -> T:
    """Call a function, and print to standard error where the time went since this process was started."""
    age = elapsed(os.getpid()) or 0.0
    begun = time.perf_counter()
    result, spent = profiled(function, age)
    with redirect_stdout(sys.stderr):
        print_profile(spent, age + time.perf_counter() - begun)
    return result


def print_profile(spent: Sequence[Spent], seconds: float) -> None:
    """Print where `seconds` seconds went."""
    rows = [
        [
            one.phase,
            f"{one.seconds:.3f}",
            "" if one.phase == THREADS else f"{one.seconds / seconds:.1%}",
            one.calls or "",
        ]
        for one in spent
    ]
    print_table(("phase", "seconds", "share", "calls"), [row for row in rows if row[1] != "0.000"])
    print(f"\n{seconds:.3f} s in all; being measured, the controller takes up to twice its usual time")
