"""What jobs on this machine have from the controller's process and its machine, beside their variables: on record, so
that a run can be carried out again in the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

LOCALTIME = "/etc/localtime"
UMASK = "umask"
TIME_ZONE = "time zone"


def surroundings() -> dict[str, str]:
    """Return the umask, in octal digits, and the time zone: jobs have no TZ, so that it is the system's."""
    mask = os.umask(0o077)
    os.umask(mask)
    return {UMASK: f"{mask:03o}", TIME_ZONE: _time_zone()}


def _time_zone() -> str:
    """Return the name of the system's time zone in the tz database; `UTC` where none is set."""
    if not os.path.exists(LOCALTIME):
        return "UTC"
    return os.path.realpath(LOCALTIME).rpartition("zoneinfo/")[2]


@contextmanager
def as_before(known: Mapping[str, str]) -> Iterator[None]:
    """Have the umask that a run had, as far as that is on record, for as long as this lasts."""
    said = known.get(UMASK, "")
    if not (said.isdigit() and len(said) <= 4 and set(said) <= set("01234567")):
        yield
        return
    own = os.umask(int(said, 8))
    try:
        yield
    finally:
        os.umask(own)
