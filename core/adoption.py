"""Attempts that an earlier controller left without an end on record: their places are asked about each of them."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import replace

from ..connectors.base import TAKEN_AWAY, Ended, Ending, Handle, Launch
from ..connectors.wrapper import SCRIPT
from ..data_classes import dataclass
from ..errors import PlaceFailed, StoreFailed
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import AttemptRow, LocationRow, TransferRow
from ..provenance.statements import Update
from ..provenance.states import TransferState
from .places import Place
from .records import Attempt, Job
from .scheduling import Allocation
from .seats import Seating

NEVER_STARTED = "never started: its controller ended before"
BROKEN_OFF = "its controller ended before it did"
WAS_KILLED = "killed while its controller was gone"
ENDS = frozenset({signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP})
"""Signals that a controller, a shutdown or a user sends to be rid of a job."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """An attempt on record, and what its place says of it: it runs, it is over, or it never started."""

    row: AttemptRow
    found: Handle | Ended | None
    place: Place | None
    """None: it does not answer any more, and so the attempt is lost."""

    def attempt_of(self, job: Job) -> Attempt:
        """Return the attempt as the engine knows it."""
        row = self.row
        return Attempt(row.id, job, row.number, row.work_directory, row.token, row.location_id)

    def allocation(self, now: Allocation) -> Allocation:
        """Return what it was given; `now` is what it would be given today."""
        row = self.row
        return replace(now, cores=row.cores or now.cores, ram=row.ram or now.ram, gpus=row.gpus or 0)


def was_interrupted(ended: Ended) -> bool:
    """Tell whether what ended an attempt that was taken over was no doing of its own."""
    return ended.ending in TAKEN_AWAY or (ended.ending is Ending.SIGNALLED and ended.signal in ENDS)


async def ask(database: Database, seats: Seating, run_id: str) -> dict[tuple[str, int], Adopted]:
    """Ask the places about each attempt of a run that has no end on record; return them by job and number.

    Raises PlaceFailed when one cannot say, or when an attempt is on a machine that is not reached from here.
    """
    rows = queries.open_attempts(database, run_id)
    places = {row.location_id: await _place_of(database, seats, row.location_id) for row in rows}
    found = await asyncio.gather(*(_found(seats, places[row.location_id], row) for row in rows))
    paths = {row.job_id: queries.get_job(database, row.job_id).path for row in rows}
    return {
        (paths[row.job_id], row.number): Adopted(row, each, places[row.location_id])
        for row, each in zip(rows, found, strict=True)
    }


def broken_off(database: Database, run_id: str) -> list[Update]:
    """Return the rows that say that transfers which an earlier controller had begun are over.

    Nobody knows how far they came: what has arrived is found when it is needed, and what has arrived
    in part is gone on with.
    """
    changes = {"state": TransferState.FAILED, "ended": time.time(), "error": BROKEN_OFF}
    return [Update(TransferRow, (row.id,), changes) for row in queries.open_transfers(database, run_id)]


async def _found(seats: Seating, place: Place | None, row: AttemptRow) -> Handle | Ended | None:
    """Return what a place says of an attempt; of one on another place that does not answer, that it is lost."""
    if place is None:
        return Ended(Ending.LOST, message="its place does not answer any more")
    while True:
        try:
            return await place.connector.find(place.location.name, _launch(row))
        except PlaceFailed as error:
            if place.storage.is_here:
                raise
            if not await seats.answers(place):
                seats.failed(place, error)
                return Ended(Ending.LOST, message=f"{place.location.name} does not answer any more")


async def _place_of(database: Database, seats: Seating, location_id: str) -> Place | None:
    location = database.row(LocationRow, location_id)
    if location is None:
        raise StoreFailed(f"the store has no location {location_id}, on which an attempt may still run")
    return await seats.at(location)


def _launch(row: AttemptRow) -> Launch:
    return Launch(
        token=row.token,
        name=row.id,
        directory=row.work_directory,
        script=f"{row.work_directory}/{SCRIPT}",
        time_limit=row.time_limit,
        native_id=row.native_id,
    )
