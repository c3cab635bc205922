"""What jobs on this machine have from the controller's process and its machine, beside their variables: on record, so
that a run can be carried out again in the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

from ..connectors.zones import umask_of, zone_of
from ..data_classes import dataclass
from .plan import CommandPlan
from .replacing import own_umask

LOCALTIME = "/etc/localtime"
TIMEZONE = "/etc/timezone"
ZONES = "/usr/share/zoneinfo"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What jobs have that no variable says. Jobs in containers have none of it.

    Attributes:
        umask: octal digits; None when it is not known.
        time_zone: its name in the tz database; None when it is not known.
        everywhere: jobs of other places shall have them, too: all of the earlier run had them, wherever they ran.
    """

    umask: str | None
    time_zone: str | None
    everywhere: bool = False

    @classmethod
    def here(cls) -> Surroundings:
        """Return those of this process and its machine: jobs have no TZ, so that the zone is the system's."""
        return cls(f"{own_umask():03o}", _time_zone())

    @classmethod
    def of_json(cls, told: object) -> Surroundings | None:
        """Return those that are on record; what cannot be is taken as not known, since others may have written it."""
        if not isinstance(told, Mapping):
            return None
        umask, zone = str(told.get("umask", "")), str(told.get("time zone", ""))
        return cls(umask_of(umask), zone_of(zone), told.get("everywhere") is True)

    def as_json(self) -> dict[str, Any]:
        """Return them as they are put on record."""
        told: dict[str, Any] = {"umask": self.umask, "time zone": self.time_zone, "everywhere": self.everywhere}
        return {name: value for name, value in told.items() if value}

    def zone_of_jobs(self, *, here: bool) -> str | None:
        """Return the time zone that a job must be told of, on this machine or elsewhere; None when there is none."""
        if not here:
            return self.time_zone if self.everywhere else None
        return self.time_zone if self.is_other_zone and self.is_known_zone else None

    def umask_of_jobs(self, *, here: bool) -> str | None:
        """Return the umask that a job's script must set; jobs here have that of the process: see `as_before`."""
        return self.umask if self.everywhere and not here else None

    @property
    def is_other_zone(self) -> bool:
        """Tell whether this machine is in another time zone."""
        return self.time_zone is not None and self.time_zone != _time_zone()

    @property
    def is_known_zone(self) -> bool:
        """Tell whether this machine knows the time zone."""
        return self.time_zone is not None and os.path.isfile(os.path.join(ZONES, self.time_zone))


def in_zone(plan: CommandPlan, known: Surroundings | None, *, here: bool) -> CommandPlan:
    """Return a plan whose command has the time zone that it shall have, unless it says one itself."""
    zone = None if known is None or "TZ" in plan.environment else known.zone_of_jobs(here=here)
    return plan if zone is None else replace(plan, environment={**plan.environment, "TZ": zone})


@contextmanager
def as_before(known: Surroundings | None) -> Iterator[None]:
    """Have the umask that a run had, as far as that is on record, for as long as this lasts."""
    if known is None or known.umask is None:
        yield
        return
    own = os.umask(int(known.umask, 8))
    try:
        yield
    finally:
        os.umask(own)


@cache
def _time_zone() -> str | None:
    """Return the name of the system's time zone; `UTC` where none is set, None when its file does not tell its name."""
    if not os.path.exists(LOCALTIME):
        return "UTC"
    _, found, name = os.path.realpath(LOCALTIME).rpartition("/zoneinfo/")
    if not found and os.path.isfile(TIMEZONE):
        with open(TIMEZONE, encoding="ascii", errors="replace") as stream:
            name = stream.read().strip()
    return zone_of(name)
