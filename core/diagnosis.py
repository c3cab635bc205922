"""What a run waits for that has stood still for long: what its jobs do, and what is wrong with its places."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ..connectors.base import Explaining, Handle
from ..connectors.data import Data, Space
from ..errors import PlaceFailed
from .places import MIB, Place

ANSWER_SECONDS = 15.0
FEWEST_BYTES = 16 * MIB
FEWEST_FILES = 100


def doing(path: str, place: Place, handle: Handle, since: float) -> str:
    """Return in one line what a job is doing that was launched at an instant, as far as its place says.

    The instant is one of `time.monotonic`.
    """
    connector, location = place.connector, place.location.name
    why = connector.waiting_for(location, handle) if isinstance(connector, Explaining) else None
    seconds = time.monotonic() - since
    return f"{path} is on {location} for {seconds:.0f} s" + (f", where it waits: {why}" if why else "")


async def troubles(places: Sequence[Place]) -> list[str]:
    """Return a line for each place that gives no answer, or whose disk is full."""
    by_disk = {(place.storage.name, place.workdir): place for place in places}
    found = await asyncio.gather(*(_trouble(place) for place in by_disk.values()))
    return [line for line in found if line is not None]


async def _trouble(place: Place) -> str | None:
    name, connector = place.location.name, place.connector
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            if isinstance(connector, Data):
                return _full(name, place.workdir, await connector.space(name, place.workdir))
            await connector.run(name, ["sh", "-c", "exit 0"], timeout=ANSWER_SECONDS)
    except TimeoutError:
        return f"{name} gives no answer within {ANSWER_SECONDS:.0f} s"
    except PlaceFailed as error:
        return f"{name} does not answer: {error.render()}"
    return None


def _full(name: str, path: str, space: Space) -> str | None:
    if space.free_bytes is not None and space.free_bytes < FEWEST_BYTES:
        return f"{name} is full: {space.free_bytes // MIB} MiB are left where {path!r} is"
    if space.free_files is not None and 0 < space.free_files < FEWEST_FILES:
        return f"{name} is full: {space.free_files} inodes are left where {path!r} is"
    return None
