"""Attempts on places that may not answer for a while: started once, and awaited as long as there is hope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..connectors.base import Ended, Handle, Launch
from ..errors import PlaceFailed, PlaceRefused
from .places import Place

Answers = Callable[[Place], Awaitable[bool]]
"""Tells whether a place that could not do its part answers; takes its time before it says no."""
MOST_WAITS = 20
"""So often the wait for an attempt may break off at a place that answers again."""


async def launched(place: Place, launch: Launch, answers: Answers) -> Handle | Ended:
    """Launch an attempt; where that fails at another place, ask it what became of the attempt.

    Raises PlaceFailed when it never started, or when the place does not answer any more.
    """
    try:
        return await place.connector.launch(place.location.name, launch)
    except PlaceRefused:
        raise
    except PlaceFailed:
        if place.storage.is_here or not await answers(place):
            raise
        found = await place.connector.find(place.location.name, launch)
        if found is None:
            raise
        return found


async def ended_at(place: Place, handle: Handle, answers: Answers) -> Ended:
    """Return how an attempt ended; while its place does not answer, it may still run there.

    Raises PlaceFailed when the place does not answer for long.
    """
    for left in reversed(range(MOST_WAITS)):
        try:
            return await place.connector.wait(place.location.name, handle)
        except PlaceRefused:
            raise
        except PlaceFailed:
            if not left or place.storage.is_here or not await answers(place):
                raise
    raise AssertionError("it is asked at least once")
