"""How fast this machine is at the moment: limits of time in tests are those of a quiet one, times this."""

from __future__ import annotations

from time import perf_counter

QUIET_SECONDS = 0.021
"""What the loop below takes with CPython 3.11 on the machine that the limits were set on, while nothing else runs."""
ROUNDS = 250_000


def slowness() -> float:
    """Return how many times longer than on a quiet machine the interpreter takes for the same work; at least 1.

    The best of three short loops, by the clock on the wall: what other guests of a host take is part of it.
    """
    return max(1.0, min(_loop() for _ in range(3)) / QUIET_SECONDS)


def _loop() -> float:
    begun, number = perf_counter(), 0
    while number < ROUNDS:
        number += 1
    return perf_counter() - begun
